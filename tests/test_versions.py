"""O-06: calls under way in an upgrade, a version taken back, and two versions side by side."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, text

from bot.market import books
from bot.storage.opening import open_records, upgrade
from bot.storage.records import RecordsDown
from bot.storage.schema import offers, tickets
from bot.storage.sessions import pack, unpack
from tests import scaled
from tests.phone import PIN, Phone
from tests.real_postgres import RealPostgres
from tests.real_valkey import RealValkey
from tests.server import AIRTEL, CRAFTS, TEA, Running, running

# What the version before this one had not yet, and one field that a later one may have.
_NEWEST_FIELDS = 5
_NEXT = ("CREATE TABLE of_the_next_version (id INTEGER PRIMARY KEY, why VARCHAR(20) NOT NULL)",
         "ALTER TABLE offers ADD COLUMN grade VARCHAR(8) NOT NULL DEFAULT ''",
         "ALTER TABLE contacts ADD COLUMN village VARCHAR(40)",
         "UPDATE alembic_version SET version_num = '9001'")  # fmt: skip


@pytest.fixture(params=["memory", "redis"])
async def server(
    request: pytest.FixtureRequest, tmp_path: Path, valkey: RealValkey
) -> AsyncIterator[Running]:
    stores = {"ISOKO_REDIS_URL": valkey.url} if request.param == "redis" else {}
    async with running(tmp_path, **stores) as one:
        yield one


def by_the_version_before(packed: bytes) -> bytes:
    fields: list[Any] = msgspec.msgpack.decode(packed)
    return msgspec.msgpack.encode(fields[: len(type(unpack(packed)).__struct_fields__) - _NEWEST_FIELDS])  # fmt: skip


def by_the_next_version(packed: bytes) -> bytes:
    return msgspec.msgpack.encode([*msgspec.msgpack.decode(packed), {"points": 7}, "new"])


def at_a_place_that_is_gone(packed: bytes) -> bytes:
    session = unpack(packed)
    session.flow, session.state = "dividends", "this_year"
    return pack(session)


def called_from_a_place_that_is_gone(packed: bytes) -> bytes:
    session = unpack(packed)
    session.stack.append(("dividends", "this_year", {}, False))
    return pack(session)


def with_another_meaning(packed: bytes) -> bytes:
    fields: list[Any] = msgspec.msgpack.decode(packed)
    fields[3] = 12
    return msgspec.msgpack.encode(fields)


async def kept_as(server: Running, phone: Phone, changed) -> None:
    """What another version left of this call."""
    sessions, key = server.parts.engine._sessions, f"africastalking:{phone.session_id}"
    visit = await sessions.enter(key)
    assert visit.packed is not None
    await sessions.leave(visit, changed(visit.packed))


@pytest.mark.parametrize("changed", [by_the_version_before, by_the_next_version,
                                     at_a_place_that_is_gone, called_from_a_place_that_is_gone,
                                     with_another_meaning])  # fmt: skip
async def test_O06_a_call_under_way_goes_on_in_another_version(server: Running, changed) -> None:
    phone = server.phone()
    await phone.dials()
    for entry, words in (
        ("2", "KW-1042"),
        ("1", "KW-1042"),
        ("1", "Emera KW-1042"),
        (PIN, "Wemeye"),
    ):
        await kept_as(server, phone, changed)
        assert words in await phone.types(entry)
    query = select(offers.c.state).where(offers.c.packs == 200)
    assert (
        await server.parts.market.records.read(lambda db: db.execute(query).scalar()) == "accepted"
    )


async def test_O06_what_was_left_open_at_a_place_that_is_gone_is_not_offered(
    server: Running,
) -> None:
    phone = server.phone()
    menu = await phone.dials()
    await phone.types("2", "1", "1")
    await kept_as(server, phone, at_a_place_that_is_gone)
    assert await phone.dials() == menu
    # Offered by one version, gone in the one that is asked to go on.
    await phone.types("2", "1", "1")
    left, card = phone.session_id, await phone.dials()
    assert "KW-1042" in card
    here, phone.session_id = phone.session_id, left
    await kept_as(server, phone, at_a_place_that_is_gone)
    phone.session_id = here
    assert await phone.types("1") == menu


async def to_the_next_version(url: str, folder: Path) -> None:
    """What the next version's upgrade does to the tables, while this version serves."""
    records = await open_records(url, folder)
    try:
        for statement in _NEXT:
            await records.write(lambda db, s=statement: db.execute(text(s)))
    finally:
        await records.close()


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
async def test_O06_a_version_taken_back_serves_on_the_newer_tables(
    tmp_path, postgres: RealPostgres, store: str
) -> None:
    url = postgres.new_database() if store == "postgres" else ""
    stores = {"ISOKO_DATABASE_URL": url} if url else {}
    async with running(tmp_path, **stores) as server:
        phone = server.phone()
        await phone.dials()
        await phone.types("2", "1", "1")
        await to_the_next_version(url, tmp_path)
        # It serves through the upgrade of the tables,
        assert "Wemeye" in await phone.types(PIN)
        accepted = phone.last
    async with running(tmp_path, **stores) as server:
        # and starts again on them, with its live calls gone.
        phone._client = server.client
        for _try in range(20):
            await phone.sends()
            if not phone.last.startswith("END Serivisi"):
                break
            # On a busy machine the records count as out of reach for a moment.
            await asyncio.sleep(0.2)
        assert phone.last == accepted
        other = server.phone(TEA)
        await other.dials()
        assert "T-" in await other.types("8", "6", "8")
        assert (await server.parts.market.records.read(books.check)).faults == []
    assert await upgrade(url, tmp_path) == "9001"
    records = await open_records(url, tmp_path)
    strange = "UPDATE alembic_version SET version_num = 'elsewhere'"
    await records.write(lambda db: db.execute(text(strange)))
    await records.close()
    with pytest.raises(RecordsDown, match="'elsewhere', which no version"):
        await upgrade(url, tmp_path)


