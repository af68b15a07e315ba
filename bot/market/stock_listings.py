"""Stock that people offer: seen, changed and withdrawn by them, and never promised twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, insert, select, update

from bot.market import Actor, people, stock_figures
from bot.storage.schema import audit
from bot.storage.schema import stock_listings as rows

Outcome = Literal["offered", "edited", "withdrawn", "changed", "gone", "full", "verify"]

# So many at once are shown on a phone and looked through by whoever buys.
OPEN_MAX = 20
SHOWN_MAX = 1000
UNITS_MAX = 1_000_000
PRICE_MAX_RWF = 10_000_000


@dataclass(frozen=True, slots=True)
class NewListing:
    """What somebody offers: `units` are whole kilograms or pieces, the price is for one."""

    product: str
    grade: str
    units: int
    price_rwf: int
    harvested_on: date


@dataclass(frozen=True, slots=True)
class Listing:
    """What somebody offers, as it stands in `version`."""

    id: int
    contact_id: int
    product: str
    grade: str
    units: int
    price_rwf: int
    harvested_on: date
    state: str
    version: int


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of it, and the listing as it stands now."""

    outcome: Outcome
    listing: Listing | None


def mine(db: Connection, contact_id: int) -> list[Listing]:
    """What this person offers now, the newest first."""
    which = (rows.c.contact_id == contact_id) & (rows.c.state == "open")
    query = select(rows).where(which).order_by(rows.c.id.desc()).limit(OPEN_MAX)
    return [_listing(row) for row in db.execute(query).mappings()]


def offered(db: Connection, product: str = "") -> list[Listing]:
    """What everybody offers now, or all of one product: the cheapest of each product first."""
    query = select(rows).where(rows.c.state == "open").limit(SHOWN_MAX)
    if product:
        query = query.where(rows.c.product == product)
    ordered = query.order_by(rows.c.product, rows.c.price_rwf, rows.c.id)
    return [_listing(row) for row in db.execute(ordered).mappings()]


def by_id(db: Connection, listing_id: int, contact_id: int) -> Listing | None:
    """This person's listing; another's is None, as if it were not there."""
    query = select(rows).where(rows.c.id == listing_id, rows.c.contact_id == contact_id)
    row = db.execute(query).mappings().first()
    return None if row is None else _listing(row)


def promised_kg(db: Connection, contact_id: int, product: str) -> int:
    """How many kilograms of a product the person has promised to orders, rounded up."""
    return -(-stock_figures.promised_g(db, contact_id, product) // 1000)


def offer(db: Connection, actor: Actor, new: NewListing, now: datetime) -> Answered:
    """Offer stock, once for the actor's key. The price and amount must be within the bounds."""
    if _must_verify(db, actor.contact_id):
        return Answered("verify", None)
    known = db.execute(select(rows.c.id).where(rows.c.key == actor.key)).scalar()
    if known is not None:
        return Answered("offered", by_id(db, int(known), actor.contact_id))
    stock_figures.lock(db, actor.contact_id, new.product)
    if len(mine(db, actor.contact_id)) >= OPEN_MAX:
        return Answered("full", None)
    values = {name: getattr(new, name) for name in NewListing.__slots__}
    more = {"contact_id": actor.contact_id, "key": actor.key, "offered_at": now, "changed_at": now}
    key = db.execute(insert(rows).values(**values, **more)).inserted_primary_key
    return _done(db, actor, int(key[0]) if key else 0, "offered", now)


def edit(
    db: Connection, actor: Actor, listing_id: int, version: int, units: int, price_rwf: int,
    now: datetime,
) -> Answered:  # fmt: skip
    """Offer another amount or at another price what stood there in `version`."""
    values = {"units": units, "price_rwf": price_rwf}
    return _change(db, actor, listing_id, version, "edited", now, **values)


def withdraw(
    db: Connection, actor: Actor, listing_id: int, version: int, now: datetime
) -> Answered:
    """Offer it no more; what is promised to an order stays promised."""
    return _change(db, actor, listing_id, version, "withdrawn", now, state="withdrawn")


def withdraw_all(db: Connection, contact_id: int, now: datetime) -> int:
    """Take back all that a person offers who is not reached any more; returns how many."""
    which = (rows.c.contact_id == contact_id) & (rows.c.state == "open")
    gone = update(rows).where(which)
    values = {"state": "withdrawn", "version": rows.c.version + 1, "changed_at": now}
    return db.execute(gone.values(values)).rowcount


def _change(
    db: Connection, actor: Actor, listing_id: int, version: int, outcome: Outcome, now: datetime,
    **values: Any,
) -> Answered:  # fmt: skip
    found = by_id(db, listing_id, actor.contact_id)
    if found is None:
        return Answered("gone", None)
    if _must_verify(db, actor.contact_id):
        return Answered("verify", found)
    stock_figures.lock(db, actor.contact_id, found.product)
    same = (rows.c.id == listing_id) & (rows.c.version == version) & (rows.c.state == "open")
    changed = update(rows).where(same, rows.c.contact_id == actor.contact_id)
    if db.execute(changed.values(version=version + 1, changed_at=now, **values)).rowcount != 1:
        return Answered("changed", by_id(db, listing_id, actor.contact_id))
    return _done(db, actor, listing_id, outcome, now)


def _done(
    db: Connection, actor: Actor, listing_id: int, outcome: Outcome, now: datetime
) -> Answered:
    listing = by_id(db, listing_id, actor.contact_id)
    if listing is None:
        raise RuntimeError(f"listing {listing_id} went while it was held")
    stock_figures.tell(db, listing.contact_id, listing.product)
    line = {
        "at": now,
        "actor": actor.by[:40],
        "action": f"stock {outcome}",
        "subject": f"stock {listing.id}",
        "details": {
            "channel": actor.channel, "key": actor.key, "units": listing.units,
            "price_rwf": listing.price_rwf,
        },
    }  # fmt: skip
    db.execute(insert(audit), line)
    return Answered(outcome, listing)


def _must_verify(db: Connection, contact_id: int) -> bool:
    contact = people.by_id(db, contact_id)
    return contact is None or contact.verifying


def _listing(row: RowMapping) -> Listing:
    return Listing(**{name: row[name] for name in Listing.__slots__})
