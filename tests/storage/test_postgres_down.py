"""Whatever PostgreSQL does to its clients arrives as `RecordsDown`, and passes."""

import asyncio
from contextlib import nullcontext
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from bot.storage.postgres import PostgresRecords, open_engine
from bot.storage.records import RecordsDown
from tests.real_postgres import RealPostgres
from tests.server import FARMER, running

_KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'"


def run(*statements: str):
    def work(db) -> int:
        return [db.execute(text(one)) for one in statements][-1].scalar()

    return work


@pytest.fixture
async def store(postgres: RealPostgres):
    url = postgres.new_database()
    records = PostgresRecords(url, pool_size=2)
    records.url, records.name = url, url.rpartition("/")[2]
    yield records
    await records.close()


@pytest.mark.parametrize("how", ["read", "write"])
async def test_a_connection_that_is_killed_or_times_out_is_records_down(
    store, postgres: RealPostgres, how: str
) -> None:
    def killed_at_work(db) -> None:
        db.execute(text("SELECT 1"))
        postgres.run_sql(_KILL.format(store.name))
        db.execute(text("SELECT 2"))

    def killed_at_its_end(db) -> None:
        db.execute(text("SELECT 1"))
        postgres.run_sql(_KILL.format(store.name))

    ask = getattr(store, how)
    slow = run("SET statement_timeout = '30ms'", "SELECT pg_sleep(2)")
    # A read has its answer before the end, and needs no farewell from the server.
    at_its_end = pytest.raises(RecordsDown) if how == "write" else nullcontext()
    for work, ends in (
        (killed_at_work, pytest.raises(RecordsDown)),
        (killed_at_its_end, at_its_end),
        (slow, pytest.raises(RecordsDown)),
    ):
        with ends:
            await ask(work)
        assert await ask(run("SELECT 1")) == 1
    with pytest.raises(ProgrammingError):
        await ask(run("SELEC"))
    with pytest.raises(ZeroDivisionError):
        await ask(lambda db: 1 / 0)


async def test_a_lock_that_others_hold_is_records_down(store) -> None:
    await store.write(lambda db: db.execute(text("CREATE TABLE one (id int)")))
    held, free = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with open_engine(store.url).begin() as db:
            await db.execute(text("LOCK TABLE one"))
            held.set()
            await free.wait()

    holder = asyncio.create_task(hold())
    await held.wait()
    with pytest.raises(RecordsDown, match="lock timeout"):
        await store.write(run("SET LOCAL lock_timeout = '50ms'", "SELECT count(*) FROM one"))
    free.set()
    await holder


async def test_no_connection_to_be_had_is_records_down(
    store, postgres: RealPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.storage.postgres_batch._WAIT_S", 2.0)
    # Two lanes: each comes to four or five of these before the others have waited two seconds.
    asked = [store.read(run("SELECT pg_sleep(0.5)")) for _ in range(20)]
    ends = await asyncio.gather(*asked, return_exceptions=True)
    late = [end for end in ends if isinstance(end, RecordsDown)]
    assert 5 <= len(late) <= 15 and {type(end) for end in ends} == {type(None), RecordsDown}
    postgres.run_sql(f"CREATE ROLE plain_{store.name} LOGIN")
    postgres.run_sql(f"ALTER DATABASE {store.name} CONNECTION LIMIT 0")
    url = f"postgresql://plain_{store.name}@127.0.0.1:{postgres.port}/{store.name}"
    full, nobody = PostgresRecords(url), PostgresRecords("postgresql://a@127.0.0.1:1/a")
    for records in (full, nobody):
        for ask in (records.read, records.write):
            with pytest.raises(RecordsDown):
                await ask(run("SELECT 1"))
        await records.close()


async def test_a_server_that_is_full_serves_who_is_connected(store, postgres: RealPostgres) -> None:
    postgres.run_sql(f"CREATE ROLE few_{store.name} LOGIN CONNECTION LIMIT 1")
    url = f"postgresql://few_{store.name}@127.0.0.1:{postgres.port}/{store.name}"
    records = PostgresRecords(url)
    assert await records.read(run("SELECT 1")) == 1
    # More than one lane is wanted, and only the first has a connection.
    for _round in range(3):
        asked = [records.read(run("SELECT pg_sleep(0.01)")) for _ in range(20)]
        assert await asyncio.gather(*asked, return_exceptions=True) == [None] * 20
        # Whoever looks for a sign of life now finds the server full and nobody being served.
        await records._breaker._find_out()
        assert not records._breaker.why
    assert await records.read(run("SELECT 1")) == 1
    await records.close()


async def begun(records: PostgresRecords, takes_s: float) -> asyncio.Task[None]:
    """Some work that takes long, once it is under way."""
    under_way = asyncio.Event()

    def work(db) -> None:
        under_way.set()
        db.execute(text(f"SELECT pg_sleep({takes_s})"))

    task = asyncio.create_task(records.write(work))
    await under_way.wait()
    return task


async def test_a_hop_does_not_wait_for_what_takes_long_while_a_connection_is_to_be_had(
    store,
) -> None:
    long = await begun(store, 2)
    assert await store.read(run("SELECT 1")) == 1
    assert not long.done()
    await long


async def test_who_waits_is_served_by_whichever_connection_is_free_first(
    store, monkeypatch: pytest.MonkeyPatch
) -> None:
    long, usual, may_connect = await begun(store, 0.3), store._connection, asyncio.Event()

    async def slow():
        await may_connect.wait()
        return await usual()

    monkeypatch.setattr(store, "_connection", slow)
    try:
        async with asyncio.timeout(4):
            assert await store.read(run("SELECT 1")) == 1
    finally:
        may_connect.set()
    await long


async def test_a_server_without_another_connection_serves_on_those_that_there_are(
    store, postgres: RealPostgres
) -> None:
    postgres.run_sql(f"CREATE ROLE one_{store.name} LOGIN CONNECTION LIMIT 1")
    url = f"postgresql://one_{store.name}@127.0.0.1:{postgres.port}/{store.name}"
    records = PostgresRecords(url)
    long = await begun(records, 0.5)
    asked = [records.read(run("SELECT 1")) for _ in range(9)]
    assert await asyncio.gather(*asked) == [1] * 9
    await long
    await records.close()


async def test_a_second_connection_that_does_not_come_keeps_nobody_from_the_first(
    store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent():
        raise TimeoutError

    long = await begun(store, 0.3)
    monkeypatch.setattr(store, "_connection", silent)
    asked = [store.read(run("SELECT 1")) for _ in range(9)]
    assert await asyncio.gather(*asked) == [1] * 9
    await long


async def test_the_server_outlives_the_end_of_every_connection(
    tmp_path: Path, postgres: RealPostgres
) -> None:
    url = postgres.new_database()
    async with running(tmp_path, ISOKO_DATABASE_URL=url) as server:
        for _time in range(8):
            postgres.run_sql(_KILL.format(url.rpartition("/")[2]))
            await asyncio.sleep(0.15)
        assert not [name for name, task in server.parts.work.items() if task.done()]
        async with server.client.get("/readyz") as response:
            assert response.status == 200
        await server.phone(FARMER).dials()