async def test_O06_two_versions_side_by_side_break_nothing(
    tmp_path, postgres: RealPostgres, valkey: RealValkey, monkeypatch
) -> None:
    """Each hop comes to either; each server keeps sessions as its version does."""
    monkeypatch.setattr(scaled, "stores", scaled.Stores(postgres, valkey))
    async with running(tmp_path) as old:
        assert old.second is not None
        _keeps_as(old, by_the_version_before)
        _keeps_as(old.second, by_the_next_version)
        await to_the_next_version(old.parts.settings.database_url, tmp_path)
        phones = [old.phone(f"+2507886000{number:02}") for number in range(40)]
        told = await asyncio.gather(*(_calls(phone) for phone in phones))
        query = select(tickets.c.msisdn, tickets.c.code)
        rows = await old.parts.market.records.read(lambda db: db.execute(query).all())
        assert sorted((who, code) for who, code in rows) == sorted(told)
        for who, words in ((None, "KW-1042"), (TEA, "KW-"), (CRAFTS, "KW-"), (AIRTEL, "")):
            farmer = old.phone(who) if who else old.phone()
            await farmer.dials()
            assert words in await farmer.types("2")
        farmer = old.phone()
        await farmer.dials()
        assert "Wemeye" in await farmer.types("2", "1", "1", PIN)
        first = farmer.last
        # The repeat comes to the other version.
        for _again in range(2):
            await farmer.sends()
            assert farmer.last == first
        assert (await old.parts.market.records.read(books.check)).faults == []


def _keeps_as(server: Running, changed) -> None:
    sessions = server.parts.engine._sessions
    real = sessions.leave

    async def leave(visit, packed):
        await real(visit, packed and changed(packed))

    sessions.leave = leave


async def _calls(phone: Phone) -> tuple[str, str]:
    """A call with many hops; the caller and the ticket that was told."""
    await phone.dials()
    for keys in (("3",), ("1", "1", "00"), ("6",), ("00",), ("8", "5")):
        await phone.types(*keys)
    screen = await phone.types("8")
    assert "T-" in screen, screen
    return phone.msisdn, next(word.strip(".,") for word in screen.split() if word.startswith("T-"))
