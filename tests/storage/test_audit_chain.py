"""The audit's chain: what was written is sealed, and whoever changes it is found out."""

import asyncio

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from bot.storage import audit_chain
from bot.storage.records import Records
from bot.storage.schema import audit, audit_seals


async def ten_lines(records: Records, now) -> None:
    def write(db) -> None:
        for n in range(10):
            line = {"at": now, "actor": "amina", "action": "looked", "subject": f"contact {n}"}
            db.execute(insert(audit).values(line | {"details": {"why": "é", "n": n}}))
        audit_chain.seal(db)

    await records.write(write)


async def by_sql(records: Records, statement) -> None:
    """As who holds the database does it, its guards switched off."""

    def work(db) -> None:
        if db.dialect.name == "postgresql":
            db.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            for verb in ("update", "delete"):
                for table in ("audit", "audit_seals"):
                    db.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_{verb}"))
        db.execute(statement)

    await records.write(work)


async def test_L05_lines_that_nobody_touched_are_right(records, now) -> None:
    await ten_lines(records, now)
    chain = await audit_chain.check(records)
    assert (chain.lines, chain.wrong, chain.unsealed) == (10, "", 0) and len(chain.head) == 64
    # Nothing is sealed twice, and what comes later hangs on what was there.
    assert await records.write(audit_chain.seal) == 0
    await ten_lines(records, now)
    after = await audit_chain.check(records)
    assert after.lines == 20 and after.head != chain.head


@pytest.mark.parametrize(
    "column, value",
    [("actor", "eric"), ("action", "x"), ("subject", "contact 99"), ("details", {"n": 4})],
)
async def test_L05_a_changed_line_is_named(records, now, column, value) -> None:
    await ten_lines(records, now)
    await by_sql(records, update(audit).where(audit.c.id == 4).values({column: value}))
    chain = await audit_chain.check(records)
    assert (chain.bad_id, chain.wrong) == (4, "changed")


async def test_L05_the_first_of_several_is_named(records, now) -> None:
    await ten_lines(records, now)
    await by_sql(records, delete(audit).where(audit.c.id == 7))
    chain = await audit_chain.check(records)
    assert (chain.bad_id, chain.wrong) == (7, "removed")
    await by_sql(records, update(audit).where(audit.c.id == 3).values(actor="eric"))
    assert (await audit_chain.check(records)).bad_id == 3


async def test_L05_a_line_whose_seal_went_with_it_is_missed(records, now) -> None:
    await ten_lines(records, now)
    await by_sql(records, delete(audit).where(audit.c.id == 5))
    await by_sql(records, delete(audit_seals).where(audit_seals.c.audit_id == 5))
    chain = await audit_chain.check(records)
    # The next one hangs on a digest that is not there any more.
    assert (chain.bad_id, chain.wrong) == (6, "changed")


@pytest.mark.parametrize("table", [audit, audit_seals])
async def test_L05_the_server_itself_can_only_add(records, now, table) -> None:
    await ten_lines(records, now)
    one = table.c.id == 2
    values = {"actor": "eric"} if table is audit else {"digest": "0" * 64}
    for statement in (update(table).where(one).values(values), delete(table).where(one)):
        with pytest.raises(DBAPIError):
            await records.write(lambda db, todo=statement: db.execute(todo))
    assert await records.read(lambda db: len(db.execute(select(table.c.id)).all())) == 10


async def test_L05_another_role_of_postgres_may_not_even_ask(records, now) -> None:
    if not await records.read(lambda db: db.dialect.name == "postgresql"):
        return
    query = text(
        "SELECT privilege_type FROM information_schema.role_table_grants "
        "WHERE table_name = 'audit' AND grantee = current_user"
    )
    rights = set(await records.read(lambda db: db.execute(query).scalars().all()))
    assert "INSERT" in rights and not rights & {"UPDATE", "DELETE", "TRUNCATE"}


async def test_lines_that_are_committed_late_are_sealed_too(records, now) -> None:
    await ten_lines(records, now)
    late = {"id": 1000, "at": now, "actor": "a", "action": "b", "subject": "c", "details": {}}
    await records.write(lambda db: db.execute(insert(audit).values(late)))
    await records.write(audit_chain.seal)
    await records.write(lambda db: db.execute(insert(audit).values(late | {"id": 500})))
    assert (await audit_chain.check(records)).unsealed == 1
    assert await records.write(audit_chain.seal) == 1
    chain = await audit_chain.check(records)
    assert (chain.lines, chain.unsealed, chain.wrong) == (12, 0, "")


async def test_a_check_lets_others_have_their_turn(records, now, monkeypatch) -> None:
    await ten_lines(records, now)
    monkeypatch.setattr(audit_chain, "AT_ONCE", 1)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.001)

    other = asyncio.create_task(count())
    chain = await audit_chain.check(records)
    other.cancel()
    assert chain.lines == 10 and turns >= 10


async def test_a_patrol_finds_what_is_wrong_and_stays_there(records, now, monkeypatch) -> None:
    await ten_lines(records, now)
    monkeypatch.setattr(audit_chain, "AT_ONCE", 4)
    patrol = audit_chain.Patrol()
    assert [await records.read(patrol.step) for _lot in range(7)] == [0] * 7
    await by_sql(records, update(audit).where(audit.c.id == 6).values(actor="eric"))
    found = [await records.read(patrol.step) for _lot in range(6)]
    assert found[-3:] == [6, 6, 6]
    await by_sql(records, update(audit).where(audit.c.id == 6).values(actor="amina"))
    assert [await records.read(patrol.step) for _lot in range(4)] == [0] * 4
