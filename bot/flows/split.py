"""An order shared among members: the co-operative asks, sees how far it is, notes what came."""

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Flow, Next, Turn
from bot.flows.orders import actor_of
from bot.i18n import _
from bot.i18n.formats import at
from bot.market import members, offers, products, split_board, split_state, splits
from bot.market.split_state import Share, Split

flow = Flow(
    "split",
    start="board",
    moves=[
        # move     from       to
        ("none",   "board",   "ask"),
        ("one",    "board",   "one"),
        ("yes",    "ask",     "asked"),
        ("board",  "asked",   "board"),
        ("back",   "one",     "board"),
        ("yes",    "one",     "brought"),
        ("board",  "brought", "board"),
    ],
    personal=True,
)  # fmt: skip


@flow.step("board")
async def show_board(turn: Turn) -> Next:
    split = await _split(turn)
    if split is None:
        return "none"
    given = await turn.read(split_state.shares_of, split.id)
    answered = sum(share.state != "asked" for share in given)
    text = split_board.words(
        split.code, split.product, split.reserved, split.needed, answered, len(given)
    )
    choices = [Choice(_line(split, share), "one", share.id) for share in given]
    return Screen(text, choices, of_others=True)


@flow.step("ask")
async def ask_if_ask(turn: Turn) -> Next:
    own = turn.session.contact_id
    offer = await turn.read(offers.by_id, turn.notes["picked"], own)
    asked = await turn.read(members.of, own)
    if offer is None or offer.state != "accepted":
        return Screen(_("This order is not there any more."))
    if not asked:
        return Screen(_("No members yet. Add them: Orders, Members."))
    needed = products.units_in(offer.product, offer.packs_accepted, offer.pack_g)
    text = _("Ask {n} members how much they can give for order {code}? Needed: {qty}.").format(
        n=len(asked), code=offer.code, qty=products.quantity(offer.product, needed)
    )
    # "3" led here.
    return Screen(text, [Choice(_("Yes, ask"), "yes", key="5")], guard=True)


@flow.effect("asked")
def ask(turn: Turn, db: Connection) -> Screen:
    hub, quiet = turn.market.hub, turn.market.quiet
    answered = splits.ask(
        db, actor_of(turn), turn.notes["picked"], turn.now, hub.service_code, hub.timezone, quiet
    )
    if answered.split is None:
        return Screen(_("Nobody was asked: the order has changed."))
    text = _("Your members are asked. They answer by {moment}.")
    said = text.format(moment=at(answered.split.answer_by, hub.timezone))
    return Screen(said, [Choice(_("See"), "board")])


@flow.step("one")
async def show_share(turn: Turn) -> Next:
    share = await turn.read(split_state.share_by_id, turn.notes["board"])
    split = await _split(turn)
    if share is None or split is None or share.split_id != split.id:
        return "back"
    turn.notes["seen"] = {"id": share.id, "version": share.version}
    lines = [share.names, _state(split, share)]
    if share.state != "held" or share.held_until is None:
        return Screen("\n".join(lines), of_others=True)
    until = at(share.held_until, turn.market.hub.timezone)
    lines.append(_("To be brought by {moment}").format(moment=until))
    # One digit of a list led here; the list has no such key before its seventh line.
    brought = Choice(_("They brought it"), "yes", key="77")
    return Screen("\n".join(lines), [brought], guard=True, of_others=True)


@flow.effect("brought")
def note_brought(turn: Turn, db: Connection) -> Screen:
    seen = turn.notes["seen"]
    answered = splits.bring(db, actor_of(turn), seen["id"], seen["version"], turn.now)
    if answered.outcome == "brought":
        return Screen(_("Noted: they brought it."), [Choice(_("See"), "board")])
    return Screen(_("This has changed meanwhile. Nothing was noted."), [Choice(_("See"), "board")])


async def _split(turn: Turn) -> Split | None:
    return await turn.read(split_state.of_offer, turn.notes["picked"], turn.session.contact_id)


def _line(split: Split, share: Share) -> str:
    return f"{share.names}: {_state(split, share)}"


def _state(split: Split, share: Share) -> str:
    """What a member gives, in a word or with the amount."""
    if share.state == "held":
        return products.quantity(split.product, share.units)
    if share.state == "brought":
        qty = products.quantity(split.product, share.units)
        return _("{qty} brought").format(qty=qty)
    return {
        "asked": _("no answer yet"),
        "declined": _("gives nothing"),
        "lapsed": _("did not bring it"),
    }.get(share.state, share.state)
