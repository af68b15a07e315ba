"""What tests share: real stores, a clock, and a phone that dials the real server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright, expect
from sqlalchemy import text

from bot.operations.logs import set_up_logs
from bot.storage.opening import open_records, upgrade
from bot.storage.records import Records
from bot.storage.schema import metadata
from tests import scaled
from tests.compiled_once import compiled_once
from tests.migrated import begin_in
from tests.patient_records import patient_records
from tests.phone import Phone
from tests.real_postgres import RealPostgres
from tests.real_valkey import RealValkey
from tests.server import Running, running

# A page that is right is seen at once; a machine that stands still for seconds makes none wrong.
expect.set_options(timeout=20_000)
_QUIET = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="session", autouse=True)
def quiet_logs() -> None:
    """The server's own way of logging, for warnings and worse."""
    set_up_logs("warning", "console")


@pytest.fixture(scope="session", autouse=True)
def statements_compiled_once() -> Iterator[None]:
    """Engines of one kind share what they made of a statement."""
    with compiled_once():
        yield


@pytest.fixture(scope="session", autouse=True)
def short_farewells() -> Iterator[None]:
    """A server that stops waits for no chat whose next message is not due yet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.telegram.sending._FINISH_S", 0.05)
        yield


@pytest.fixture(scope="session", autouse=True)
def records_have_time() -> Iterator[None]:
    """A busy machine must not pass for a dead server."""
    with patient_records():
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[RealPostgres]:
    """A real PostgreSQL server."""
    server = RealPostgres()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def valkey() -> Iterator[RealValkey]:
    """A real Valkey server."""
    server = RealValkey()
    yield server
    server.stop()


@pytest.fixture(scope="session", autouse=True)
def stores_of_servers(request: pytest.FixtureRequest) -> None:
    """What servers are started on: nothing but a folder, or PostgreSQL and Redis."""
    if request.config.getoption("--stores") == "scaled":
        given = request.getfixturevalue("postgres"), request.getfixturevalue("valkey")
        scaled.stores = scaled.Stores(*given)


@pytest.fixture(scope="session")
def databases(postgres: RealPostgres) -> scaled.Databases:
    """Copies of one migrated PostgreSQL database."""
    return scaled.Databases(postgres)


@pytest.fixture(params=["sqlite", "postgres"])
async def either_store(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """The servers of this test stand on a file, and once more on PostgreSQL."""
    if request.param == "sqlite" or scaled.stores is not None:
        yield request.param
        return
    databases = request.getfixturevalue("databases")
    monkeypatch.setattr(scaled, "databases", databases)
    yield request.param
    await databases.drop_all()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In the scaled mode, leave out what is about the embedded one, and what would come twice."""
    if config.getoption("--stores") == "scaled":
        left_out = [item for item in items if _is_of_the_embedded_mode(item)]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


def _is_of_the_embedded_mode(item: pytest.Item) -> bool:
    params = getattr(getattr(item, "callspec", None), "params", {})
    again = params.get("either_store") == "postgres"
    return again or item.get_closest_marker("embedded") is not None


@pytest.fixture
async def browser(chromium: Browser) -> AsyncIterator[Browser]:
    """A real Chromium; what a test has open in it is closed after, for its pages go on working."""
    yield chromium
    for context in chromium.contexts:
        await context.close()


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The one process that all tests share."""
    async with async_playwright() as play:
        chromium = await play.chromium.launch(executable_path="/usr/bin/chromium", args=_QUIET)
        yield chromium
        await chromium.close()


@pytest.fixture(scope="session")
async def postgres_records(postgres: RealPostgres) -> AsyncIterator[Records]:
    """Records in a migrated PostgreSQL database, shared and emptied by `records`."""
    url = postgres.new_database()
    await upgrade(url, Path())
    store = await open_records(url, Path())
    yield store
    await store.close()


@pytest.fixture(params=["sqlite", "postgres"])
async def records(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_records: Records
) -> AsyncIterator[Records]:
    """Empty records, once on SQLite and once on PostgreSQL."""
    if request.param == "postgres":
        store = postgres_records
        tables = ", ".join(table.name for table in metadata.sorted_tables)

        def empty(db) -> None:
            # History refuses to be truncated; a superuser may look away for one transaction.
            db.execute(text("SET LOCAL session_replication_role = replica"))
            db.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))

        await store.write(empty)
        yield store
        return
    await begin_in(tmp_path)
    store = await open_records("", tmp_path)
    yield store
    await store.close()


@pytest.fixture
def now() -> datetime:
    """A fixed moment of a working day: 24 November 2026, 11:00 in Kigali."""
    return datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    """A running server with the demo cast."""
    async with running(tmp_path) as one:
        yield one


@pytest.fixture
async def phone(server: Running) -> Phone:
    """The coffee farmer's phone."""
    return server.phone()
