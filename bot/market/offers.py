"""Offers: what a farmer is asked to supply, and the answer; never more than ordered or in stock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, bindparam, case, insert, select, update

from bot.market import Actor, hub_news, news, notices, people, stock_figures
from bot.market.lives import OFFER_LIFE, advance
from bot.market.share import Line
from bot.storage.schema import audit, offer_events, offers, orders, stocks

Outcome = Literal[
    "accepted",
    "part_accepted",
    "declined",
    "too_late",
    "changed",
    "taken",
    "no_stock",
    "too_large",
    "already",
    "verify",
    "gone",
]


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer of an order to one person, as it stands in `version`."""

    id: int
    version: int
    code: str
    product: str
    packs: int
    packs_accepted: int
    pack_g: int
    price_rwf: int
    sale_price_rwf: int
    deductions: tuple[Line, ...]
    state: str
    answer_by: datetime
    deliver_by: datetime
    collection_point: str
    contact_id: int
    order_id: int

    @property
    def part(self) -> str:
        """By what the hub and staff know this part of the order."""
        return f"P-{self.id}"

    @property
    def named(self) -> str:
        """The order and this part of it, as tickets are about it."""
        return self.named_of(self.code, self.id)

    @staticmethod
    def named_of(code: str, offer_id: int) -> str:
        """The same, where only the order's code and the offer's number are at hand."""
        return f"{code} P-{offer_id}"

    @property
    def total_rwf(self) -> int:
        """What the whole offer brings the farmer."""
        return self.packs * self.price_rwf

    @property
    def is_accepted(self) -> bool:
        """Whether the person has said yes, whatever came of it since."""
        return self.state in _UNDER_WAY

    @property
    def accepted_rwf(self) -> int:
        """What the accepted part brings the farmer."""
        return self.packs_accepted * self.price_rwf

    @property
    def weight_g(self) -> int:
        """The weight of the whole offer."""
        return self.packs * self.pack_g


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of an answer, and the offer as it stands now."""

    outcome: Outcome
    offer: Offer | None


_columns = (
    offers,
    orders.c.code,
    orders.c.product,
    orders.c.pack_g,
    orders.c.sale_price_rwf,
    orders.c.deductions,
    orders.c.deliver_by,
    orders.c.collection_point,
)
_all = select(*_columns).join(orders, orders.c.id == offers.c.order_id)
_one = _all.where(
    offers.c.id == bindparam("offer_id"), offers.c.contact_id == bindparam("contact_id")
)
_UNDER_WAY = ("accepted", "handed_over", "shipped", "delivered", "paid", "confirmed", "disputed")
_PAID = ("paid", "confirmed")
_what_to_do_first = case((offers.c.state == "accepted", 0), (offers.c.state.in_(_PAID), 2), else_=1)
# No choice may have the number 99, which leads to the next page.
_LISTED_MAX, _LISTED_WITH_PAID = 90, 9


def open_for(db: Connection, contact_id: int, now: datetime) -> list[Offer]:
    """Offers that wait for this person's answer, the most urgent first."""
    query = _all.where(
        offers.c.contact_id == contact_id, offers.c.state == "offered", offers.c.answer_by > now
    ).order_by(offers.c.answer_by, offers.c.id)
    return [_offer(row) for row in db.execute(query).mappings()]


def mine(db: Connection, contact_id: int) -> list[Offer]:
    """What this person has accepted: first what is to be delivered, last what is paid.

    Of each the newest first; up to 90 that are not paid, and paid ones where these are below nine.
    """
    query = (
        _all.where(offers.c.contact_id == contact_id, offers.c.state.in_(_UNDER_WAY))
        .order_by(_what_to_do_first, offers.c.id.desc())
        .limit(_LISTED_MAX)
    )
    found = [_offer(row) for row in db.execute(query).mappings()]
    unpaid = sum(one.state not in _PAID for one in found)
    return found[: max(unpaid, _LISTED_WITH_PAID)]


def by_id(db: Connection, offer_id: int, contact_id: int) -> Offer | None:
    """This person's offer; another person's is None, as if it were not there."""
    row = db.execute(_one, {"offer_id": offer_id, "contact_id": contact_id}).mappings().first()
    return None if row is None else _offer(row)


