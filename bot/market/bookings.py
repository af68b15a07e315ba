"""Bookings: guests ask to visit a host, who accepts, declines, or asks for another date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError

from bot.market import Actor, booking_news, news, notices, people
from bot.market.lives import BOOKING_LIFE, advance
from bot.market.news import NEVER, QuietHours
from bot.market.tickets import open_ticket
from bot.storage.schema import audit
from bot.storage.schema import bookings as rows

Outcome = Literal[
    "accepted",
    "declined",
    "date_asked",
    "too_late",
    "changed",
    "taken",
    "verify",
    "gone",
    "withdrawn",
]


@dataclass(frozen=True, slots=True)
class NewBooking:
    """What the hub passes on: no guest is named, only how many come, when, and what it brings."""

    code: str
    experience: str
    guests: int
    starts_at: datetime
    amount_rwf: int
    answer_by: datetime


@dataclass(frozen=True, slots=True)
class Booking:
    """One request, as it stands in `version`."""

    id: int
    code: str
    contact_id: int
    experience: str
    guests: int
    starts_at: datetime
    amount_rwf: int
    state: str
    version: int
    proposed_at: datetime | None
    answer_by: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of an answer, and the request as it stands now."""

    outcome: Outcome
    booking: Booking | None


def request(
    db: Connection, contact_id: int, new: NewBooking, service_code: str, timezone: str,
    now: datetime, quiet: QuietHours = NEVER,
) -> int:  # fmt: skip
    """Keep a request once for its code, and tell the host by day what to dial; its id."""
    known = db.execute(select(rows.c.id).where(rows.c.code == new.code)).scalar()
    if known is not None:
        return int(known)
    values = {name: getattr(new, name) for name in NewBooking.__slots__}
    key = db.execute(insert(rows).values(contact_id=contact_id, **values)).inserted_primary_key
    booking_id = int(key[0]) if key else 0
    words = partial(notices.booking_arrived, new, service_code, timezone)
    key = f"booking:{booking_id}"
    news.tell(db, contact_id, key, words, now, quiet, before=new.answer_by)
    return booking_id


def open_for(db: Connection, contact_id: int, now: datetime) -> list[Booking]:
    """Requests that wait for this host's answer, the earliest visit first."""
    waiting = (rows.c.state == "requested") & (rows.c.answer_by > now)
    return _listed(db, contact_id, waiting)


def coming(db: Connection, contact_id: int, now: datetime) -> list[Booking]:
    """Visits that this host has accepted and that are still to come, the earliest first."""
    return _listed(db, contact_id, (rows.c.state == "accepted") & (rows.c.starts_at > now))


def by_id(db: Connection, booking_id: int, contact_id: int) -> Booking | None:
    """This host's request; another's is None, as if it were not there."""
    mine = (rows.c.id == booking_id) & (rows.c.contact_id == contact_id)
    row = db.execute(select(rows).where(mine)).mappings().first()
    return None if row is None else _booking(row)


def by_code(db: Connection, code: str) -> Booking | None:
    """The request that the hub knows by this id, whoever is its host; or None."""
    row = db.execute(select(rows).where(rows.c.code == code)).mappings().first()
    return None if row is None else _booking(row)


def accept(db: Connection, actor: Actor, booking_id: int, version: int, now: datetime) -> Answered:
    """Say yes to a request as it stood in `version`; the database lets one have each slot."""
    contact = people.by_id(db, actor.contact_id)
    if contact is None or contact.verifying:
        return Answered("verify", by_id(db, booking_id, actor.contact_id))
    try:
        with db.begin_nested():
            return _answer(db, actor, booking_id, version, now, "accept", "accepted")
    except IntegrityError:
        return Answered("taken", by_id(db, booking_id, actor.contact_id))


def decline(db: Connection, actor: Actor, booking_id: int, version: int, now: datetime) -> Answered:
    """Say no to a request as it stood in `version`."""
    return _answer(db, actor, booking_id, version, now, "decline", "declined")


def withdraw(db: Connection, actor: Actor, booking: Booking, now: datetime) -> Answered:
    """Take back a request that this host cannot answer any more."""
    return _answer(db, actor, booking.id, booking.version, now, "withdraw", "withdrawn")


def ask_date(
    db: Connection, actor: Actor, booking_id: int, version: int, when: datetime, now: datetime
) -> Answered:
    """Ask for another date; a ticket brings it before staff, who ask the guests."""
    answered = _answer(
        db, actor, booking_id, version, now, "ask_date", "date_asked", proposed_at=when
    )
    contact = people.by_id(db, actor.contact_id)
    if answered.outcome == "date_asked" and answered.booking and contact and contact.msisdn:
        open_ticket(
            db,
            category="booking",
            msisdn=contact.msisdn,
            contact_id=contact.id,
            about=answered.booking.code,
            language=contact.language,
            now=now,
        )
    return answered


def expire_due(db: Connection, now: datetime, limit: int = 100) -> int:
    """Close up to `limit` requests that their hosts have not answered in time; returns how many.

    The host is not told, as with an order's offer: who dials reads that its time is over.
    """
    late = (rows.c.state == "requested") & (rows.c.answer_by <= now)
    locked = select(rows).where(late).order_by(rows.c.id).limit(limit).with_for_update()
    found = [_booking(row) for row in db.execute(locked).mappings()]
    for booking in found:
        key = f"expire:{booking.id}:{booking.version}"
        _change(db, Actor("clock", "server", key, booking.contact_id), booking, "expire", now)
    return len(found)


def _answer(
    db: Connection, actor: Actor, booking_id: int, version: int, now: datetime, trigger: str,
    done: Outcome, **more: Any,
) -> Answered:  # fmt: skip
    mine = (rows.c.id == booking_id) & (rows.c.contact_id == actor.contact_id)
    row = db.execute(select(rows).where(mine).with_for_update()).mappings().first()
    if row is None:
        return Answered("gone", None)
    booking = _booking(row)
    if booking.state != "requested" or booking.answer_by <= now:
        return Answered("too_late", booking)
    if booking.version != version:
        return Answered("changed", booking)
    return Answered(done, _change(db, actor, booking, trigger, now, answered_at=now, **more))


def _change(
    db: Connection, actor: Actor, booking: Booking, trigger: str, now: datetime, **more: Any
) -> Booking:
    """The only place where a request's state changes: table, version, who did it; the hub hears."""
    state = advance(BOOKING_LIFE, booking.state, trigger)
    values = {"state": state, "version": booking.version + 1, **more}
    db.execute(update(rows).where(rows.c.id == booking.id).values(values))
    line = {
        "at": now,
        "actor": actor.by[:40],
        "action": f"booking {state}",
        "subject": f"booking {booking.code}",
        "details": {"channel": actor.channel, "key": actor.key},
    }
    db.execute(insert(audit), line)
    changed = db.execute(select(rows).where(rows.c.id == booking.id)).mappings().one()
    booking_news.tell(db, _booking(changed), now)
    return _booking(changed)


def _listed(db: Connection, contact_id: int, which: Any) -> list[Booking]:
    query = select(rows).where(rows.c.contact_id == contact_id, which)
    ordered = query.order_by(rows.c.starts_at, rows.c.id).limit(9)
    return [_booking(row) for row in db.execute(ordered).mappings()]


def _booking(row: RowMapping) -> Booking:
    return Booking(**{name: row[name] for name in Booking.__slots__})
