"""My orders: what a person has accepted, how far it is, and what is to do next."""

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Flow, Next, Turn
from bot.flows.call_back import ticket_screen
from bot.flows.order_words import order_named
from bot.flows.orders import actor_of
from bot.i18n import _
from bot.i18n.formats import amount, at, number
from bot.market import offers
from bot.market.lives import Forbidden
from bot.market.members import COOPERATIVE
from bot.market.offers import Offer

flow = Flow(
    "my_orders",
    start="mine",
    moves=[
        # move       from        to
        ("one",      "mine",     "one"),
        ("back",     "one",      "mine"),
        ("bring",    "one",      "bring"),
        ("problem",  "one",      "problem"),
        ("back",     "bring",    "one"),
        ("yes",      "bring",    "brought"),
        ("list",     "brought",  "mine"),
        ("back",     "problem",  "one"),
        ("yes",      "problem",  "reported"),
        ("list",     "reported", "mine"),
    ],
    calls=[("split", "one")],
    personal=True,
)  # fmt: skip


@flow.step("mine")
async def show_mine(turn: Turn) -> Next:
    mine = await turn.read(offers.mine, turn.session.contact_id)
    if not mine:
        return Screen(_("You have no orders."))
    choices = [Choice(f"{o.code} {short_state(o.state)}", "one", o.id) for o in mine]
    return Screen(_("My orders"), choices)


@flow.step("one")
async def show_one(turn: Turn) -> Next:
    offer = await _picked(turn)
    if offer is None:
        return "back"
    language = turn.session.language or "rw"
    lines = [
        order_state(offer),
        f"{number(offer.packs_accepted, language)} x {amount(offer.price_rwf, language)}",
        _("You get: {net}").format(net=amount(offer.accepted_rwf, language)),
    ]
    choices = [Choice(_("Report a problem"), "problem")]
    if offer.state == "accepted":
        choices.insert(0, Choice(_("I delivered it"), "bring"))
        if turn.session.role == COOPERATIVE:
            choices.append(Choice(_("Share among members"), start="split", value=offer.id))
    return Screen("\n".join(lines), choices)


@flow.step("bring")
async def ask_if_brought(turn: Turn) -> Next:
    offer = await _picked(turn)
    if offer is None:
        return "back"
    text = _("Bring order {code} to:\n{place}\nBy {moment}").format(
        code=offer.code,
        place=offer.collection_point,
        moment=at(offer.deliver_by, turn.market.hub.timezone),
    )
    # "1" led here, so the key that says it is done is another one.
    yes = Choice(_("I delivered it"), "yes", key="2")
    return Screen(text, [yes], resume=order_named(offer), guard=True)


@flow.effect("brought")
def bring(turn: Turn, db: Connection) -> Screen:
    others = Choice(_("Other orders"), "list")
    try:
        offer = offers.move(db, actor_of(turn), turn.notes["mine"], "hand_over", turn.now)
    except Forbidden:
        return Screen(_("This was noted before. Nothing has changed."), [others])
    if offer is None:
        return Screen(_("This order is not there any more."), [others])
    text = _("Order {code}: we know that you delivered it. The money comes after the check.")
    return Screen(text.format(code=offer.code), [others])


@flow.step("problem")
async def ask_if_problem(turn: Turn) -> Next:
    offer = await _picked(turn)
    if offer is None:
        return "back"
    text = _("A problem with order {code}? We call you back.").format(code=offer.code)
    return Screen(text, [Choice(_("Yes, call me"), "yes", key="3")], resume=order_named(offer))


@flow.effect("reported")
def report(turn: Turn, db: Connection) -> Screen:
    offer = offers.by_id(db, turn.notes["mine"], turn.session.contact_id)
    others = Choice(_("Other orders"), "list")
    return ticket_screen(turn, db, "order", others, about=offer.code if offer else "")


def short_state(state: str) -> str:
    """An order's state in a word or two; each agrees with the word order, not with others."""
    return {
        "accepted": _("accepted"),
        "handed_over": _("handed over"),
        "shipped": _("on the way"),
        "delivered": _("arrived"),
        "paid": _("paid"),
        "confirmed": _("confirmed"),
        "disputed": _("being looked at"),
    }.get(state, state)


def order_state(offer: Offer) -> str:
    """The state as a line."""
    return _("Order {code}: {state}").format(code=offer.code, state=short_state(offer.state))


async def _picked(turn: Turn) -> Offer | None:
    return await turn.read(offers.by_id, turn.notes["mine"], turn.session.contact_id)
