"""What buyers are shown of what people offer: the goods, a district, checked photos; nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

from bot.storage.schema import contacts, stock_photos
from bot.storage.schema import stock_listings as rows

# Of who may not hold their number any more nothing is sold until that is known.
_OFFERED = (rows.c.state == "open") & contacts.c.verify_since.is_(None)


@dataclass(frozen=True, slots=True)
class Shown:
    """One thing that is offered, in whole `units` of its product, and the ids of its photos."""

    id: int
    product: str
    grade: str
    units: int
    price_rwf: int
    harvested_on: date
    district: str
    photos: tuple[int, ...]


def page(db: Connection, after: int, limit: int, product: str = "") -> list[Shown]:
    """At most `limit` of what is offered, or of one product, behind the id `after`."""
    query = (
        select(
            rows.c.id, rows.c.product, rows.c.grade, rows.c.units, rows.c.price_rwf,
            rows.c.harvested_on, contacts.c.district,
        )
        .join(contacts, contacts.c.id == rows.c.contact_id)
        .where(_OFFERED, rows.c.id > after)
        .order_by(rows.c.id)
        .limit(limit)
    )  # fmt: skip
    if product:
        query = query.where(rows.c.product == product)
    found = db.execute(query).all()
    photos = _photos_of(db, [row.id for row in found])
    return [Shown(*row, photos=tuple(photos.get(row.id, ()))) for row in found]


def picture(db: Connection, photo_id: int) -> bytes | None:
    """The JPEG of a photo that staff have let through, while what it shows is offered; or None."""
    query = (
        select(stock_photos.c.jpeg)
        .join(rows, rows.c.id == stock_photos.c.listing_id)
        .join(contacts, contacts.c.id == rows.c.contact_id)
        .where(stock_photos.c.id == photo_id, stock_photos.c.state == "shown", _OFFERED)
    )
    jpeg = db.execute(query).scalar()
    return None if jpeg is None else bytes(jpeg)


def _photos_of(db: Connection, listing_ids: Sequence[int]) -> dict[int, list[int]]:
    shown = stock_photos.c.listing_id.in_(listing_ids) & (stock_photos.c.state == "shown")
    query = select(stock_photos.c.listing_id, stock_photos.c.id).where(shown)
    found: dict[int, list[int]] = {}
    for listing_id, photo_id in db.execute(query.order_by(stock_photos.c.id)).all():
        found.setdefault(listing_id, []).append(photo_id)
    return found
