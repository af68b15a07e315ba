"""Callbacks while the records are gone: on disk before the 2xx, in the records once, in order."""

import asyncio
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Select, select

from bot.callbacks import Callbacks
from bot.storage.records import RecordsDown
from bot.storage.schema import inbox, payments, tickets
from bot.storage.spool import Spool, SpoolFull
from tests.real_postgres import RealPostgres
from tests.server import Running, running
from tests.server_process import ServerProcess


@pytest.fixture(scope="module")
def mortal_postgres() -> Iterator[RealPostgres]:
    """A server of its own, to be killed."""
    server = RealPostgres()
    yield server
    server.stop()


@pytest.fixture
async def server(tmp_path: Path, mortal_postgres: RealPostgres) -> AsyncIterator[Running]:
    url = mortal_postgres.new_database()
    async with running(tmp_path, ISOKO_DATABASE_URL=url) as one:
        yield one


async def call_back(server: Running, token: str, body: bytes = b"{}") -> int:
    path = f"/payments/mtn-momo/callback/{token}"
    async with server.client.put(path, data=body) as answer:
        return answer.status


async def patiently(server: Running, query: Select) -> list[tuple]:
    """What the records say once they answer: after an outage, or on a busy disk, later."""
    read = server.parts.market.records.read
    for _attempt in range(300):
        try:
            return [tuple(row) for row in await read(lambda db: db.execute(query).all())]
        except RecordsDown:
            await asyncio.sleep(0.1)
    raise AssertionError("the records did not come back")


async def kept(server: Running) -> list[tuple[str, bytes, str]]:
    query = select(inbox.c.source, inbox.c.body, inbox.c.outcome).order_by(inbox.c.id)
    return await patiently(server, query)


async def drained(folder: Path) -> None:
    for _attempt in range(300):
        if not list((folder / "spool").glob("*.message")):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("still in the spool")


async def figure(server: Running, name: str) -> float:
    async with server.client.get("/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


async def test_callbacks_of_an_outage_are_drained_once_and_in_order(
    server: Running, mortal_postgres: RealPostgres, tmp_path: Path
) -> None:
    ((token,), *_others) = await patiently(server, select(payments.c.callback_token))
    bodies = [b'{"n":%d}' % number for number in range(12)]
    assert await call_back(server, token, bodies[0]) == 200
    mortal_postgres.crash()
    try:
        for body in (*bodies, bodies[3], bodies[3]):
            assert await call_back(server, token, body) == 200
        files = sorted((tmp_path / "spool").iterdir())
        assert len(files) == 12 and {file.stat().st_mode & 0o777 for file in files} == {0o600}
        assert await figure(server, "isoko_spool_messages") == 12
    finally:
        mortal_postgres.start()
    for _attempt in range(300):
        if not list((tmp_path / "spool").iterdir()):
            break
        await asyncio.sleep(0.1)
    found = await kept(server)
    assert [body for _source, body, _outcome in found] == bodies
    assert all(outcome.startswith("asked the operator") for _source, _body, outcome in found)
    assert await figure(server, "isoko_spool_messages") == 0


async def test_a_path_with_a_nul_is_nobodys_and_keeps_no_other_waiting(
    server: Running, mortal_postgres: RealPostgres, tmp_path: Path
) -> None:
    ((token,), *_others) = await patiently(server, select(payments.c.callback_token))
    for strange in ("a%00b", "%ED%A0%80", "x" * 5000):
        assert await call_back(server, strange) == 200
    mortal_postgres.crash()
    try:
        assert [await call_back(server, one) for one in ("c%00d", token)] == [200, 200]
    finally:
        mortal_postgres.start()
    await drained(tmp_path)
    outcomes = [outcome for _source, _body, outcome in await kept(server)]
    assert outcomes[:-1] == ["orphan"] * 4 and outcomes[-1].startswith("asked the operator")


async def test_what_cannot_be_kept_is_set_aside_with_a_ticket_and_keeps_no_other_waiting(
    server: Running, mortal_postgres: RealPostgres, tmp_path: Path, monkeypatch
) -> None:
    keep = Callbacks._keep

    async def refused(self: Callbacks, callback) -> None:
        if callback.body == b"bad":
            # After the outage it is this callback's own fault.
            await self._records.read(lambda db: None)
            raise ValueError("a fault of ours")
        await keep(self, callback)

    monkeypatch.setattr(Callbacks, "_keep", refused)
    ((token,), *_others) = await patiently(server, select(payments.c.callback_token))
    mortal_postgres.crash()
    try:
        assert [await call_back(server, token, body) for body in (b"bad", b"good")] == [200, 200]
    finally:
        mortal_postgres.start()
    await drained(tmp_path)
    assert [file.suffix for file in (tmp_path / "spool").iterdir()] == [".unreadable"]
    assert [body for _source, body, _outcome in await kept(server)] == [b"good"]
    asked = select(tickets.c.about).where(tickets.c.category == "payment_unclear")
    assert await patiently(server, asked) == [("spool mtn-momo",)]


async def test_a_full_spool_claims_nothing(
    server: Running, mortal_postgres: RealPostgres, monkeypatch
) -> None:
    monkeypatch.setattr("bot.storage.spool._MESSAGES_MAX", 2)
    mortal_postgres.crash()
    try:
        answers = [await call_back(server, "x", b"%d" % number) for number in range(4)]
    finally:
        mortal_postgres.start()
    assert answers == [200, 200, 503, 503]
    await kept(server)


def test_a_process_killed_after_its_2xx_has_lost_nothing(
    tmp_path: Path, mortal_postgres: RealPostgres
) -> None:
    server = ServerProcess(tmp_path, ISOKO_DATABASE_URL=mortal_postgres.new_database())
    mortal_postgres.crash()
    try:
        url = f"{server.url}/payments/mtn-momo/callback/some-token"
        request = urllib.request.Request(url, b'{"a":1}', method="PUT")
        assert urllib.request.urlopen(request, timeout=10).status == 200
        server.kill()
    finally:
        mortal_postgres.start()
    assert len(list((tmp_path / "spool").glob("*.message"))) == 1
    server.start()
    for _attempt in range(300):
        if not list((tmp_path / "spool").iterdir()):
            break
        time.sleep(0.1)
    assert not list((tmp_path / "spool").iterdir())
    assert server.stop() == 0


def test_bytes_are_bounded_and_what_is_damaged_is_set_aside(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("bot.storage.spool._BYTES_MAX", 10)
    spool = Spool(tmp_path / "spool")
    spool.open()
    spool.keep("a", b"12345678")
    with pytest.raises(SpoolFull):
        spool.keep("b", b"123")
    (path, message), *_none = spool.waiting()
    assert message == b"12345678"
    spool.set_aside(path)
    assert spool.size().messages == 0 and len(list((tmp_path / "spool").iterdir())) == 1


async def test_O01_an_unwritable_spool_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file where the folder should be")
    with pytest.raises(RecordsDown, match=r"spool .* cannot be written.*ISOKO_DATA_DIR"):
        async with running(tmp_path):
            pass
