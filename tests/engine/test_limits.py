"""Deadlines and overload: true words in time, and calls under way come first."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.storage.schema import tickets
from tests.patience import patient_s
from tests.phone import Phone
from tests.server import Running, running

# They slow down or limit the one process that they look into.
pytestmark = pytest.mark.embedded


class SlowRecords:
    """Real records whose writes wait, as a busy disk's do."""

    def __init__(self, records, wait_s: float) -> None:
        self._records, self.wait_s = records, wait_s

    async def read(self, work):
        return await self._records.read(work)

    async def write(self, work):
        await asyncio.sleep(self.wait_s)
        return await self._records.write(work)


def slow_down(server: Running, wait_s: float) -> SlowRecords:
    slow = SlowRecords(server.parts.market.records, wait_s)
    object.__setattr__(server.parts.market, "records", slow)
    return slow


async def test_past_its_budget_a_hop_says_so_and_the_next_brings_the_result(tmp_path) -> None:
    async with running(tmp_path, ISOKO_USSD__HOP_BUDGET_S="0.6") as server:
        phone = server.phone()
        await phone.dials()
        await phone.types("8", "6")
        slow = slow_down(server, 1.5)
        checking = await phone.types("8")
        assert checking.startswith("Turacyagenzura")
        assert await phone.sends() == checking
        await asyncio.sleep(1.5)
        slow.wait_s = 0
        assert "T-" in await phone.types("1")
        query = select(func.count()).select_from(tickets)
        assert await slow.read(lambda db: db.execute(query).scalar()) == 1


async def test_U23_a_flood_of_one_number_is_answered_politely(tmp_path) -> None:
    async with running(tmp_path, ISOKO_USSD__DIALS_PER_MINUTE="10") as server:
        phone, other = server.phone(), server.phone("+250788000002")
        refused = 0
        for _dial in range(40):
            screen = await phone.dials()
            refused += phone.ended and "Try again later" in screen
        assert refused == 30
        assert "Bienvenue" in await other.dials()


async def test_overload_sheds_new_dials_and_calls_under_way_finish(tmp_path) -> None:
    async with running(tmp_path) as server:
        phone: Phone = server.phone()
        await phone.dials()
        object.__setattr__(server.parts.engine._limits, "hops_in_flight_max", 0)
        turned_away = await server.phone("+250788000002").dials()
        for words in ("Serivisi ntiboneka", "Service indisponible", "Service not available"):
            assert words in turned_away
        assert "Ikawa" in await phone.types("1")


async def test_work_of_another_process_is_waited_for_not_done_again(tmp_path) -> None:
    async with running(tmp_path, ISOKO_USSD__HOP_BUDGET_S="0.6") as server:
        phone = server.phone()
        await phone.dials()
        await phone.types("8", "6")
        slow = slow_down(server, 2.5)
        assert (await phone.types("8")).startswith("Turacyagenzura")
        # The next hops land where nothing is known of that work.
        server.parts.engine._late._running.clear()
        slow.wait_s = 0
        assert (await phone.types("1")).startswith("Turacyagenzura")
        await asyncio.sleep(2.5)
        assert "T-" in await phone.types("1")
        query = select(func.count()).select_from(tickets)
        assert await slow.read(lambda db: db.execute(query).scalar()) == 1


async def test_U14_a_hundred_repeats_at_once_have_the_same_reply(tmp_path) -> None:
    async with running(tmp_path) as server:
        phone = server.phone()
        await phone.dials()
        await phone.types("8", "6")
        slow_down(server, 0.5)
        phone.history.append("8")
        bodies = await asyncio.gather(*(phone.posts() for _one in range(100)))
        assert len(set(bodies)) == 1 and "T-" in bodies[0]


