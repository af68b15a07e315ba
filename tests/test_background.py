"""What runs beside the doors: no fault of one round ends it, and its end is seen."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.demo_hub import DemoHub
from bot.look_ups import LookUps
from bot.market.limits import USUAL
from bot.operations.housekeeping import Housekeeping
from bot.sender import Sender, SenderRules
from bot.sms.provider import Sent, SmsAnswer
from bot.storage import outbox
from bot.storage.records import RecordsDown
from bot.storage.schema import outbox as letters
from bot.storage.transcripts import Transcripts
from tests.server import Running, running
from tests.test_outage import RULES


class BrokenRecords:
    """Fails every other way, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def write(self, work):
        self.asked += 1
        raise (KeyError("a fault"), RecordsDown("gone"), ValueError("another"))[self.asked % 3]

    read = write


def by_state(db) -> dict[str, int]:
    """How many letters stand in each state."""
    query = select(letters.c.state, func.count()).group_by(letters.c.state)
    return {row[0]: row[1] for row in db.execute(query)}


def _of(name: str, market, records):
    if name == "sender":
        return Sender(records, None, {}, SenderRules(poll_s=0.01), market.payouts)
    if name == "look-ups":
        return LookUps(records, {}, lambda: None, poll_s=0.01, payouts=USUAL)
    if name == "housekeeping":
        return Housekeeping(market, lambda: None, timedelta(days=30), every_s=0.01)
    if name == "demo hub":
        return DemoHub(market, lambda: None, step_s=0.01)
    transcripts = Transcripts(records, every_s=0.01)
    transcripts._rows = [()] * 100_000
    return transcripts


@pytest.mark.parametrize("name", ["sender", "look-ups", "housekeeping", "demo hub", "transcripts"])
async def test_no_fault_of_one_round_ends_the_work(server: Running, name: str) -> None:
    records = BrokenRecords()
    market = replace(server.parts.market, records=records)
    task = asyncio.create_task(_of(name, market, records).run())
    async with asyncio.timeout(10):
        while records.asked < 5 and not task.done():
            await asyncio.sleep(0.01)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_dead_task_is_named_by_readyz_and_does_not_break_the_shutdown(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as server:
        work = server.parts.work

        async def dies() -> None:
            raise ValueError("dead")

        work["look-ups"].cancel()
        work["look-ups"] = asyncio.create_task(dies())
        await asyncio.sleep(0)
        async with server.client.get("/readyz") as response:
            assert response.status == 503
            assert (await response.json())["wrong"] == {"work": "look-ups"}
        sender = work["sender"]
    assert sender.cancelled()
    # The lock is free and the file is closed: the next start finds everything in order.
    async with running(tmp_path):
        pass


class SlowSms:
    """Sends, and says so only later, each after the one before."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.waiting = 0
        self.asked = asyncio.Event()

    async def send(self, message):
        self.asked.set()
        self.waiting += 1
        await asyncio.sleep(0.1 * self.waiting)
        self.sent.append(message.dedupe_key)
        return SmsAnswer(Sent.SENT)


async def test_who_is_told_to_stop_writes_down_what_has_left(records, now) -> None:
    await records.write(
        lambda db: outbox.put(db, "sms", "one", {"msisdn": "+250788000001", "text": "x"}, now)
    )
    sms = SlowSms()
    sender = Sender(records, sms, {}, SenderRules(poll_s=0.01), RULES)
    task = asyncio.create_task(sender.run())
    await sms.asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sms.sent == ["one"]
    assert await records.read(by_state) == {"sent": 1}


class FailsOnce:
    """Records that are out of reach for one write, once the first message has left."""

    def __init__(self, records, sms: SlowSms) -> None:
        self._records, self._sms, self.failed = records, sms, False
        self.read = records.read

    async def write(self, work):
        if self._sms.sent and not self.failed:
            self.failed = True
            raise RecordsDown("gone")
        return await self._records.write(work)


async def test_one_that_fails_leaves_no_other_running_unwatched(records, now) -> None:
    def put(db) -> None:
        for key in ("one", "two", "three"):
            outbox.put(db, "sms", key, {"msisdn": "+250788000001", "text": "x"}, now)

    await records.write(put)
    sms, at_once = SlowSms(), SenderRules(lease_s=0.0)
    with pytest.raises(RecordsDown):
        await Sender(FailsOnce(records, sms), sms, {}, at_once, RULES).carry_out()
    assert await records.read(by_state) == {"sent": 2, "waiting": 1}


async def test_what_left_is_written_down_when_the_records_were_away_for_that_moment(
    records, now
) -> None:
    await records.write(
        lambda db: outbox.put(db, "sms", "one", {"msisdn": "+250788000001", "text": "x"}, now)
    )
    sms = SlowSms()
    away = FailsOnce(records, sms)
    await Sender(away, sms, {}, SenderRules(), RULES).carry_out()
    assert away.failed and await records.read(by_state) == {"sent": 1}
