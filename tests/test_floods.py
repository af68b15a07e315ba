"""U-17 and U-23: sessions that ran out, and five hundred new ones in a second; on both kinds of stores."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.storage.schema import offers, tickets
from tests.phone import PIN, Phone
from tests.real_postgres import RealPostgres
from tests.real_valkey import RealValkey
from tests.server import Running, running

_FLOOD, _UNDER_WAY = 500, 20
_NOT_NOW = "END Serivisi ntiboneka"


@pytest.fixture(params=["embedded", "scaled"])
def stores(
    request: pytest.FixtureRequest, postgres: RealPostgres, valkey: RealValkey
) -> dict[str, str]:
    if request.param == "embedded":
        return {}
    return {"ISOKO_DATABASE_URL": postgres.new_database(), "ISOKO_REDIS_URL": valkey.url}


@pytest.fixture
async def limited(tmp_path: Path, stores: dict[str, str]) -> AsyncIterator[Running]:
    """A server with the limits of production, but for how many hops at once it takes."""
    limits = {"ISOKO_USSD__DIALS_PER_MINUTE": "10", "ISOKO_USSD__MAX_HOPS_IN_FLIGHT": "16"}
    async with running(tmp_path, **limits, **stores) as one:
        # As many connections as a gateway may open.
        one.client.session.connector._limit = 0
        yield one


async def calls_under_way(server: Running) -> list[Phone]:
    """Callers who stand before their last key, each with a number of their own."""
    phones = [server.phone(f"+2507887000{number:02}") for number in range(_UNDER_WAY)]
    for phone in phones:
        await phone.dials()
        await phone.types("3", "8", "5")
    return phones


async def flood(phones: list[Phone]) -> list[str]:
    """Everybody dials within a second; what each was told, raw."""
    began = time.monotonic()

    async def dial(number: int, phone: Phone) -> str:
        await asyncio.sleep(number / len(phones))
        await phone.dials()
        return phone.last

    told = await asyncio.gather(*(dial(number, phone) for number, phone in enumerate(phones)))
    assert time.monotonic() - began < 20
    return told


async def finish(phones: list[Phone]) -> None:
    """In the midst of the flood, each presses the last key.

    Whose session was pushed out comes back to the screen before it, and presses it again.
    """
    await asyncio.sleep(0.3)
    for phone in phones:
        told = await phone.types("8")
        assert "T-" in told or "T-" in await phone.types("8"), phone.last


async def tickets_of(server: Running) -> int:
    query = select(func.count()).select_from(tickets)
    return await server.parts.market.records.read(lambda db: db.execute(query).scalar())


async def test_U23_five_hundred_calls_of_one_number_are_ended_politely(limited: Running) -> None:
    under_way = await calls_under_way(limited)
    # The flooder has a call of their own, which goes on.
    under_way.append(flooder := limited.phone("+250788700099"))
    await flooder.dials()
    await flooder.types("3", "8", "5")
    dials = [limited.phone(flooder.msisdn) for _dial in range(_FLOOD)]
    told, _none = await asyncio.gather(flood(dials), finish(under_way))
    served = [body for body in told if body.startswith("CON ")]
    # Ten a minute, and one of them was the call that was under way.
    assert 9 <= len(served) <= 14
    assert all(body.startswith(_NOT_NOW) for body in told if body not in served)
    assert await tickets_of(limited) == len(under_way)


async def test_U23_several_workers_share_the_limit_of_a_number(
    tmp_path: Path, postgres: RealPostgres, valkey: RealValkey
) -> None:
    stores = {"ISOKO_DATABASE_URL": postgres.new_database(), "ISOKO_REDIS_URL": valkey.url}
    limit = {"ISOKO_USSD__DIALS_PER_MINUTE": "10", **stores}
    number, other = "+250788700123", "+250788700124"
    beside = {"ISOKO_SANDBOX__ENABLED": "false"}
    async with (
        running(tmp_path / "first", **limit) as first,
        running(tmp_path / "second", **limit, **beside) as second,
    ):
        told = []
        for n in range(14):
            phone = (first, second)[n % 2].phone(number)
            await phone.dials()
            told.append(phone.last[:4])
            # A gateway that sends the same dial again has not dialled again.
            assert (await phone.posts())[:4] == told[-1]
        assert told == ["CON "] * 10 + ["END "] * 4
        assert "Kinyarwanda" in await second.phone(other).dials()
        # Where the store is out of reach, each counts for itself.
        sessions = second.parts.engine._sessions
        sessions._ask, usual = nobody, sessions._ask
        assert "Kinyarwanda" in await second.phone(number).dials()
        sessions._ask = usual


async def nobody(*_command: object) -> None:
    """A store that does not answer."""


async def test_U23_five_hundred_numbers_at_once_are_shed_before_calls_under_way(
    limited: Running,
) -> None:
    under_way = await calls_under_way(limited)
    dials = [limited.phone(f"+25078871{number:04}") for number in range(_FLOOD)]

    async def all_at_once() -> list[str]:
        await asyncio.gather(*(phone.dials() for phone in dials))
        return [phone.last for phone in dials]

    told, _none = await asyncio.gather(all_at_once(), finish(under_way))
    assert {body[:4] for body in told} <= {"CON ", "END "}
    shed = [body for body in told if body.startswith("END ")]
    assert all(body.startswith(_NOT_NOW) for body in shed)
    if limited.parts.settings.redis_url:
        # In one process a dial waits for nothing, so there all are served.
        assert shed and len(shed) < _FLOOD
    assert await tickets_of(limited) == _UNDER_WAY
    # Once it is over everybody is let in again.
    again = [phone for phone, body in zip(dials, told, strict=True) if body in shed][:5]
    for phone in again:
        assert "Kinyarwanda" in await phone.dials()


@pytest.mark.embedded
async def test_U23_past_what_memory_holds_the_idle_go_first_and_calls_finish(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("bot.storage.sessions.memory._KEPT_MAX", 100)
    monkeypatch.setattr("bot.storage.sessions.memory._CALL_S", 2.0)
    async with running(tmp_path) as server:
        idle = [server.phone(f"+2507887200{number:02}") for number in range(80)]
        for phone in idle:
            await phone.dials()
        await asyncio.sleep(2.2)
        under_way = await calls_under_way(server)
        kept = server.parts.engine._sessions._kept
        await flood([server.phone(f"+25078873{number:04}") for number in range(60)])
        await asyncio.sleep(1.1)
        await server.phone().dials()
        assert len(kept) <= 101
        here = {key.partition(":")[2] for key in kept}
        assert {phone.session_id for phone in under_way} <= here
        assert not {phone.session_id for phone in idle[:40]} & here
        # The rest of the flood pushes out calls under way, too: they go on from what was typed.
        flooders = [server.phone(f"+25078874{number:04}") for number in range(_FLOOD)]
        await asyncio.gather(flood(flooders), finish(under_way))
        assert await tickets_of(server) == _UNDER_WAY


async def test_U17_a_session_that_ran_out_goes_on_from_what_was_typed(
    tmp_path: Path, stores: dict[str, str]
) -> None:
    async with running(tmp_path, ISOKO_USSD__SESSION_TTL_S="1", **stores) as server:
        phone = server.phone()
        menu = await phone.dials()
        for entry, words in (("2", "KW-1042"), ("1", "KW-1042"), ("1", "Emera KW-1042"),
                             (PIN, "Wemeye")):  # fmt: skip
            await asyncio.sleep(1.3)
            assert (
                await server.parts.engine._sessions.load(f"africastalking:{phone.session_id}")
                is None
            )
            assert words in await phone.types(entry)
        assert phone.ended
        last = phone.last
        await asyncio.sleep(1.3)
        # It has ended, and nobody remembers it but the records.
        await phone.sends()
        assert phone.last == last
        await asyncio.sleep(1.3)
        assert await phone.types("1") == menu
        query = select(offers.c.state).where(offers.c.packs == 200)
        assert (
            await server.parts.market.records.read(lambda db: db.execute(query).scalar())
            == "accepted"
        )
