"""Photos of what people offer: kept when they come, shown once staff have checked them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, RowMapping, Select, func, insert, select, update

from bot.market import Actor, news, people, photo_words, stock_listings
from bot.market.staff_names import answerer
from bot.market.tickets import close, open_ticket
from bot.storage.schema import audit, tickets
from bot.storage.schema import stock_photos as rows

Kept = Literal["kept", "gone", "full", "too_often", "verify"]
Decided = Literal["shown", "refused", "before", "gone", "not_staff"]

# Of one offer, refused ones not counted; and of one person in a day, whatever became of them.
OF_ONE_MAX = 4
A_DAY_MAX = 30
CATEGORY = "photo"
_LISTED_MAX = 200


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo without its picture. `state` is "waiting", "shown" or "refused"."""

    id: int
    listing_id: int
    contact_id: int
    state: str
    sent_at: datetime
    decided_by: str


_plain: Select[tuple[object, ...]] = select(*(rows.c[name] for name in Photo.__slots__))


def keep(db: Connection, actor: Actor, listing_id: int, jpeg: bytes, now: datetime) -> Kept:
    """Keep a photo of what this person offers, once for the actor's key; staff get a ticket.

    `jpeg` was made anew already. Nobody is shown it before `decide`.
    """
    person = people.by_id(db, actor.contact_id)
    if person is None or person.verifying:
        return "verify"
    people.hold(db, actor.contact_id)
    if db.execute(select(rows.c.id).where(rows.c.key == actor.key)).first() is not None:
        return "kept"
    listing = stock_listings.by_id(db, listing_id, actor.contact_id)
    if listing is None or listing.state != "open":
        return "gone"
    shown, waiting = of_listing(db, listing_id)
    if shown + waiting >= OF_ONE_MAX:
        return "full"
    if _since(db, actor.contact_id, now - timedelta(days=1)) >= A_DAY_MAX:
        return "too_often"
    mine = {"listing_id": listing_id, "contact_id": actor.contact_id, "key": actor.key}
    db.execute(insert(rows).values(**mine, jpeg=jpeg, sent_at=now))
    open_ticket(
        db,
        category=CATEGORY,
        msisdn=person.msisdn,
        contact_id=person.id,
        about=_about(listing_id),
        language=person.language,
        now=now,
    )
    return "kept"


def of_listing(db: Connection, listing_id: int) -> tuple[int, int]:
    """How many photos of an offer are shown, and how many wait for staff."""
    query = select(rows.c.state, func.count()).where(rows.c.listing_id == listing_id)
    counted = {row[0]: row[1] for row in db.execute(query.group_by(rows.c.state))}
    return counted.get("shown", 0), counted.get("waiting", 0)


def waits(db: Connection, about: str) -> bool:
    """Whether a photo waits of the offer that a ticket is `about`."""
    listing_id = about.removeprefix(_about(0).removesuffix("0"))
    return listing_id.isdecimal() and of_listing(db, int(listing_id))[1] > 0


def listed(db: Connection, state: str) -> list[Photo]:
    """Photos in this state, the oldest first."""
    query = _plain.where(rows.c.state == state).order_by(rows.c.id).limit(_LISTED_MAX)
    return [_photo(row) for row in db.execute(query).mappings()]


def by_id(db: Connection, photo_id: int) -> tuple[Photo, bytes] | None:
    """A photo, and its picture as a JPEG: b"" of one that was refused."""
    row = db.execute(select(rows).where(rows.c.id == photo_id)).mappings().first()
    return None if row is None else (_photo(row), bytes(row["jpeg"]))


def decide(db: Connection, photo_id: int, by: str, *, shown: bool, now: datetime) -> Decided:
    """Staff have looked: it is shown to buyers, or refused and its picture deleted. Once.

    `by` is an agent or a supervisor. The person is told in the chat from which it came.
    """
    member = answerer(db, by)
    if member is None:
        return "not_staff"
    query = _plain.where(rows.c.id == photo_id).with_for_update()
    row = db.execute(query).mappings().first()
    if row is None:
        return "gone"
    photo = _photo(row)
    if photo.state != "waiting":
        return "before"
    outcome: Literal["shown", "refused"] = "shown" if shown else "refused"
    values = {"state": outcome, "decided_at": now, "decided_by": member.name}
    changed = update(rows).where(rows.c.id == photo_id)
    db.execute(changed.values(**values, **({} if shown else {"jpeg": b""})))
    line = {"at": now, "actor": member.name, "action": f"photo {outcome}"}
    db.execute(insert(audit).values(**line, subject=f"photo {photo_id}", details={}))
    words = photo_words.shown if shown else photo_words.refused
    news.tell_chat_too(db, photo.contact_id, f"photo:{photo_id}:{outcome}", words, now)
    if not of_listing(db, photo.listing_id)[1]:
        asked = (tickets.c.category == CATEGORY) & (tickets.c.about == _about(photo.listing_id))
        close(db, asked, now)
    return outcome


def _since(db: Connection, contact_id: int, moment: datetime) -> int:
    mine = (rows.c.contact_id == contact_id) & (rows.c.sent_at >= moment)
    return int(db.execute(select(func.count(rows.c.id)).where(mine)).scalar() or 0)


def _about(listing_id: int) -> str:
    return f"stock {listing_id}"


def _photo(row: RowMapping) -> Photo:
    return Photo(**{name: row[name] for name in Photo.__slots__})
