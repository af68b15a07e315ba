"""How far the members of a co-operative are with an order, and what each of them gives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, exists, select

from bot.market.brought import was_brought
from bot.storage.schema import contacts, orders, shares, splits
from bot.storage.schema import offers as offer_rows


@dataclass(frozen=True, slots=True)
class Split:
    """How far the members are with an order; amounts in kilograms or pieces."""

    id: int
    offer_id: int
    cooperative_id: int
    code: str
    product: str
    needed: int
    reserved: int
    version: int
    answer_by: datetime
    deliver_by: datetime
    collection_point: str
    offer_state: str
    # Whether the co-operative has handed over what it accepted; in dispute its state does not say.
    was_brought: bool
    cooperative: str

    @property
    def left(self) -> int:
        """How much is still to be found."""
        return self.needed - self.reserved

    def is_open(self, now: datetime) -> bool:
        """Whether members can still give for it."""
        return self.offer_state == "accepted" and self.answer_by > now


@dataclass(frozen=True, slots=True)
class Share:
    """What one member was asked, and gives."""

    id: int
    split_id: int
    contact_id: int
    names: str
    state: str
    units: int
    version: int
    held_until: datetime | None


_split = (
    select(
        splits,
        orders.c.code,
        orders.c.product,
        orders.c.deliver_by,
        orders.c.collection_point,
        offer_rows.c.state.label("offer_state"),
        was_brought().label("was_brought"),
        contacts.c.names.label("cooperative"),
    )
    .join(offer_rows, offer_rows.c.id == splits.c.offer_id)
    .join(orders, orders.c.id == offer_rows.c.order_id)
    .join(contacts, contacts.c.id == splits.c.cooperative_id)
)
_share = select(shares, contacts.c.names).join(contacts, contacts.c.id == shares.c.contact_id)


def of_offer(db: Connection, offer_id: int, cooperative_id: int) -> Split | None:
    """How far the members are with this order of the co-operative, if they were asked."""
    return _one(db, (splits.c.offer_id == offer_id) & (splits.c.cooperative_id == cooperative_id))


def shares_of(db: Connection, split_id: int) -> list[Share]:
    """What each member gives, those who give most first."""
    query = _share.where(shares.c.split_id == split_id)
    ordered = query.order_by(shares.c.units.desc(), contacts.c.names, shares.c.id)
    return [_share_of(row) for row in db.execute(ordered).mappings()]


def open_for(db: Connection, contact_id: int, now: datetime) -> list[Split]:
    """What this member is asked to give for now, the most urgent first."""
    mine = (shares.c.contact_id == contact_id) & shares.c.state.in_(("asked", "lapsed"))
    waits = (splits.c.answer_by > now) & (offer_rows.c.state == "accepted")
    query = _split.join(shares, shares.c.split_id == splits.c.id).where(mine, waits)
    ordered = query.order_by(splits.c.answer_by, splits.c.id).limit(9)
    return [_split_of(row) for row in db.execute(ordered).mappings()]


def asked_of(db: Connection, split_id: int, contact_id: int) -> tuple[Split, Share] | None:
    """What a member was asked; None when it is another's."""
    share = share_in(db, split_id, contact_id)
    split = _one(db, splits.c.id == split_id)
    return None if share is None or split is None else (split, share)


def locked(db: Connection, split_id: int) -> Split | None:
    """The split, kept from being changed by others until this transaction ends."""
    db.execute(select(splits.c.id).where(splits.c.id == split_id).with_for_update()).first()
    return _one(db, splits.c.id == split_id)


def share_in(db: Connection, split_id: int, contact_id: int) -> Share | None:
    """What this member was asked and gives, or None."""
    mine = (shares.c.split_id == split_id) & (shares.c.contact_id == contact_id)
    row = db.execute(_share.where(mine)).mappings().first()
    return None if row is None else _share_of(row)


def share_by_id(db: Connection, share_id: int) -> Share | None:
    """What one member gives, or None."""
    row = db.execute(_share.where(shares.c.id == share_id)).mappings().first()
    return None if row is None else _share_of(row)


def held(db: Connection, which: ColumnElement[bool], limit: int | None = None) -> list[Share]:
    """What is held of the shares in `which`, split by split; all, or at most `limit`."""
    query = _share.where(shares.c.state == "held", which).order_by(shares.c.split_id, shares.c.id)
    return [_share_of(row) for row in db.execute(query.limit(limit)).mappings()]


def in_dispute() -> ColumnElement[bool]:
    """Of shares in a query: whether staff look at what became of the order."""
    of_it = splits.join(offer_rows, offer_rows.c.id == splits.c.offer_id)
    disputed = (splits.c.id == shares.c.split_id) & (offer_rows.c.state == "disputed")
    return exists().select_from(of_it).where(disputed)


def _one(db: Connection, which: ColumnElement[bool]) -> Split | None:
    row = db.execute(_split.where(which)).mappings().first()
    return None if row is None else _split_of(row)


def _split_of(row: RowMapping) -> Split:
    return Split(**{name: row[name] for name in Split.__slots__})


def _share_of(row: RowMapping) -> Share:
    return Share(**{name: row[name] for name in Share.__slots__})
