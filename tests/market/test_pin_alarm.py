"""P-03: one guess on each of many numbers, which no number's own count shows; on both stores."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, update
from structlog.testing import capture_logs

from bot.market.pin_alarm import AlarmRules, PinAlarm
from bot.market.pin_hashing import PinHashing
from bot.market.pins import PinGuard
from bot.storage.records import RecordsDown
from bot.storage.schema import contacts, pins, tickets


def guard_with(records, rules: AlarmRules) -> PinGuard:
    hashing = PinHashing("demo-pepper", 64, 1, 1, 2, 40)
    return PinGuard(
        records, hashing, PinAlarm(rules), tries_per_day=5, lock_minutes=30, lifetime_tries=10
    )


async def crowd(records, guard: PinGuard, now, people: int) -> None:
    kept = await guard.hash("73914")

    def write(db) -> None:
        many = [{"msisdn": f"+25078{n:07}", "created_at": now} for n in range(people)]
        db.execute(insert(contacts), many)
        ids = db.execute(select(contacts.c.id)).scalars().all()
        db.execute(insert(pins), [{"contact_id": i, "hash": kept, "set_at": now} for i in ids])

    await records.write(write)


async def guesses(records, guard: PinGuard, now, numbers: range, pin: str = "12340") -> list[str]:
    def everybody(db):
        return db.execute(select(contacts.c.id).order_by(contacts.c.id)).scalars().all()

    ids = await records.read(everybody)
    checks = [
        await guard.check(ids[n], pin, f"{now:%H%M%S}{n:010}".encode(), now, "a gateway")
        for n in numbers
    ]
    return [check.result for check in checks]


async def attacks(records) -> int:
    query = select(func.count()).where(tickets.c.category == "pin_attack")
    return await records.read(lambda db: db.execute(query).scalar())


async def test_P03_many_numbers_once_ring_once_a_spell_and_slow_the_source(records, now) -> None:
    guard = guard_with(records, AlarmRules(20, 10, 5))
    await crowd(records, guard, now, 60)
    with capture_logs() as said:
        assert await guesses(records, guard, now, range(19)) == ["wrong"] * 19
        assert await attacks(records) == 0 and not guard.alarm.rings
        results = await guesses(records, guard, now, range(19, 60))
    assert results == ["wrong"] * 6 + ["busy"] * 35
    assert await attacks(records) == 1 and guard.alarm.rings
    assert [line["event"] for line in said] == ["many wrong PINs"]
    figures = guard.alarm
    assert (figures.failures, figures.spells, figures.throttled) == (25, 1, 35)
    # Another source is not slowed by this one; a right PIN from it is right.
    ids = await records.read(lambda db: db.execute(select(contacts.c.id)).scalars().all())
    right = await guard.check(ids[59], "73914", b"r" * 16, now, "another gateway")
    assert right.result == "right"
    await guard.close()


async def test_P03_one_guess_on_each_of_ten_thousand_numbers(records, now) -> None:
    """By the rules as they come: the hundredth rings, and the source has thirty a minute."""
    guard = guard_with(records, AlarmRules())
    await crowd(records, guard, now, 10_000)
    results = await guesses(records, guard, now, range(10_000))
    wrong = results.count("wrong")
    assert 125 <= wrong < 200 and results.count("busy") == 10_000 - wrong
    assert await attacks(records) == 1 and guard.alarm.rings and guard.alarm.spells == 1
    await guard.close()


async def test_P03_a_spell_that_is_over_lets_in_and_a_new_one_rings_again(records, now) -> None:
    guard = guard_with(records, AlarmRules(3, 10, 1))
    await crowd(records, guard, now, 12)
    await guesses(records, guard, now, range(4))
    guard.alarm._until_s = 0.0
    await records.write(lambda db: db.execute(update(tickets).values(state="closed")))
    later = now + timedelta(hours=1)
    assert await guesses(records, guard, later, range(4, 6)) == ["wrong"] * 2
    assert await attacks(records) == 1
    await guesses(records, guard, later, range(6, 8))
    assert await attacks(records) == 2 and guard.alarm.spells == 2
    await guard.close()


async def test_P03_an_alarm_whose_transaction_is_lost_rings_with_the_next_mistake(
    records, now, monkeypatch
) -> None:
    guard = guard_with(records, AlarmRules(20, 10, 50))
    await crowd(records, guard, now, 24)
    await guesses(records, guard, now, range(19))

    async def lost(work):
        def works_then_fails(db) -> None:
            work(db)
            raise RecordsDown("the commit did not come through")

        return await type(records).write(records, works_then_fails)

    with monkeypatch.context() as patched, pytest.raises(RecordsDown), capture_logs() as said:
        patched.setattr(records, "write", lost)
        await guesses(records, guard, now, range(19, 20))
    assert said == [] and not guard.alarm.rings and guard.alarm.failures == 19
    with capture_logs() as said:
        assert await guesses(records, guard, now, range(20, 24)) == ["wrong"] * 4
    assert await attacks(records) == 1 and guard.alarm.rings
    assert [line["event"] for line in said] == ["many wrong PINs"]
    assert (guard.alarm.failures, guard.alarm.spells) == (23, 1)
    await guard.close()


async def test_P03_mistakes_at_once_in_many_processes_open_one_ticket(records, now) -> None:
    guards = [guard_with(records, AlarmRules(5, 10, 50)) for _process in range(4)]
    await crowd(records, guards[0], now, 24)
    await guesses(records, guards[0], now, range(4))
    await asyncio.gather(
        *(guesses(records, one, now, range(4 + n, 5 + n)) for n, one in enumerate(guards * 5))
    )
    assert await attacks(records) == 1
    assert [one.alarm.rings for one in guards] == [True] * 4
    for one in guards:
        await one.close()


async def test_P03_mistakes_spread_over_a_day_are_no_attack(records, now) -> None:
    guard = guard_with(records, AlarmRules(5, 10, 1))
    await crowd(records, guard, now, 12)
    for n in range(12):
        await guesses(records, guard, now + timedelta(minutes=5 * n), range(n, n + 1))
    assert await attacks(records) == 0 and not guard.alarm.rings
    await guard.close()


async def test_P03_a_hop_sent_again_is_counted_once(records, now) -> None:
    guard = guard_with(records, AlarmRules(2, 10, 1))
    await crowd(records, guard, now, 1)
    for _twice in range(3):
        await guesses(records, guard, now, range(1))
    assert guard.alarm.failures == 1 and await attacks(records) == 0
    await guard.close()