def locked_part(db: Connection, offer_id: int) -> Offer | None:
    """Anybody's offer, held against every other change until this transaction ends."""
    held = _all.where(offers.c.id == offer_id).with_for_update(of=offers)
    row = db.execute(held).mappings().first()
    return None if row is None else _offer(row)


def accept(
    db: Connection,
    actor: Actor,
    offer_id: int,
    version: int,
    packs: int,
    now: datetime,
    timezone: str,
    most_rwf: int = 5_000_000,
) -> Answered:
    """Take `packs` of an offer, all or a part, as it stood in `version`.

    What brings more than `most_rwf` could never be paid out, and is not taken.
    The SMS about it names days on the clock of `timezone`, the hub's.
    The database decides who is first: each condition is part of the update that takes.
    """
    offer = _locked(db, offer_id, actor.contact_id)
    if offer is None:
        _note_stranger(db, actor, offer_id, now)
    if (refused := _why_not(offer, version, packs, now)) is not None:
        return Answered(refused, offer)
    assert offer is not None  # noqa: S101  _why_not has said "gone" otherwise
    if packs * offer.price_rwf > most_rwf:
        return Answered("too_large", offer)
    contact = people.by_id(db, actor.contact_id)
    if contact is None or contact.verifying:
        return Answered("verify", offer)
    left = (orders.c.id == offer.order_id) & (orders.c.packs_accepted + packs <= orders.c.packs)
    taken = update(orders).where(left).values(packs_accepted=orders.c.packs_accepted + packs)
    if db.execute(taken).rowcount != 1:
        return Answered("taken", offer)
    if not _promise(db, offer, packs):
        give_back = orders.c.packs_accepted - packs
        same = orders.c.id == offer.order_id
        db.execute(update(orders).where(same).values(packs_accepted=give_back))
        return Answered("no_stock", offer)
    _change(db, actor, offer, "accept", now, packs_accepted=packs, answered_at=now)
    done = by_id(db, offer_id, actor.contact_id)
    assert done is not None  # noqa: S101  it was locked above
    words = partial(notices.order_accepted, done, timezone)
    news.tell(db, done.contact_id, f"accepted:{done.id}", words, now)
    return Answered("accepted" if packs == offer.packs else "part_accepted", done)


def decline(db: Connection, actor: Actor, offer_id: int, version: int, now: datetime) -> Answered:
    """Say no to an offer as it stood in `version`."""
    offer = _locked(db, offer_id, actor.contact_id)
    if offer is None:
        _note_stranger(db, actor, offer_id, now)
    if (refused := _why_not(offer, version, 1, now)) is not None:
        return Answered(refused, offer)
    assert offer is not None  # noqa: S101  _why_not has said "gone" otherwise
    _change(db, actor, offer, "decline", now, answered_at=now)
    return Answered("declined", by_id(db, offer_id, actor.contact_id))


def move(
    db: Connection, actor: Actor, offer_id: int, trigger: str, now: datetime, place: str = ""
) -> Offer | None:
    """Carry an offer on along its life. None when it is not there.

    Raises `Forbidden` for a change the table does not have.
    """
    offer = locked_part(db, offer_id)
    if offer is None:
        return None
    _change(db, actor, offer, trigger, now, place)
    after = db.execute(_all.where(offers.c.id == offer_id)).mappings().one()
    return _offer(after)


def offer_again(
    db: Connection, offer_id: int, packs: int, answer_by: datetime, now: datetime
) -> Offer | None:
    """Offer anew what the hub called off and wants again, `packs` of it now; as it stands then."""
    row = (
        db.execute(_all.where(offers.c.id == offer_id).with_for_update(of=offers)).mappings().one()
    )
    offer = _offer(row)
    actor = Actor("hub", "hub", f"again:{offer.id}:{offer.version}", offer.contact_id)
    _change(db, actor, offer, "offer_again", now, packs=packs, answer_by=answer_by)
    return by_id(db, offer_id, offer.contact_id)


