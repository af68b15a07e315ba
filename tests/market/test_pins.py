"""PINs: what is counted stands when many are tried at once, on both stores."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from bot.market import people
from bot.market.pin_alarm import AlarmRules, PinAlarm
from bot.market.pin_hashing import PinHashing
from bot.market.pins import PinCheck, PinGuard
from bot.storage.records import Records
from bot.storage.schema import audit, contacts, outbox, pin_failures, pins
from bot.ussd.gsm7 import fold, septets
from tests.market.money import person

_RIGHT = "73914"


def guard_on(records: Records, workers: int = 4) -> PinGuard:
    hashing = PinHashing("demo-pepper", 64, 1, 1, workers, 40)
    return PinGuard(
        records, hashing, PinAlarm(AlarmRules()), tries_per_day=5, lock_minutes=30,
        lifetime_tries=10,
    )  # fmt: skip


@pytest.fixture
async def guard(records: Records) -> AsyncIterator[PinGuard]:
    one = guard_on(records)
    yield one
    await one.close()


async def farmer(records: Records, guard: PinGuard, now: datetime) -> int:
    contact_id = await records.write(lambda db: person(db, now))
    pin_hash = await guard.hash(_RIGHT)
    await records.write(lambda db: people.set_pin(db, contact_id, pin_hash, now))
    return contact_id


async def failures(records: Records) -> int:
    query = select(func.count()).select_from(pin_failures)
    return await records.read(lambda db: db.execute(query).scalar())


def key(number: int) -> bytes:
    return f"{number:016}".encode()


@pytest.mark.parametrize("typed", ["00000", _RIGHT])
async def test_nobody_has_a_right_pin(
    records: Records, guard: PinGuard, now: datetime, typed: str
) -> None:
    assert (await guard.check(9999, typed, key(1), now)).result == "wrong"


async def test_who_was_erased_has_no_right_pin(
    records: Records, guard: PinGuard, now: datetime
) -> None:
    contact_id = await farmer(records, guard, now)
    await records.write(lambda db: people.erase(db, contact_id, now))
    for number, typed in enumerate(("00000", _RIGHT)):
        assert (await guard.check(contact_id, typed, key(number), now)).result == "wrong"
    assert await failures(records) == 0


async def test_the_right_pin_after_many_wrong_ones_at_once_is_locked_out(
    records: Records, guard: PinGuard, now: datetime
) -> None:
    contact_id = await farmer(records, guard, now)
    typed = [*(f"8{number:04}" for number in range(14)), _RIGHT]
    checks = [guard.check(contact_id, pin, key(n), now) for n, pin in enumerate(typed)]
    results = [check.result for check in await asyncio.gather(*checks)]
    assert results == ["wrong"] * 4 + ["locked"] * 11
    assert await failures(records) == 5


async def test_a_second_process_counts_the_same_mistakes(
    records: Records, guard: PinGuard, now: datetime
) -> None:
    contact_id = await farmer(records, guard, now)
    other = guard_on(records)
    guards = (guard, other)
    checks = [guards[n % 2].check(contact_id, f"8{n:04}", key(n), now) for n in range(14)]
    results = [check.result for check in await asyncio.gather(*checks)]
    await other.close()
    assert results.count("wrong") == 4 and await failures(records) == 5


async def test_a_lock_that_comes_while_hashing_holds(
    records: Records, guard: PinGuard, now: datetime, monkeypatch
) -> None:
    contact_id = await farmer(records, guard, now)
    until = now + timedelta(minutes=30)
    verify = guard._hashing._on_thread

    async def meanwhile(*given):
        matched = await verify(*given)
        mine = pins.c.contact_id == contact_id
        await records.write(
            lambda db: db.execute(update(pins).where(mine).values(locked_until=until))
        )
        return matched

    monkeypatch.setattr(guard._hashing, "_on_thread", meanwhile)
    assert await guard.check(contact_id, _RIGHT, key(1), now) == PinCheck("locked")
    query = select(pins.c.locked_until)
    assert await records.read(lambda db: db.execute(query).scalar()) == until


async def test_one_hop_sent_to_two_processes_is_one_mistake(
    records: Records, guard: PinGuard, now: datetime
) -> None:
    contact_id = await farmer(records, guard, now)
    other = guard_on(records)
    for number in range(4):
        checks = (one.check(contact_id, "80000", key(number), now) for one in (guard, other))
        first, second = await asyncio.gather(*checks)
        assert first == second == PinCheck("wrong", 4 - number)
    await other.close()
    assert await failures(records) == 4


async def test_a_short_lock_does_not_replace_that_of_the_staff(
    records: Records, guard: PinGuard, now: datetime
) -> None:
    contact_id = await farmer(records, guard, now)
    until = now + timedelta(days=3650)
    await records.write(lambda db: db.execute(update(pins).values(locked_until=until)))
    await guard.lock(contact_id, key(1), now)
    query = select(pins.c.locked_until)
    assert await records.read(lambda db: db.execute(query).scalar()) == until


@pytest.mark.parametrize(("language", "for_a_while", "to_open_it"), [
    ("en", "for a while", "To open it: Help, Forgot PIN"),
    ("fr", "pour un moment", "Pour débloquer: Aide, Code PIN oublié"),
    ("rw", "by'igihe gito", "Ubufasha, Nibagiwe umubare w'ibanga"),
])  # fmt: skip
@pytest.mark.parametrize("in_a_session", [False, True])
async def test_P02_only_who_can_wait_is_told_to_wait(
    records: Records, guard: PinGuard, now: datetime,
    in_a_session: bool, language: str, for_a_while: str, to_open_it: str,
) -> None:  # fmt: skip
    contact_id = await farmer(records, guard, now)
    await records.write(lambda db: db.execute(update(contacts).values(language=language)))
    await guard.lock(contact_id, key(1), now)
    await records.write(lambda db: db.execute(update(pins).values(wrong_in_a_row=9)))
    later = now + timedelta(hours=1)
    assert (await guard.check(contact_id, "80000", key(2), later)).result == "locked"
    if in_a_session:
        await guard.lock(contact_id, key(3), later)
    told = select(outbox.c.payload).where(outbox.c.dedupe_key.like("pin-locked:%"))
    rows = await records.read(lambda db: db.execute(told.order_by(outbox.c.id)).scalars().all())
    first, *later_ones = [row["text"] for row in rows]
    assert for_a_while in first and to_open_it not in first
    assert len(later_ones) == 1 + in_a_session
    for text in later_ones:
        assert to_open_it in text and for_a_while not in text and septets(fold(text)) <= 160


async def test_P01_a_lock_is_in_the_records_and_its_owner_is_told_once(
    records: Records, guard: PinGuard, now: datetime
) -> None:
    contact_id = await farmer(records, guard, now)
    for _twice in range(2):
        await guard.lock(contact_id, key(1), now)
    # Another process, such as this one after a restart, with nothing in its memory.
    other = guard_on(records)
    assert (await other.check(contact_id, _RIGHT, key(2), now)).result == "locked"
    later = now + timedelta(minutes=30)
    assert (await other.check(contact_id, _RIGHT, key(3), later)).result == "right"
    await other.close()
    told = select(func.count()).where(outbox.c.dedupe_key.like("pin-locked:%"))
    assert await records.read(lambda db: db.execute(told).scalar()) == 1
    on_record = select(func.count()).where(audit.c.action == "PIN locked")
    assert await records.read(lambda db: db.execute(on_record).scalar()) == 1


async def test_P02_ten_wrong_in_a_row_over_any_time_are_for_staff(
    records: Records, guard: PinGuard, now: datetime
) -> None:
    contact_id = await farmer(records, guard, now)
    # One a session, two days apart: nobody's day has more than one.
    when = [now + timedelta(days=2 * number) for number in range(10)]
    results = [
        (await guard.check(contact_id, "80000", key(number), at)).result
        for number, at in enumerate(when)
    ]
    assert results == ["wrong"] * 9 + ["locked"]
    years = when[-1] + timedelta(days=3000)
    assert (await guard.check(contact_id, _RIGHT, key(99), years)).result == "locked"


async def test_P02_the_right_pin_in_between_starts_the_ten_anew(
    records: Records, guard: PinGuard, now: datetime
) -> None:
    contact_id = await farmer(records, guard, now)
    for number in range(18):
        typed = _RIGHT if number == 9 else "80000"
        at = now + timedelta(days=2 * number)
        wanted = "right" if number == 9 else "wrong"
        assert (await guard.check(contact_id, typed, key(number), at)).result == wanted
