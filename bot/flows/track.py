"""Track: where the goods are that a person has handed over."""

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Done, Flow, Next, Start, Turn
from bot.flows.call_back import ticket_screen
from bot.i18n import _
from bot.i18n.formats import local_day, short_day
from bot.market import news, shipments
from bot.market.shipments import Shipment

flow = Flow(
    "track",
    start="list",
    moves=[
        # move      from       to
        ("one",     "list",    "one"),
        ("only",    "list",    "one"),
        ("back",    "one",     "left"),
        ("list",    "left",    "list"),
        ("sms",     "one",     "sent"),
        ("problem", "one",     "problem"),
        ("back",    "problem", "one"),
        ("yes",     "problem", "reported"),
        ("list",    "sent",    "list"),
        ("list",    "reported", "list"),
    ],
    calls=[("register", "list")],
    personal=True,
)  # fmt: skip


@flow.step("list")
async def show_list(turn: Turn) -> Next:
    if not turn.session.contact_id:
        return Start("register")
    found = await turn.read(shipments.under_way, turn.session.contact_id)
    if not found:
        return Screen(_("You have no shipment under way."))
    if len(found) == 1:
        turn.notes["list"] = found[0].code
        return "only"
    choices = [Choice(one.code, "one", one.code) for one in found]
    return Screen(_("Track shipment"), choices)


@flow.step("one")
async def show_one(turn: Turn) -> Next:
    found = await turn.read(shipments.under_way, turn.session.contact_id)
    one = next((s for s in found if s.code == turn.notes["list"]), None)
    if one is None:
        return Screen(_("You have no shipment under way."))
    return Screen(
        "\n".join(_lines(one, turn)),
        [Choice(_("Send by SMS"), "sms"), Choice(_("Report a problem"), "problem")],
    )


@flow.step("left")
async def go_back(turn: Turn) -> Next:
    # Of one alone there was no list to go back to: it would lead here again.
    found = await turn.read(shipments.under_way, turn.session.contact_id)
    return "list" if len(found) > 1 else Done()


@flow.effect("sent")
def send_by_sms(turn: Turn, db: Connection) -> Screen:
    found = shipments.under_way(db, turn.session.contact_id)
    one = next((s for s in found if s.code == turn.notes["list"]), None)
    if one is not None:
        key = f"track:{turn.hop_key.hex()}"
        words = "\n".join(_lines(one, turn))
        news.tell(db, turn.session.contact_id, key, lambda: words, turn.now, by_phone=True)
    return Screen(_("An SMS follows."), [Choice(_("Track shipment"), "list")])


@flow.step("problem")
async def ask_if_problem(turn: Turn) -> Next:
    text = _("A problem with shipment {code}? We call you back.").format(code=turn.notes["list"])
    return Screen(text, [Choice(_("Yes, call me"), "yes", key="3")])


@flow.effect("reported")
def report(turn: Turn, db: Connection) -> Screen:
    back = Choice(_("Track shipment"), "list")
    return ticket_screen(turn, db, "shipment", back, about=turn.notes["list"])


def _lines(one: Shipment, turn: Turn) -> list[str]:
    # The word shipment stays on top: in Kinyarwanda the states alone could mean "you".
    zone = turn.market.hub.timezone
    lines = [_("Shipment {code}").format(code=one.code)]
    lines += [f"{short_day(local_day(s.at, zone))} {_stop(s.what)}" for s in one.stops]
    return lines


def _stop(what: str) -> str:
    return {
        "collection": _("At collection point"),
        "warehouse": _("Kigali warehouse"),
        "to_china": _("On the way to China"),
        "arrived": _("Arrived in China"),
    }.get(what, what)
