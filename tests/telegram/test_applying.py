"""Updates on both stores: one chat in order, chats beside, poison parked, a restart goes on."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import insert, select

from bot.engine import Engine, Limits
from bot.engine.watch import NoWatch
from bot.flows import FLOWS
from bot.history import Marks
from bot.settings import load_settings
from bot.storage import telegram_updates as storage
from bot.storage.records import Records, RecordsDown
from bot.storage.schema import audit, outbox, telegram_updates
from bot.storage.sessions.memory import MemorySessions
from bot.telegram.door import open_updates
from bot.telegram.updates import UpdateRules, Updates
from bot.wiring import market_of
from tests.patience import patient_s

_QUICK = UpdateRules(chats=16, lease_s=30, again_s=0.02, poll_s=0.05)


class Process:
    """What a server process has of updates, on given records; `log` is what the engine was asked."""

    def __init__(self, records: Records, sessions: MemorySessions, rules: UpdateRules) -> None:
        market = market_of(load_settings({}), records)
        self.engine = Engine(
            FLOWS, market, sessions, Marks("secret"), Limits(dials_per_minute=100_000)
        )
        self.log: list[tuple[str, str]] = []
        self.at_once = self.most_at_once = 0
        self._handle = self.engine.handle
        self.engine.handle = self._watched  # type: ignore[method-assign]
        self.updates: Updates = open_updates(
            records, sessions, self.engine, FLOWS, NoWatch(), CollectorRegistry(), "secret",
            lambda: None, rules=rules,
        )  # fmt: skip

    async def _watched(self, inbound, layout):
        if inbound.typed == "poison":
            raise RuntimeError("poison")
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        reply = await self._handle(inbound, layout)
        self.at_once -= 1
        self.log.append((inbound.session_id, inbound.hop_id))
        return reply


@asynccontextmanager
async def process(records: Records, rules: UpdateRules = _QUICK) -> AsyncIterator[Process]:
    one = Process(records, MemorySessions(900), rules)
    task = asyncio.create_task(one.updates.run())
    await asyncio.sleep(0)
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await one.engine.close()


def message(update_id: int, chat_id: int, words: str) -> bytes:
    sender = {"id": chat_id, "is_bot": False, "first_name": "A"}
    chat = {"id": chat_id, "type": "private"}
    content = {"message_id": update_id, "from": sender, "chat": chat, "date": 1, "text": words}
    return json.dumps({"update_id": update_id, "message": content}).encode()


async def kept(records: Records) -> list:
    query = select(telegram_updates).order_by(telegram_updates.c.update_id)
    return list(await records.read(lambda db: db.execute(query).all()))


async def until_done(records: Records, within_s: float = 100) -> list:
    """All updates, once none waits; a store that a busy machine holds up is asked again."""
    async with asyncio.timeout(within_s):
        while True:
            with suppress(RecordsDown):
                found = await kept(records)
                if all(row.state != "waiting" for row in found):
                    return found
            await asyncio.sleep(0.1)


async def answers(records: Records) -> list:
    query = select(outbox.c.payload, outbox.c.dedupe_key).order_by(outbox.c.id)
    return list(await records.read(lambda db: db.execute(query).all()))


async def test_T05_a_poison_update_is_parked_after_three_tries_and_its_chat_goes_on(
    records: Records,
) -> None:
    async with process(records) as one:
        words = ["/start", "poison", "3", "/prices"]
        for number, typed in enumerate(words, 1):
            await one.updates.keep(message(number, 77, typed))
        await one.updates.keep(message(9, 78, "/start"))
        found = await until_done(records)
        assert one.updates.figures.parked == 1
        await one.updates.count_waiting()
        assert one.updates.figures.parked == 1 and one.updates.figures.late_s == 0
    assert [row.state for row in found] == ["applied", "parked", "applied", "applied", "applied"]
    assert found[1].attempts == 3 and found[1].outcome == "RuntimeError"
    # What was typed is cut out, in case it was a PIN.
    assert b"poison" not in found[1].body and b'"update_id":2' in found[1].body
    lines = await records.read(
        lambda db: db.execute(select(audit.c.action, audit.c.subject, audit.c.details)).all()
    )
    assert [tuple(line) for line in lines] == [
        ("telegram update parked", "telegram update 2", {"why": "RuntimeError", "tries": 3})
    ]
    assert [hop for session, hop in one.log if session == "77.0"] == ["1", "3", "4"]


async def test_a_parked_update_is_applied_again_when_staff_say_so(records: Records) -> None:
    async with process(records) as one:
        await one.updates.keep(message(1, 77, "poison"))
        await until_done(records)
        (parked,) = await records.read(lambda db: storage.parked(db, 9))
        assert (parked.update_id, parked.chat_id, parked.why) == (1, 77, "RuntimeError")
        assert not await records.write(lambda db: storage.replay(db, 2))
        assert await records.write(lambda db: storage.replay(db, 1))
        # What was typed is gone with the poison in it, so this time it can be applied.
        (row,) = await until_done(records)
        assert (row.state, row.attempts) == ("applied", 1)
        assert not await records.write(lambda db: storage.replay(db, 1))


async def test_T05_an_update_that_kills_whoever_has_it_is_parked_and_its_chat_goes_on(
    records: Records,
) -> None:
    rules = UpdateRules(chats=4, lease_s=0.2, again_s=0.02, poll_s=0.05)
    for number in range(rules.tries):
        dead = Process(records, MemorySessions(900), rules)
        dead.updates._begin = lambda taken: None  # type: ignore[method-assign]
        if not number:
            await dead.updates.keep(message(1, 77, "deadly"))
            await dead.updates.keep(message(2, 77, "/start"))
        assert await dead.updates.take() == 1
        await asyncio.sleep(0.25)
    async with process(records, rules):
        found = await until_done(records)
    assert [(row.state, row.attempts) for row in found] == [("parked", 4), ("applied", 1)]
    assert b"deadly" not in found[0].body and "died" in found[0].outcome


async def test_what_cannot_be_read_again_is_parked_and_other_chats_go_on(records: Records) -> None:
    row = {"update_id": 1, "chat_id": 77, "body": b'{"update_id": 1, "message": 5}',
           "state": "waiting", "received_at": datetime.now(UTC)}  # fmt: skip
    await records.write(lambda db: db.execute(insert(telegram_updates).values(row)))
    idle = Process(records, MemorySessions(900), _QUICK)
    for number, chat in ((2, 77), (3, 78)):
        await idle.updates.keep(message(number, chat, "/start"))
    async with process(records):
        found = await until_done(records)
    assert [one.state for one in found] == ["parked", "applied", "applied"]


async def test_T05_records_that_are_away_park_nothing(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = UpdateRules(chats=4, lease_s=0.3, poll_s=0.05)
    async with process(records, rules) as one:
        apply, times = one.updates._applying.apply, []

        async def away(held, update, link, hand_over):
            times.append(held.attempts)
            if len(times) < 6:
                raise RecordsDown("away")
            return await apply(held, update, link, hand_over)

        monkeypatch.setattr(one.updates._applying, "apply", away)
        await one.updates.keep(message(1, 77, "/start"))
        (row,) = await until_done(records)
    assert row.state == "applied" and len(times) == 6


class Faults:
    """What a process' tries end with: `away` while it is set, then each of `own`, then well."""

    def __init__(self, one: Process, own: int = 0) -> None:
        self.is_away, self.own, self.times = False, own, 0
        self._apply = one.updates._applying.apply
        one.updates._applying.apply = self._applies  # type: ignore[method-assign]

    async def _applies(self, *what):
        if self.is_away:
            self.times += 1
            raise RecordsDown("away")
        if self.own:
            self.own -= 1
            raise RuntimeError
        return await self._apply(*what)

    async def away(self, times: int) -> None:
        async with asyncio.timeout(patient_s(20)):
            while self.times < times:
                await asyncio.sleep(0.01)


