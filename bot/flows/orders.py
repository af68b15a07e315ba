"""Orders: see what a buyer asks, accept all or a part with the PIN, or say no."""

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Flow, Invalid, Next, Start, Turn
from bot.flows.order_words import (
    answered_screen,
    offer_lines,
    order_named,
    packs_typed,
    summary,
)
from bot.flows.pin import ask_pin as pin_screen
from bot.flows.pin import check_pin
from bot.i18n import _
from bot.i18n.formats import amount, at, number, weight
from bot.market import Actor, offers, people, products
from bot.market.members import COOPERATIVE
from bot.market.offers import Offer
from bot.market.split_state import open_for

flow = Flow(
    "orders",
    start="list",
    moves=[
        # move       from       to
        ("offer",    "list",    "offer"),
        ("accept",   "offer",   "pin"),
        ("refuse",   "offer",   "refuse"),
        ("more",     "offer",   "more"),
        ("back",     "offer",   "list"),
        ("part",     "more",    "part"),
        ("back",     "more",    "offer"),
        ("packs",    "part",    "pin"),
        ("locked",   "part",    "locked"),
        ("back",     "part",    "more"),
        ("right",    "pin",     "taken"),
        ("locked",   "pin",     "locked"),
        ("back",     "pin",     "offer"),
        ("again",    "taken",   "offer"),
        ("list",     "taken",   "list"),
        ("yes",      "refuse",  "refused"),
        ("back",     "refuse",  "offer"),
        ("list",     "refused", "list"),
        ("again",    "refused", "offer"),
        ("late",     "offer",   "late"),
        ("list",     "late",    "list"),
    ],
    calls=[
        ("register",  "list"),
        ("my_orders", "list"),
        ("stock",     "list"),
        ("members",   "list"),
        ("give",      "list"),
        ("verify",    "part"),
        ("verify",    "pin"),
        ("verify",    "taken"),
    ],
    personal=True,
)  # fmt: skip


def actor_of(turn: Turn) -> Actor:
    """The person of this turn as the one who changes something."""
    contact_id = turn.session.contact_id
    key = turn.hop_key.hex()
    return Actor(f"contact:{contact_id}", turn.inbound.channel, key, contact_id)


@flow.step("list")
async def show_offers(turn: Turn) -> Next:
    if not turn.session.contact_id:
        return Start("register")
    waiting = await turn.read(offers.open_for, turn.session.contact_id, turn.now)
    choices = [
        Choice(_("New order {code}").format(code=offer.code), "offer", offer.id)
        for offer in waiting
    ]
    own = [Choice(_("My orders"), start="my_orders"), Choice(_("My stock"), start="stock")]
    if turn.session.role == COOPERATIVE:
        own.append(Choice(_("Members"), start="members"))
    asked = await turn.read(open_for, turn.session.contact_id, turn.now)
    shared = [
        Choice(_("Give for order {code}").format(code=split.code), start="give", value=split.id)
        for split in asked
    ]
    text = _("Orders") if waiting or shared else _("You have no new orders.")
    return Screen(text, [*choices, *own, *shared])


@flow.step("offer")
async def show_offer(turn: Turn) -> Next:
    offer = await _picked(turn)
    if offer is None or offer.state != "offered" or offer.answer_by <= turn.now:
        return "late"
    turn.notes["seen"] = {"id": offer.id, "version": offer.version, "packs": offer.packs}
    turn.notes.pop("part", None)
    return Screen(
        "\n".join(offer_lines(offer, turn)),
        [
            Choice(_("Accept"), "accept"),
            Choice(_("Reject"), "refuse"),
            Choice(_("More"), "more"),
        ],
        resume=order_named(offer),
    )


@flow.step("late")
async def show_too_late(turn: Turn) -> Next:
    return answered_screen("too_late", await _picked(turn), turn)


