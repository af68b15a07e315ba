"""Deadlines and overload: true words in time, and calls under way come first."""

import asyncio

import pytest
from sqlalchemy import func, select

from bot.storage.schema import tickets
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
    async with running(tmp_path, ISOKO_USSD__HOP_BUDGET_S="0.2") as server:
        phone = server.phone()
        await phone.dials()
        await phone.types("8", "6")
        slow = slow_down(server, 0.5)
        checking = await phone.types("8")
        assert checking.startswith("Turacyagenzura")
        assert await phone.sends() == checking
        await asyncio.sleep(0.5)
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
    async with running(tmp_path, ISOKO_USSD__MAX_HOPS_IN_FLIGHT="0") as server:
        object.__setattr__(server.parts.engine._limits, "hops_in_flight_max", 100)
        phone: Phone = server.phone()
        await phone.dials()
        object.__setattr__(server.parts.engine._limits, "hops_in_flight_max", 0)
        turned_away = await server.phone("+250788000002").dials()
        for words in ("Serivisi ntiboneka", "Service indisponible", "Service not available"):
            assert words in turned_away
        assert "Ikawa" in await phone.types("1")


async def test_work_of_another_process_is_waited_for_not_done_again(tmp_path) -> None:
    async with running(tmp_path, ISOKO_USSD__HOP_BUDGET_S="0.2") as server:
        phone = server.phone()
        await phone.dials()
        await phone.types("8", "6")
        slow = slow_down(server, 1.0)
        assert (await phone.types("8")).startswith("Turacyagenzura")
        # The next hops land where nothing is known of that work.
        server.parts.engine._late._running.clear()
        slow.wait_s = 0
        assert (await phone.types("1")).startswith("Turacyagenzura")
        await asyncio.sleep(1.0)
        assert "T-" in await phone.types("1")
        query = select(func.count()).select_from(tickets)
        assert await slow.read(lambda db: db.execute(query).scalar()) == 1