async def audited(records: Records) -> list:
    return list(await records.read(lambda db: db.execute(select(audit.c.action)).all()))


async def test_T05_tries_that_the_records_ended_count_in_no_other_process(
    records: Records,
) -> None:
    rules = UpdateRules(chats=4, lease_s=0.3, again_s=0.02, poll_s=0.05)
    async with process(records, rules) as one:
        first = Faults(one)
        first.is_away = True
        await one.updates.keep(message(1, 77, "/start"))
        await first.away(rules.tries + 1)
    async with process(records, rules) as other:
        Faults(other, own=rules.tries - 1)
        (row,) = await until_done(records)
    # Its own faults were all tries but one, and the last one went well.
    assert (row.state, row.attempts) == ("applied", rules.tries)
    assert await audited(records) == []


async def test_T05_records_that_come_and_go_for_two_processes_park_nothing(
    records: Records,
) -> None:
    rules = UpdateRules(chats=4, lease_s=0.3, again_s=0.02, poll_s=0.05)
    async with process(records, rules) as one, process(records, rules) as two:
        both = Faults(one), Faults(two)
        both[0].is_away = both[1].is_away = True
        await one.updates.keep(message(1, 77, "/start"))
        async with asyncio.timeout(patient_s(20)):
            while sum(faults.times for faults in both) < 3 * rules.tries:
                await asyncio.sleep(0.01)
        both[0].is_away = both[1].is_away = False
        (row,) = await until_done(records)
    assert (row.state, row.attempts) == ("applied", 1) and await audited(records) == []