@flow.step("more")
async def show_details(turn: Turn) -> Next:
    offer = await _picked(turn)
    if offer is None:
        return "back"
    language = turn.session.language or "rw"
    zone = turn.market.hub.timezone
    lines = [
        products.name(offer.product),
        _("Weight: {weight}").format(weight=weight(offer.weight_g, language)),
    ]
    chain = products.chain_of(offer.product, offer.weight_g)
    if chain is not None:
        cherries = weight(_whole_kg(chain.cherry_g), language)
        lines.append(_("Cherries needed, about: {weight}").format(weight=cherries))
    lines += [
        _("Bring it to: {place}").format(place=offer.collection_point),
        _("By {moment}").format(moment=at(offer.deliver_by, zone)),
        _("Answer by {moment}").format(moment=at(offer.answer_by, zone)),
        _("Fee: {fee}").format(fee=amount(0, language)),
    ]
    keep = _("You get: {net}").format(net=amount(offer.total_rwf, language))
    part = [Choice(_("Accept a part"), "part")] if offer.packs > 1 else []
    return Screen("\n".join(lines), part, keep=keep, resume=order_named(offer))


@flow.step("part")
async def ask_packs(turn: Turn) -> Next:
    offer = await _picked(turn)
    if offer is None:
        return "back"
    if (stopped := await _cannot_accept(turn)) is not None:
        return stopped
    text = _("How many packs of order {code} can you supply? 1 to {most}:")
    most = number(_most(offer.packs, offer, turn), turn.session.language or "rw")
    return Screen(text.format(code=offer.code, most=most), asks="number", resume=order_named(offer))


@flow.answer("part")
async def read_packs(turn: Turn, typed: str) -> str:
    offer = await _picked(turn)
    if offer is None:
        raise Invalid(_("This order is not there any more."))
    most = _most(turn.notes["seen"]["packs"], offer, turn)
    turn.notes["part"] = packs_typed(typed, offer, most)
    return "packs"


@flow.step("pin")
async def ask_pin(turn: Turn) -> Next:
    offer = await _picked(turn)
    if offer is None:
        return "back"
    if (stopped := await _cannot_accept(turn)) is not None:
        return stopped
    return await pin_screen(turn, summary(offer, _packs(turn), turn), resume=order_named(offer))


check_pin(flow)


@flow.effect("taken")
def take(turn: Turn, db: Connection) -> Screen:
    seen, zone = turn.notes["seen"], turn.market.hub.timezone
    most_rwf = turn.market.payouts.part_most_rwf
    answered = offers.accept(
        db, actor_of(turn), seen["id"], seen["version"], _packs(turn), turn.now, zone, most_rwf
    )
    return answered_screen(answered.outcome, answered.offer, turn)


@flow.step("refuse")
async def ask_if_sure(turn: Turn) -> Next:
    offer = await _picked(turn)
    if offer is None:
        return "back"
    # "2" led here, so "2" must not be what refuses: double presses are common.
    yes = Choice(_("Yes, reject"), "yes", key="1")
    text = _("Reject order {code}?").format(code=offer.code)
    return Screen(text, [yes], resume=order_named(offer), guard=True)


@flow.effect("refused")
def refuse(turn: Turn, db: Connection) -> Screen:
    seen = turn.notes["seen"]
    answered = offers.decline(db, actor_of(turn), seen["id"], seen["version"], turn.now)
    return answered_screen(answered.outcome, answered.offer, turn)


async def _picked(turn: Turn) -> Offer | None:
    return await turn.read(offers.by_id, turn.notes["list"], turn.session.contact_id)


async def _cannot_accept(turn: Turn) -> Next | None:
    """Where whoever cannot accept now is led, before anything is typed in vain; None who can."""
    contact_id = turn.session.contact_id
    contact = await turn.read(people.by_id, contact_id)
    if contact is not None and contact.verifying:
        return Start("verify")
    return "locked" if await turn.market.pins.opens_in(contact_id, turn.now) else None


def _most(packs: int, offer: Offer, turn: Turn) -> int:
    """How many of so many packs can be paid for at once."""
    return min(packs, turn.market.payouts.part_most_rwf // offer.price_rwf)


def _packs(turn: Turn) -> int:
    return int(turn.notes.get("part") or turn.notes["seen"]["packs"])


def _whole_kg(weight_g: int) -> int:
    return -(-weight_g // 1000) * 1000
