"""The ledger as the databases themselves keep it: whoever asks, and however."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from bot.market import books, ledger
from bot.storage.opening import config_for, open_records, sqlite_path, upgrade
from bot.storage.schema import ledger_entries, ledger_lines
from bot.storage.sqlite import open_engine
from tests.market.money import pay, person, settle
from tests.real_postgres import RealPostgres

OFF = r"sum to zero|FOREIGN KEY|foreign key"


def entry(db, number: int, amounts: list[int], now, seal: bool = True) -> None:
    """An entry as somebody would write it who does not use `ledger.post`."""
    for amount_rwf in amounts:
        row = {"entry_id": number, "account": "suspense", "amount_rwf": amount_rwf}
        db.execute(insert(ledger_lines).values(row))
    if seal:
        db.execute(insert(ledger_entries).values(id=number, cause=f"c{number}", at=now))


async def test_an_entry_that_sums_to_zero_is_taken_once(records, now) -> None:
    lines = [("suspense", 5), ("fees", -5)]
    post = [await records.write(lambda db: ledger.post(db, "x", lines, now)) for _ in range(2)]
    assert post == [True, False]
    found = await records.read(books.check)
    assert (found.entries, found.lines, found.faults) == (1, 2, [])


@pytest.mark.parametrize("amounts", [[5, -4], [5], [], [2**40, -1]])
async def test_I06_the_database_itself_refuses_an_entry_that_is_off(records, now, amounts) -> None:
    with pytest.raises(Exception, match=OFF):
        await records.write(lambda db: entry(db, 7, amounts, now))
    assert (await records.read(books.check)).entries == 0


async def test_I06_lines_without_an_entry_cannot_be_committed(records, now) -> None:
    with pytest.raises(Exception, match=OFF):
        await records.write(lambda db: entry(db, 7, [5, -5], now, seal=False))
    assert (await records.read(books.check)).lines == 0


async def test_I06_a_sealed_entry_takes_no_more_lines(records, now) -> None:
    await records.write(lambda db: entry(db, 7, [5, -5], now))
    with pytest.raises(Exception, match="sealed"):
        await records.write(lambda db: entry(db, 7, [3, -3], now, seal=False))


@pytest.mark.parametrize("statement", [
    "UPDATE ledger_lines SET amount_rwf = amount_rwf * 2", "DELETE FROM ledger_lines",
    "UPDATE ledger_entries SET cause = 'y'", "DELETE FROM ledger_entries",
])  # fmt: skip
async def test_I06_what_is_written_stays(records, now, statement: str) -> None:
    await records.write(lambda db: entry(db, 7, [5, -5], now))
    with pytest.raises(Exception, match="append-only"):
        await records.write(lambda db: db.execute(text(statement)))


async def test_sqlite_cannot_replace_a_line_or_take_a_fraction(tmp_path: Path, now) -> None:
    await upgrade("", tmp_path)
    store = await open_records("", tmp_path)
    await store.write(lambda db: entry(db, 7, [5, -5], now))
    await store.close()
    with sqlite3.connect(sqlite_path(tmp_path)) as db:
        for statement in (
            "INSERT OR REPLACE INTO ledger_lines VALUES (1, 8, 'suspense', 9)",
            "INSERT OR REPLACE INTO ledger_entries VALUES (9, 'c7', '2026-01-01')",
            "INSERT INTO ledger_lines VALUES (20, 8, 'suspense', 0.5)",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                db.execute(statement)


async def test_postgres_takes_the_rights_from_an_owner_and_refuses_truncate(
    postgres: RealPostgres, now
) -> None:
    url = postgres.new_database()
    name = url.rpartition("/")[2]
    postgres.run_sql(f"CREATE ROLE owner_{name} LOGIN")
    postgres.run_sql(f"ALTER DATABASE {name} OWNER TO owner_{name}")
    as_owner = url.replace("isoko@", f"owner_{name}@")
    await upgrade(as_owner, Path())
    store = await open_records(as_owner, Path())
    await store.write(lambda db: ledger.post(db, "x", [("suspense", 5), ("fees", -5)], now))
    for statement in ("UPDATE ledger_lines SET account = 'x'", "DELETE FROM ledger_entries",
                      "TRUNCATE payment_events"):  # fmt: skip
        with pytest.raises(Exception, match="permission denied"):
            await store.write(lambda db, s=statement: db.execute(text(s)))
    await store.close()
    almighty = await open_records(url, Path())
    with pytest.raises(Exception, match="append-only"):
        await almighty.write(lambda db: db.execute(text("TRUNCATE ledger_lines")))
    await almighty.close()


async def test_postgres_can_be_served_by_a_role_that_owns_nothing(
    postgres: RealPostgres, now
) -> None:
    url = postgres.new_database()
    role = f"server_{url.rpartition('/')[2]}"
    postgres.run_sql(f"CREATE ROLE {role} LOGIN")
    await upgrade(url, Path())
    owner = await open_records(url, Path())
    page = Path("docs/operations.md").read_text(encoding="utf-8")
    for statement in page.partition("```sql")[2].partition("```")[0].split(";")[:3]:
        sql = text(statement.replace("isoko_server", role))
        await owner.write(lambda db, s=sql: db.execute(s))
    store = await open_records(url.replace("isoko@", f"{role}@"), Path())
    await store.write(lambda db: settle(db, pay(db, person(db, now), now), now))
    assert (await store.read(books.check)).faults == []
    for statement in ("DROP TRIGGER ledger_lines_no_update ON ledger_lines",
                      "DELETE FROM payment_approvals"):  # fmt: skip
        with pytest.raises(Exception, match=r"must be owner|permission denied"):
            await store.write(lambda db, s=statement: db.execute(text(s)))
    await store.close()
    await owner.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_the_step_can_be_taken_back_and_again_with_entries_in_the_books(
    kind: str, tmp_path: Path, postgres: RealPostgres, now
) -> None:
    url = postgres.new_database() if kind == "postgres" else ""
    await upgrade(url, tmp_path)
    store = await open_records(url, tmp_path)
    await store.write(lambda db: entry(db, 7, [5, -5], now))
    if url:
        await store.write(step_back)
    else:
        engine = open_engine(sqlite_path(tmp_path))
        with engine.begin() as db:
            db.exec_driver_sql("BEGIN IMMEDIATE")
            step_back(db)
        engine.dispose()
    await upgrade(url, tmp_path)
    with pytest.raises(Exception, match="sealed"):
        await store.write(lambda db: entry(db, 7, [3, -3], now, seal=False))
    assert (await store.read(books.check)).lines == 2
    await store.close()


def step_back(db) -> None:
    from alembic import command

    command.downgrade(config_for(db), "0002")
