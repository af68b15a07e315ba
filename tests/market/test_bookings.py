"""Bookings: one host, one slot, one answer; on both stores."""

import asyncio
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from bot.i18n.formats import read_day
from bot.market import Actor, bookings, people, verifying
from bot.market.bookings import NewBooking
from bot.market.lives import BOOKING_LIFE, Forbidden, advance
from bot.storage.schema import audit, outbox, tickets
from tests.market.money import PAYEE, person

ZONE = "Africa/Kigali"


def asked(db, contact_id: int, now, code: str = "VB-1", days: int = 20) -> int:
    starts_at, answer_by = now + timedelta(days=days), now + timedelta(days=5)
    new = NewBooking(code, "coffee_farm", 4, starts_at, 60_000, answer_by)
    return bookings.request(db, contact_id, new, "*384*801#", ZONE, now)


def actor(contact_id: int, key: str = "k") -> Actor:
    return Actor(f"contact:{contact_id}", "test", key, contact_id)


async def test_a_request_sent_twice_by_the_hub_is_one_and_told_once(records, now) -> None:
    def work(db):
        contact_id = person(db, now)
        ids = {asked(db, contact_id, now) for _twice in range(2)}
        return ids, len(db.execute(select(outbox.c.id)).all()), bookings.open_for(
            db, contact_id, now)  # fmt: skip

    ids, told, waiting = await records.write(work)
    assert len(ids) == told == len(waiting) == 1 and waiting[0].guests == 4


async def test_two_requests_for_one_slot_are_not_both_accepted(records, now) -> None:
    def work(db):
        contact_id = person(db, now)
        return contact_id, [asked(db, contact_id, now, f"VB-{n}") for n in range(4)]

    contact_id, ids = await records.write(work)
    accept = bookings.accept
    answers = await asyncio.gather(
        *(records.write(lambda db, i=i: accept(db, actor(contact_id), i, 1, now)) for i in ids)
    )
    assert sorted(answer.outcome for answer in answers) == ["accepted", "taken", "taken", "taken"]
    assert len(await records.read(lambda db: bookings.coming(db, contact_id, now))) == 1
    assert len(await records.read(lambda db: bookings.open_for(db, contact_id, now))) == 3
    noted = select(audit.c.action)
    kept = await records.read(lambda db: db.execute(noted).scalars().all())
    assert kept == ["booking accepted"]


async def test_another_date_is_for_staff_to_ask_and_answers_come_once(records, now) -> None:
    def work(db):
        contact_id = person(db, now)
        booking_id, when = asked(db, contact_id, now), now + timedelta(days=30)
        me = actor(contact_id)
        first = bookings.ask_date(db, me, booking_id, 1, when, now)
        again = bookings.ask_date(db, me, booking_id, 1, when, now)
        late = bookings.accept(db, me, booking_id, 2, now)
        about = db.execute(select(tickets.c.category, tickets.c.about)).all()
        return first, again.outcome, late.outcome, [tuple(row) for row in about], when

    first, again, late, about, when = await records.write(work)
    assert (first.outcome, again, late) == ("date_asked", "too_late", "too_late")
    assert first.booking.proposed_at == when and about == [("booking", "VB-1")]


@pytest.mark.parametrize(("version", "days", "outcome"), [
    (2, 0, "changed"), (1, 6, "too_late"), (1, 0, "accepted"),
])  # fmt: skip
async def test_a_stale_or_late_answer_changes_nothing(
    records, now, version: int, days: int, outcome: str
) -> None:
    def work(db):
        contact_id = person(db, now)
        booking_id, then = asked(db, contact_id, now), now + timedelta(days=days)
        return bookings.accept(db, actor(contact_id), booking_id, version, then).outcome

    assert await records.write(work) == outcome


async def test_another_hosts_request_is_not_there_and_a_checked_number_accepts_none(
    records, now
) -> None:
    def work(db):
        mine, other = person(db, now), person(db, now, "+250788000002")
        booking_id = asked(db, mine, now)
        strange = bookings.decline(db, actor(other), booking_id, 1, now).outcome
        verifying.report_sim(db, PAYEE, "operator", now)
        checked = bookings.accept(db, actor(mine), booking_id, 1, now).outcome
        declined = bookings.decline(db, actor(mine), booking_id, 1, now).outcome
        return strange, checked, declined, len(people.copy_of(db, mine)["bookings"])

    assert await records.write(work) == ("gone", "verify", "declined", 1)


def test_a_booking_moves_by_its_table_only() -> None:
    assert advance(BOOKING_LIFE, "requested", "accept") == "accepted"
    with pytest.raises(Forbidden):
        advance(BOOKING_LIFE, "declined", "accept")


@pytest.mark.parametrize(("typed", "day"), [
    ("20/12", date(2026, 12, 20)), ("5.1", date(2027, 1, 5)), ("24/11", date(2026, 11, 24)),
    ("20/12/2027", date(2027, 12, 20)), ("29/02", None), ("31/11", None), ("20", None),
    ("20/12/26", None), ("٢٠/١٢", None), ("-1/12", None), ("20/12/2026x", None),
])  # fmt: skip
def test_a_typed_day_is_read_or_refused(typed: str, day: date | None) -> None:
    assert read_day(typed, date(2026, 11, 24)) == day
