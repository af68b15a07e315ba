"""Work that outlived its hop: its own result reaches its own question, whatever dies meanwhile."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, update

from bot.market import people, verifying
from bot.storage.schema import contacts, stock_listings, tickets
from tests.engine.test_limits import SlowRecords, slow_down
from tests.phone import PIN, Phone
from tests.server import Running, running

# They slow down the one process that they look into.
pytestmark = pytest.mark.embedded

# What is not made slow must fit into it, on a busy machine too.
_IMPATIENT = {"ISOKO_USSD__HOP_BUDGET_S": "0.6"}
_CHECKING = "We are checking"


async def count(records: SlowRecords, table) -> int:
    query = select(func.count()).select_from(table)
    return await records.read(lambda db: db.execute(query).scalar())


async def in_english(phone: Phone) -> None:
    await phone.dials()
    await phone.types("9", "3")
    await phone.dials()


async def asks_late(phone: Phone, slow: SlowRecords, *entries: str) -> None:
    """Type `entries`, of which the last takes longer than its hop; then it is done."""
    slow.wait_s = 0
    await phone.types(*entries[:-1])
    slow.wait_s = 1.2
    assert (await phone.types(entries[-1])).startswith(_CHECKING)
    slow.wait_s = 0
    await asyncio.sleep(1.6)


async def test_two_processes_never_give_one_questions_result_to_another(tmp_path) -> None:
    async with running(tmp_path, **_IMPATIENT) as server:
        phone, late = server.phone(), server.parts.engine._late
        await in_english(phone)
        slow = slow_down(server, 0)
        await asks_late(phone, slow, "8", "4", "8")
        here, late._running = late._running, {}  # the next hops land on another process
        assert "T-" in await phone.types("1")
        await asks_late(phone, slow, "00", "9", "2")
        late._running = here  # and this one on the first again
        screen = await phone.types("1")
        assert "T-" not in screen and screen.startswith("Langue modifiée")


async def test_what_came_late_is_shown_though_the_call_was_lost_meanwhile(
    tmp_path,
) -> None:
    async with running(tmp_path, **_IMPATIENT) as server:
        phone = server.phone()
        await in_english(phone)
        slow = slow_down(server, 0)
        sent = len(await server.inbox(phone.msisdn))
        await asks_late(phone, slow, "3", "1", PIN)
        await server.lose_sessions()
        server.parts.engine._late._running.clear()
        result = await phone.types("1")
        assert result.startswith("Confirmed.")
        # The key that asked for the result is not taken for an answer to it: no second receipt.
        assert len(await server.inbox(phone.msisdn)) == sent + 1


async def test_an_order_that_was_accepted_late_is_told_though_the_call_was_lost(tmp_path) -> None:
    async with running(tmp_path, **_IMPATIENT) as server:
        phone = server.phone()
        await in_english(phone)
        slow = slow_down(server, 0)
        await asks_late(phone, slow, "2", "1", "1", PIN)
        await server.lose_sessions()
        server.parts.engine._late._running.clear()
        assert "accepted" in await phone.types("1") and phone.ended


@pytest.mark.parametrize("done", [True, False])
async def test_who_hangs_up_and_dials_again_is_led_to_what_came_late(tmp_path, done: bool) -> None:
    async with running(tmp_path, **_IMPATIENT) as server:
        phone = server.phone()
        await in_english(phone)
        slow = slow_down(server, 0)
        await phone.types("2", "3", "2", "1", "1", "1", "1,200 kg", "650", "01/11", "99")
        before = await count(slow, stock_listings)
        slow.wait_s = 2.0
        assert (await phone.types("5")).startswith(_CHECKING)
        slow.wait_s = 0
        if done:
            await asyncio.sleep(2.2)
        card = await phone.dials()
        assert "You were at: your stock" in card
        if not done:
            assert (await phone.types("1")).startswith(_CHECKING)
            await asyncio.sleep(2.2)
        assert (await phone.types("1")).startswith("Your offer is noted.")
        assert await count(slow, stock_listings) == before + 1


async def test_a_hop_that_waited_too_long_does_nothing_any_more(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("bot.engine.effects._MAY_BEGIN_S", 0.9)
    async with running(tmp_path, **_IMPATIENT) as server:
        phone = server.phone()
        await in_english(phone)
        slow = slow_down(server, 0)
        before = await count(slow, tickets)
        await asks_late(phone, slow, "8", "4", "8")
        assert (await phone.types("1")).startswith("Not possible now. Nothing was changed")
        assert await count(slow, tickets) == before


class HangingRecords(SlowRecords):
    """Real records over a network that has stopped: what is read waits as well."""

    async def read(self, work):
        await asyncio.sleep(self.wait_s)
        return await self._records.read(work)


async def test_a_look_at_slow_records_ends_with_its_hop(tmp_path) -> None:
    async with running(tmp_path, **_IMPATIENT) as server:
        phone, other = server.phone(), server.phone("+250788000002")
        await in_english(phone)
        object.__setattr__(server.parts.engine._limits, "records_wait", True)
        slow = HangingRecords(server.parts.market.records, 60.0)
        object.__setattr__(server.parts.market, "records", slow)
        async with asyncio.timeout(30):
            assert (await phone.types("2")).startswith("Not possible now. Nothing was changed")
            assert "Service not available" in await other.dials() and other.ended
        slow.wait_s = 0
        assert "KW-1042" in await phone.types("1", "2")


async def test_nobody_hears_that_nothing_was_changed_while_it_may_have_been(tmp_path) -> None:
    async with running(tmp_path, **_IMPATIENT) as server:
        phone = server.phone()
        await in_english(phone)
        object.__setattr__(server.parts.engine._limits, "records_wait", True)
        slow = HangingRecords(server.parts.market.records, 0)
        object.__setattr__(server.parts.market, "records", slow)
        before = await count(slow, tickets)
        await asks_late(phone, slow, "8", "4", "8")
        # The next hop lands on another process, which cannot look up what became of it in time.
        server.parts.engine._late._running.clear()
        server.parts.engine._late._records = slow
        slow.wait_s = 5.0
        assert (await phone.types("1")).startswith(_CHECKING)
        slow.wait_s = 0
        assert "T-" in await phone.types("1")
        assert await count(slow, tickets) == before + 1


async def test_a_first_hop_that_comes_again_in_a_flood_has_its_reply(server: Running) -> None:
    phone, stranger = server.phone(), server.phone("+250788000002")
    first = await phone.dials()
    admission = server.parts.engine._admission
    admission.dials_max, admission.in_flight = 1, 2
    try:
        assert await phone.sends() == first and not phone.ended
        assert "Service not available" in await stranger.dials() and stranger.ended
    finally:
        admission.in_flight = 0


async def test_back_from_another_flow_accepts_nothing(server: Running, phone: Phone) -> None:
    records = server.parts.market.records
    await phone.dials()
    await phone.types("2", "1", "1")
    now = datetime.now(UTC)
    farmer = await records.read(lambda db: people.by_msisdn(db, phone.msisdn))
    await records.write(lambda db: verifying.claim(db, farmer, now))
    nothing = await phone.types(PIN)
    await phone.types("1")
    # Staff have called them meanwhile: what they go back to could be done now.
    await records.write(lambda db: db.execute(update(contacts).values(verify_since=None)))
    assert await phone.types("0") == nothing


async def test_U13_any_hop_that_comes_again_in_a_flood_has_its_reply(
    server: Running, monkeypatch
) -> None:
    phone, engine = server.phone(), server.parts.engine
    await phone.dials()
    prices = await phone.types("1")
    admission = engine._admission
    full = admission._hops_max + 1
    admission.in_flight = full
    try:
        assert await phone.sends() == prices and not phone.ended
        assert "Service not available" in await phone.types("1") and phone.ended
    finally:
        admission.in_flight = 0
    phone.history.pop()
    # So it is where too many hops of this very call wait already.
    monkeypatch.setattr("bot.engine.turnstile._WAITING_MAX", 0)
    key = f"africastalking:{phone.session_id}"
    await engine._turnstile.enter(key)
    try:
        assert await phone.sends() == prices and not phone.ended
        assert "Service not available" in await phone.types("1") and phone.ended
    finally:
        engine._turnstile.leave(key)
