"""The transcript writer: what fits is written, what does not is counted, nothing ends it."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bot.engine.hop import redacted
from bot.payments.provider import Outcome
from bot.pins_in_texts import CUT
from bot.storage.records import RecordsDown, Unsure
from bot.storage.schema import audit, transcripts
from bot.storage.schema import payments as payment_rows
from bot.storage.transcripts import Transcripts, forget_before
from tests.market.money import pay, person, settle


def hop(typed: str = "1", key: str = "g:1") -> tuple:
    return (key, 1, "", "home.menu", typed, "shown", 5, 1_700_000_000_000, 0, "rw")


async def counted(records, table) -> int:
    query = select(func.count()).select_from(table)
    return await records.read(lambda db: db.execute(query).scalar())


@pytest.mark.parametrize("typed", ["1234 " * 40, "1" * 400, "12345" * 31 + "a" * 9, "a\x00b" * 90])
async def test_anything_typed_fits_its_column(records, typed: str) -> None:
    kept = redacted(typed, secret=False)
    assert len(kept) <= 160 and "1234" not in kept
    writer = Transcripts(records)
    writer.add(hop(kept))
    await writer.flush()
    assert (await counted(records, transcripts), writer.dropped) == (1, 0)


def test_what_looks_like_a_pin_across_the_cut_is_cut_out_whole() -> None:
    assert redacted("a" * 157 + "73914", secret=False) == "a" * 157 + CUT[:3]


async def test_the_longest_session_key_is_audited(records, now) -> None:
    writer = Transcripts(records)
    writer.event(now, "server", "refused", "africastalking:" + "x" * 128, what="w")
    await writer.flush()
    assert (await counted(records, audit), writer.dropped) == (1, 0)


async def test_what_cannot_be_written_is_dropped_and_counted_and_the_rest_goes_on(records) -> None:
    writer = Transcripts(records)
    writer.add((*hop()[:4], None, *hop()[5:]))
    await writer.flush()
    assert (await counted(records, transcripts), writer.dropped) == (0, 1)
    writer.add(hop())
    await writer.flush()
    assert (await counted(records, transcripts), writer.dropped) == (1, 1)


async def test_a_busy_hour_is_written_in_batches_and_not_row_by_row(records) -> None:
    class Busy:
        writes = 0

        async def write(self, work):
            self.writes += 1
            # While a batch is written, another hop is answered.
            writer.add(hop())
            return await records.write(work)

    busy = Busy()
    writer = Transcripts(busy, every_s=0.1)
    writer.add(hop())
    task = asyncio.create_task(writer.run())
    await asyncio.sleep(0.35)
    writes = busy.writes
    assert 1 <= writes <= 4
    busy.write = records.write
    task.cancel()
    await asyncio.wait([task])
    # What is left when the server ends is written all the same.
    assert await counted(records, transcripts) == writes + 1


async def test_while_the_records_are_down_it_waits() -> None:
    class Down:
        async def write(self, work):
            raise RecordsDown("gone")

    writer = Transcripts(Down())
    writer.add(hop())
    await writer.flush()
    assert len(writer._rows) == 1 and writer.dropped == 0


class LostCommit:
    """Records whose connection is lost in the COMMIT, so many times; what was done may stand."""

    def __init__(self, records, times: int, stands: bool) -> None:
        self._records, self.left, self._stands = records, times, stands

    async def write(self, work):
        self.left -= 1
        if self.left < 0 or self._stands:
            done = await self._records.write(work)
        if self.left >= 0:
            raise Unsure("lost")
        return done


@pytest.mark.parametrize("stands", [True, False], ids=["committed", "not-committed"])
@pytest.mark.parametrize("kinds", ["both", "events"])
async def test_U13_a_commit_that_nobody_knows_of_is_written_once(
    records, now, stands: bool, kinds: str
) -> None:
    lost = LostCommit(records, 2, stands)
    writer = Transcripts(lost)
    for which in range(2):
        if kinds == "both":
            writer.add(hop(key=f"g:{which}"))
        writer.event(now, "server", "refused", f"g:{which}", what="w")
    await writer.flush()
    # What comes meanwhile is no part of what is in doubt.
    writer.add(hop(key="g:2"))
    for _round in range(2):
        await writer.flush()
    assert lost.left < 0 and writer.dropped == 0
    assert await counted(records, transcripts) == (3 if kinds == "both" else 1)
    assert await counted(records, audit) == 2


async def test_old_rows_go_few_at_a_time_and_young_ones_stay(records, now) -> None:
    writer, young = Transcripts(records), int(now.timestamp() * 1000)
    for at_ms in (1, 2, 3, 4, 5, young, young):
        writer.add((*hop()[:-3], at_ms, *hop()[-2:]))
    await writer.flush()
    month_ago = now - timedelta(days=30)
    gone = [await records.write(lambda db: forget_before(db, month_ago, 2)) for _round in range(4)]
    assert gone == [2, 2, 1, 0]
    kept = await records.read(lambda db: db.execute(select(transcripts.c.at_ms)).scalars().all())
    assert kept == [young, young]


async def test_the_longest_transaction_of_an_operator_settles(records, now) -> None:
    def work(db) -> str:
        payment = pay(db, person(db, now), now)
        return settle(db, payment, now, Outcome.SUCCEEDED, provider_txn_id="7" * 80).state

    assert await records.write(work) == "succeeded"
    kept = await records.read(
        lambda db: db.execute(select(payment_rows.c.provider_txn_id)).scalar()
    )
    assert kept == "7" * 64