async def test_what_was_being_taken_as_a_process_stopped_is_given_back(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle, claim = Process(records, MemorySessions(900), _QUICK), storage.claim
    await idle.updates.keep(message(1, 77, "/start"))
    task, loop = asyncio.create_task(idle.updates.run()), asyncio.get_running_loop()

    def claims(*asked):
        # Before it is written, and it is written all the same.
        loop.call_soon_threadsafe(task.cancel)
        return claim(*asked)

    monkeypatch.setattr(storage, "claim", claims)
    await asyncio.gather(task, return_exceptions=True)
    (row,) = await kept(records)
    assert (row.state, row.attempts, row.lease) == ("waiting", 0, "")


async def test_a_try_is_given_back_to_a_row_that_is_in_another_hand(records: Records) -> None:
    now = datetime.now(UTC)
    mine, theirs = storage.Hand("a", 0), storage.Hand("b", 30)
    idle = Process(records, MemorySessions(900), _QUICK)
    await idle.updates.keep(message(1, 77, "/start"))
    (held,) = await records.write(lambda db: storage.claim(db, mine, now, 1))
    (other,) = await records.write(lambda db: storage.claim(db, theirs, now, 1))
    assert (held.attempts, other.attempts) == (1, 2)
    await records.write(lambda db: storage.give_back(db, [held], now))
    (row,) = await kept(records)
    assert (row.attempts, row.lease) == (1, "b")
    # Whoever has it goes by what stands in the row now, not by what it was when it was taken.
    assert await records.read(lambda db: storage.attempts_of(db, other)) == 1
    await records.write(lambda db: storage.again(db, other, "fault", now))
    assert (await kept(records))[0].attempts == 1


async def test_T03_after_a_restart_with_thousands_waiting_each_is_applied_once_in_its_order(
    records: Records,
) -> None:
    """3,500 of 100 chats wait; processes come and go, two of them at once: within a minute.

    That is applied, each answer queued: to send 3,500 takes Telegram's own limits two minutes.
    """
    idle = Process(records, MemorySessions(900), _QUICK)
    total, chats = 3500, 100
    for begin in range(0, total, 100):
        numbers = range(begin, begin + 100)
        words = ("/menu", "1", "0")[begin // chats % 3]
        await asyncio.gather(
            *(idle.updates.keep(message(n, n % chats + 1, words)) for n in numbers)
        )
    log: list[tuple[str, str]] = []
    began = time.monotonic()
    async with process(records) as first:
        await asyncio.sleep(1)
    log += first.log
    assert 0 < len(first.log) < total
    async with process(records) as second, process(records) as third:
        # Each is delivered again meanwhile.
        await asyncio.gather(
            *(second.updates.keep(message(n, n % chats + 1, "1")) for n in range(200))
        )
        found = await until_done(records, patient_s(60))
    took_s = time.monotonic() - began
    print(f"{total} updates applied in {took_s:.1f} s")
    assert took_s < patient_s(60)
    log += second.log + third.log
    assert {row.state for row in found} == {"applied"} and len(found) == total
    # Asked again only where the store was out of reach before the end was written.
    assert len(set(log)) == total
    written = await answers(records)
    assert len(written) == total
    order: dict[int, list[int]] = {}
    for payload, key in written:
        order.setdefault(payload["chat_id"], []).append(int(key.split(":")[1]))
    assert len(order) == chats and all(one == sorted(one) for one in order.values())
    assert 1 < first.most_at_once <= 16


async def test_one_chat_is_in_one_hand_however_many_processes_there_are(records: Records) -> None:
    async with process(records) as one, process(records) as two:
        both = (one, two)
        await asyncio.gather(*(both[n % 2].updates.keep(message(n, 5, "/menu")) for n in range(60)))
        await until_done(records)
    assert one.most_at_once <= 1 and two.most_at_once <= 1
    assert sorted(int(hop) for _session, hop in one.log + two.log) == list(range(60))


async def test_what_a_dead_process_held_is_taken_once_its_lease_is_over(records: Records) -> None:
    rules = UpdateRules(chats=4, lease_s=0.4, poll_s=0.05)
    dead = Process(records, MemorySessions(900), rules)
    await dead.updates.keep(message(1, 5, "/start"))
    dead.updates._begin = lambda taken: None  # type: ignore[method-assign]
    assert await dead.updates.take() == 1
    async with process(records, rules) as one:
        await one.updates.take()
        assert one.log == []
        (row,) = await until_done(records)
    assert row.state == "applied" and row.attempts == 2 and len(one.log) == 1


async def test_what_waits_no_more_is_forgotten_after_its_time(records: Records) -> None:
    now = datetime.now(UTC)
    for number, state in enumerate(("waiting", "applied", "parked", "applied"), 1):
        row = {"update_id": number, "chat_id": 7, "body": b"", "state": state, "received_at": now}
        await records.write(lambda db, row=row: db.execute(insert(telegram_updates).values(row)))

    async def forget(moment: datetime) -> int:
        return await records.write(lambda db: storage.forget_before(db, moment, 3))

    assert await forget(now - timedelta(days=1)) == 0
    assert await forget(now + timedelta(days=1)) == 2
    assert [row.update_id for row in await kept(records)] == [1, 4]
