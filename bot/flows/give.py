"""Give: a member says how much of the co-operative's order is theirs to bring."""

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Flow, Invalid, Next, Start, Turn
from bot.flows.orders import actor_of
from bot.flows.pin import ask_pin, check_pin
from bot.flows.stock_words import units_typed
from bot.i18n import _
from bot.i18n.formats import at, local_day, short_day
from bot.market import notices, people, products, split_state, splits
from bot.market.split_state import Share, Split
from bot.market.splits import Answered

flow = Flow(
    "give",
    start="asked",
    moves=[
        # move       from       to
        ("give",     "asked",   "amount"),
        ("refuse",   "asked",   "refuse"),
        ("late",     "asked",   "late"),
        ("typed",    "amount",  "pin"),
        ("back",     "amount",  "asked"),
        ("right",    "pin",     "given"),
        ("locked",   "pin",     "locked"),
        ("back",     "pin",     "amount"),
        ("again",    "given",   "asked"),
        ("yes",      "refuse",  "refused"),
        ("back",     "refuse",  "asked"),
        ("again",    "refused", "asked"),
    ],
    calls=[("verify", "pin"), ("verify", "given")],
    personal=True,
)  # fmt: skip


@flow.step("asked")
async def show_request(turn: Turn) -> Next:
    found = await _picked(turn)
    if found is None or not found[0].is_open(turn.now) or found[1].state in ("held", "brought"):
        return "late"
    split, share = found
    turn.notes["seen"] = {"version": share.version}
    zone = turn.market.hub.timezone
    # What a member holds lapses before the order is due: the nearer day is theirs.
    by = short_day(local_day(splits.bring_by(split, turn.now), zone))
    lines = [
        _("{cooperative}, order {code}").format(cooperative=split.cooperative, code=split.code),
        products.name(split.product),
        _("Still needed: {qty}").format(qty=products.quantity(split.product, split.left)),
        _("Bring to {place} by {day}").format(place=split.collection_point, day=by),
        _("Answer by {moment}").format(moment=at(split.answer_by, zone)),
    ]
    return Screen(
        "\n".join(lines),
        [Choice(_("I can give"), "give"), Choice(_("I cannot"), "refuse")],
        resume=_named(split),
    )


@flow.step("late")
async def show_too_late(turn: Turn) -> Next:
    found = await _picked(turn)
    if found is None:
        return Screen(_("This order is not there any more."))
    return Screen(_truth(*found))


@flow.step("amount")
async def ask_amount(turn: Turn) -> Next:
    found = await _picked(turn)
    if found is None:
        return "back"
    split = found[0]
    piece = products.PRODUCTS[split.product].unit == "piece"
    asked = _("How many pieces can you give?") if piece else _("How many kilos can you give?")
    still = _("Still needed: {qty}").format(qty=products.quantity(split.product, split.left))
    return Screen(f"{asked}\n{still}", asks="number", resume=_named(split))


@flow.answer("amount")
async def read_amount(turn: Turn, typed: str) -> str:
    found = await _picked(turn)
    if found is None:
        raise Invalid(_("This order is not there any more."))
    split = found[0]
    units = units_typed(typed, split.product)
    if units > split.left:
        qty = products.quantity(split.product, split.left)
        raise Invalid(_("Not more than is needed: {qty}.").format(qty=qty))
    turn.notes["units"] = units
    return "typed"


@flow.step("pin")
async def ask_first(turn: Turn) -> Next:
    found = await _picked(turn)
    if found is None:
        return "back"
    contact = await turn.read(people.by_id, turn.session.contact_id)
    if contact is not None and contact.verifying:
        return Start("verify")
    split = found[0]
    text = _("Give {qty} for order {code}. Bring it to {place} by {moment}.").format(
        qty=products.quantity(split.product, turn.notes["units"]),
        code=split.code,
        place=split.collection_point.split(",")[0],
        moment=at(splits.bring_by(split, turn.now), turn.market.hub.timezone),
    )
    return await ask_pin(turn, text, resume=_named(split))


check_pin(flow)


@flow.effect("given")
def give(turn: Turn, db: Connection) -> Screen:
    version, units = turn.notes["seen"]["version"], turn.notes["units"]
    answered = splits.give(db, actor_of(turn), turn.notes["picked"], version, units, turn.now)
    if answered.outcome == "verify":
        text = _("Nothing was accepted: we must first check that this is you.")
        return Screen(text, [Choice(_("Continue"), start="verify"), _again()])
    if answered.outcome == "taken":
        return Screen(_("Others were quicker: less is needed now. Nothing was noted."), [_again()])
    return _came_of(answered, turn)


@flow.step("refuse")
async def ask_if_refuse(turn: Turn) -> Next:
    found = await _picked(turn)
    if found is None:
        return "back"
    # "2" led here, so "2" must not be what says no.
    yes = Choice(_("Yes, I give nothing"), "yes", key="1")
    text = _("Give nothing for order {code}?").format(code=found[0].code)
    return Screen(text, [yes], resume=_named(found[0]), guard=True)


@flow.effect("refused")
def refuse(turn: Turn, db: Connection) -> Screen:
    version = turn.notes["seen"]["version"]
    answered = splits.decline(db, actor_of(turn), turn.notes["picked"], version, turn.now)
    if answered.outcome == "declined":
        return Screen(_("Noted: you give nothing this time."), [_again()])
    return _came_of(answered, turn)


def _came_of(answered: Answered, turn: Turn) -> Screen:
    split, share = answered.split, answered.share
    if split is None or share is None:
        return Screen(_("This order is not there any more."))
    if answered.outcome != "given" or share.held_until is None:
        return Screen(_truth(split, share), [_again()])
    qty = products.quantity(split.product, share.units)
    until = at(share.held_until, turn.market.hub.timezone)
    noted = _("Noted: you give {qty}. Thank you.").format(qty=qty)
    where = _("Bring it to {place} by {moment}, else others may give it.")
    return Screen(f"{noted}\n{where.format(place=split.collection_point, moment=until)}", ends=True)


def _truth(split: Split, share: Share) -> str:
    """How it stands today, for who comes too late or has answered before."""
    if split.offer_state == "withdrawn":
        return notices.order_called_off(split)
    if share.state in ("held", "brought"):
        qty = products.quantity(split.product, share.units)
        said = _("You give {qty} for order {code}. Nothing has changed.")
        return said.format(qty=qty, code=split.code)
    return _("Order {code}: nothing more is asked for now.").format(code=split.code)


def _named(split: Split) -> str:
    return _("order {code}").format(code=split.code)


def _again() -> Choice:
    return Choice(_("See the order"), "again")


async def _picked(turn: Turn) -> tuple[Split, Share] | None:
    return await turn.read(split_state.asked_of, turn.notes["picked"], turn.session.contact_id)