async def test_U14_of_more_repeats_than_may_wait_all_are_answered(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("bot.engine.turnstile._WAITING_MAX", 16)
    async with running(tmp_path) as server:
        phone = server.phone()
        await phone.dials()
        await phone.types("8", "6")
        slow = slow_down(server, 0.5)
        phone.history.append("8")
        bodies = await asyncio.gather(*(phone.posts() for _one in range(100)))
        told = [body for body in bodies if "T-" in body]
        assert len(set(told)) == 1 and 17 <= len(told) < 100
        for body in set(bodies) - set(told):
            assert body.startswith("END Serivisi ntiboneka")
        assert len(server.parts.engine._turnstile) == 0
        # Who was told to come again had no effect, and the next hop finds the call as it was.
        assert await phone.posts() == told[0]
        query = select(func.count()).select_from(tickets)
        assert await slow.read(lambda db: db.execute(query).scalar()) == 1


async def test_work_that_outlives_its_hop_is_bounded(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("bot.engine.late._RUNNING_MAX", 2)
    async with running(tmp_path, ISOKO_USSD__HOP_BUDGET_S="0.6") as server:
        phones = [server.phone(f"+25078830000{number}") for number in range(3)]
        for phone in phones:
            await phone.dials()
            await phone.types("3", "8", "5")
        slow = slow_down(server, 4.0)
        said = [await phone.types("8") for phone in phones]
        assert [screen.startswith("We are checking") for screen in said] == [True, True, False]
        assert said[2].startswith("Not possible now. Nothing was changed") and not phone.ended
        slow.wait_s = 0
        await asyncio.sleep(4.0)
        # Nobody has asked for the first two results yet, but they are in the records.
        assert "T-" in await phones[2].types("1", "8")
        assert all(["T-" in await phone.types("1") for phone in phones[:2]])
        query = select(func.count()).select_from(tickets)
        assert await slow.read(lambda db: db.execute(query).scalar()) == 3


async def test_past_all_bounds_even_calls_under_way_are_asked_to_come_again(tmp_path) -> None:
    async with running(tmp_path, ISOKO_USSD__MAX_HOPS_IN_FLIGHT="4") as server:
        phones = [server.phone(f"+2507883000{number:02}") for number in range(40)]
        for phone in phones:
            await phone.dials()
            await phone.types("3", "8", "5")
        slow = slow_down(server, 0.5)
        said = await asyncio.gather(*(phone.types("8") for phone in phones))
        shed = [phone for phone, screen in zip(phones, said, strict=True) if "T-" not in screen]
        assert len(shed) == 40 - (4 * 4 + 1) and all(phone.ended for phone in shed)
        slow.wait_s = 0
        # The same hop again, as a gateway does that heard no END: its call is where it was.
        assert all(["T-" in await phone.sends() for phone in shed])


@contextmanager
def another_program_writing(folder: Path) -> Iterator[None]:
    """A transaction of another program, open meanwhile."""
    other = sqlite3.connect(folder / "isoko.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("COMMIT")
        other.close()


async def test_a_hop_is_answered_in_time_while_another_program_writes(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("bot.storage.sqlite._LOCKED_MAX_S", 3600.0)
    async with running(tmp_path, ISOKO_USSD__HOP_BUDGET_S="0.6") as server:
        phone = server.phone()
        await phone.dials()
        await phone.types("2", "1")
        with another_program_writing(tmp_path):
            # The screen of the PIN is kept before it is shown, and that waits for the other one.
            async with asyncio.timeout(patient_s(10)):
                said = await phone.types("1")
            assert said.startswith("Ibyo ntibishoboka ubu. Nta cyahindutse.") and not phone.ended
            # What is only read is there as ever.
            async with asyncio.timeout(patient_s(10)):
                assert "Ibigori" in await phone.types("2")
        for _try in range(50):
            said = await phone.types("00", "2", "1", "1")
            if "PIN" in said:
                break
        said = await phone.types("73914")
        for _try in range(50):
            # Where it took longer than the budget, it is still being checked.
            if not said.startswith("Turacyagenzura"):
                break
            said = await phone.types("1")
        assert "KW-1042" in said


async def test_a_call_after_a_long_silence_is_answered_in_time_too(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("bot.storage.sqlite._LOCKED_MAX_S", 3600.0)
    monkeypatch.setattr("bot.market.verifying.is_silent", lambda *_who: True)
    async with running(tmp_path, ISOKO_USSD__HOP_BUDGET_S="0.6") as server:
        phone = server.phone()
        # Who it is could not be written down: it is as when the records are away.
        with another_program_writing(tmp_path):
            async with asyncio.timeout(patient_s(10)):
                assert "1 Kinyarwanda" in await phone.dials()


async def test_the_time_of_a_hop_begins_before_it_waits_for_those_in_front(
    tmp_path, monkeypatch
) -> None:
    async with running(tmp_path) as server:
        phone, engine = server.phone(), server.parts.engine
        await phone.dials()
        await phone.types("8", "6")
        key = f"africastalking:{phone.session_id}"
        began: list[float] = []
        ready = engine._late._ready

        async def seen(work, came_at):
            began.append(came_at)
            return await ready(work, came_at)

        monkeypatch.setattr(engine._late, "_ready", seen)
        await engine._turnstile.enter(key)
        asked = asyncio.create_task(phone.types("8"))
        while engine._turnstile._inside[key] is None:
            await asyncio.sleep(0.01)
        let_in = time.monotonic()
        engine._turnstile.leave(key)
        assert "T-" in await asked
        assert began[0] < let_in
