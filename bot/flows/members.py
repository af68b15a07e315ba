"""Members: who belongs to the caller's co-operative, and taking in more by their numbers."""

from collections.abc import Mapping

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Flow, Invalid, Next, Start, Turn
from bot.flows import verify
from bot.flows.orders import actor_of
from bot.flows.pin import ask_pin, check_pin
from bot.i18n import _
from bot.market import members, people

flow = Flow(
    "members",
    start="list",
    moves=[
        # move     from       to
        ("names",  "list",    "names"),
        ("add",    "list",    "numbers"),
        ("back",   "names",   "list"),
        ("typed",  "numbers", "pin"),
        ("back",   "numbers", "list"),
        ("right",  "pin",     "taken"),
        ("locked", "pin",     "locked"),
        ("back",   "pin",     "numbers"),
        ("list",   "taken",   "list"),
    ],
    calls=[("verify", "numbers"), ("verify", "taken")],
    personal=True,
)  # fmt: skip


@flow.step("list")
async def show_members(turn: Turn) -> Next:
    found = await turn.read(members.of, turn.session.contact_id)
    add = Choice(_("Add members"), "add")
    if not found:
        return Screen(_("No members yet."), [add])
    text = _("Members: {n}").format(n=len(found))
    return Screen(text, [Choice(_("Their names"), "names"), add])


@flow.step("names")
async def show_names(turn: Turn) -> Next:
    found = await turn.read(members.of, turn.session.contact_id)
    title = _("Members: {n}").format(n=len(found))
    names = [f"{one.names}, {one.district}" for one in found]
    return Screen("\n".join([title, *names]), of_others=True)


@flow.step("numbers")
async def ask_numbers(turn: Turn) -> Next:
    contact = await turn.read(people.by_id, turn.session.contact_id)
    if contact is not None and contact.verifying:
        return Start("verify")
    return Screen(
        _("Numbers of new members, with a space between two:"),
        asks="text",
        resume=_("your members"),
        more=_("Or send them here as a CSV file, a number on each line."),
        list_file=True,
    )


@flow.answer("numbers")
async def read_numbers(turn: Turn, typed: str) -> str:
    numbers = members.numbers_typed(typed)
    if not numbers:
        raise Invalid(_("Type a mobile number, such as 0788000000."))
    if len(numbers) > members.LIST_MAX:
        raise Invalid(_("At most {n} numbers at once.").format(n=members.LIST_MAX))
    country = turn.market.hub.country
    new, counts = await turn.read(members.look, turn.session.contact_id, numbers, country)
    if not new:
        raise Invalid("\n".join([_("Nobody to take in."), *_of_others(counts)]))
    # Of who is not registered, no number is kept.
    turn.notes["new"], turn.notes["counts"] = new, counts
    return "typed"


@flow.step("pin")
async def ask_first(turn: Turn) -> Next:
    counts = turn.notes["counts"]
    taken_in = _("Take in as members: {n}").format(n=counts["added"])
    return await ask_pin(turn, "\n".join([taken_in, *_of_others(counts)]), resume=_("your members"))


check_pin(flow)


@flow.effect("taken")
def take_in(turn: Turn, db: Connection) -> Screen:
    listed = Choice(_("Members"), "list")
    contact = people.by_id(db, turn.session.contact_id)
    if contact is not None and contact.verifying:
        return Screen(verify.why(), [Choice(_("Continue"), start="verify"), listed])
    if contact is None or contact.role != members.COOPERATIVE:
        return Screen(_("Nobody to take in."), [listed])
    hub, quiet, by = turn.market.hub, turn.market.quiet, actor_of(turn).by
    new, tel = turn.notes["new"], hub.help_msisdn
    found = members.take_in(db, contact.id, new, hub.country, by, turn.now, tel, quiet)
    counts = turn.notes["counts"]
    taken_in = _("Members taken in: {n}").format(n=len(found.get("added", ())))
    lines = [taken_in, *_of_others(counts)]
    if counts.get("unknown"):
        dial = turn.market.hub.service_code
        lines.append(_("To register, they dial {dial}").format(dial=dial))
    return Screen("\n".join(lines), [listed])


def _of_others(counts: Mapping[str, int]) -> list[str]:
    """A line for each reason why a number is not taken in now."""
    said = {
        "already": _("Members already: {n}"),
        "unknown": _("Not registered: {n}"),
        "no number": _("No mobile number: {n}"),
        "itself": _("Your own number: {n}"),
    }
    return [text.format(n=counts[why]) for why, text in said.items() if counts.get(why)]