def expire_due(db: Connection, now: datetime, limit: int = 100) -> int:
    """Close up to `limit` offers whose time to answer is over; returns how many."""
    is_late = (offers.c.state == "offered") & (offers.c.answer_by <= now)
    oldest = select(offers.c.id).where(is_late).order_by(offers.c.answer_by, offers.c.id)
    ids = list(db.execute(oldest.limit(limit)).scalars())
    # In one order, as whoever withdraws several takes them.
    locked = _all.where(is_late, offers.c.id.in_(ids)).order_by(offers.c.id)
    locked = locked.with_for_update(of=offers)
    late = [_offer(row) for row in db.execute(locked).mappings()]
    for offer in late:
        key = f"expire:{offer.id}:{offer.version}"
        _change(db, Actor("clock", "server", key, offer.contact_id), offer, "expire", now)
    return len(late)


def _why_not(offer: Offer | None, version: int, packs: int, now: datetime) -> Outcome | None:
    if offer is None:
        return "gone"
    if offer.is_accepted:
        return "already"
    if offer.state != "offered" or offer.answer_by <= now:
        return "too_late"
    if offer.version != version or not 0 < packs <= offer.packs:
        return "changed"
    return None


def _locked(db: Connection, offer_id: int, contact_id: int) -> Offer | None:
    query = _all.where(offers.c.id == offer_id, offers.c.contact_id == contact_id)
    row = db.execute(query.with_for_update(of=offers)).mappings().first()
    return None if row is None else _offer(row)


def _note_stranger(db: Connection, actor: Actor, offer_id: int, now: datetime) -> None:
    """Write down who answered an offer that is another's; they hear that there is none."""
    if db.execute(select(offers.c.id).where(offers.c.id == offer_id)).first() is None:
        return
    line = {
        "at": now,
        "actor": actor.by,
        "action": "another's offer answered",
        "subject": f"offer {offer_id}",
        "details": {"channel": actor.channel},
    }
    db.execute(insert(audit).values(line))


def _promise(db: Connection, offer: Offer, packs: int) -> bool:
    """Reserve stock where the person has told us theirs; without a figure we ask nothing."""
    mine = (stocks.c.contact_id == offer.contact_id) & (stocks.c.product == offer.product)
    if db.execute(select(stocks.c.id).where(mine)).first() is None:
        return True
    weight_g = packs * offer.pack_g
    enough = mine & (stocks.c.promised_g + weight_g <= stocks.c.available_g)
    promised = update(stocks).where(enough).values(promised_g=stocks.c.promised_g + weight_g)
    return db.execute(promised).rowcount == 1


def _change(
    db: Connection,
    actor: Actor,
    offer: Offer,
    trigger: str,
    now: datetime,
    place: str = "",
    **more: Any,
) -> None:
    """The only place where an offer's state changes: table, version, and who did it."""
    state = advance(OFFER_LIFE, offer.state, trigger)
    same = (offers.c.id == offer.id) & (offers.c.version == offer.version)
    values = {"state": state, "version": offer.version + 1, **more}
    if db.execute(update(offers).where(same).values(values)).rowcount != 1:
        raise RuntimeError(f"offer {offer.id} changed while it was locked")
    event = {
        "offer_id": offer.id,
        "from_state": offer.state,
        "to_state": state,
        "at": now,
        "by": actor.by,
        "channel": actor.channel,
        "key": actor.key,
        "place": place,
    }
    db.execute(insert(offer_events).values(event))
    # Not what stands there again after a dispute: that was taken off the stock before.
    if trigger == "hand_over":
        stock_figures.hand_over(db, offer.id, now)
    hub_news.offer_changed(db, offer.id, state, actor.key, now, trigger)


def _offer(row: RowMapping) -> Offer:
    lines = tuple(Line(d["name"], d["to"], d["amount_rwf"]) for d in row["deductions"])
    return Offer(
        row["id"],
        row["version"],
        row["code"],
        row["product"],
        row["packs"],
        row["packs_accepted"],
        row["pack_g"],
        row["price_rwf"],
        row["sale_price_rwf"],
        lines,
        row["state"],
        row["answer_by"],
        row["deliver_by"],
        row["collection_point"],
        row["contact_id"],
        row["order_id"],
    )
