"""The statements of every hop: the same answers on both stores, and none that reads a whole table."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Select, Update, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from bot.market import people, tickets
from bot.storage import hops, telegram_updates
from bot.storage.opening import open_records, upgrade
from bot.storage.prepared import Prepared, PreparedRow
from bot.storage.records import Records
from bot.storage.schema import contacts

ASKED_IN_A_HOP = [
    one
    for module in (hops, people, tickets, telegram_updates)
    for one in vars(module).values()
    if isinstance(one, Prepared) and isinstance(one.statement, Select | Update)
]


@pytest.mark.parametrize("prepared", ASKED_IN_A_HOP)
async def test_no_hop_reads_a_whole_table(prepared: Prepared, tmp_path: Path) -> None:
    await upgrade("", tmp_path)
    records = await open_records("", tmp_path)

    def explain(db: Connection) -> list[Any]:
        sql = str(prepared.statement.compile(dialect=db.dialect))
        nothing = ("",) * sql.count("?")
        return list(db.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", nothing).fetchall())

    plan = await records.read(explain)
    await records.close()
    assert plan and all("SCAN" not in row[3] for row in plan), plan
    # Thousands of tickets are open at once: to go through them is to read a whole table.
    assert all("(state=?" not in row[3] for row in plan), plan


_KEPT = {
    "msisdn": "+250788000777",
    "language": "fr",
    "created_at": datetime(2026, 11, 24, tzinfo=UTC),
}
_add = Prepared(insert(contacts), *_KEPT)
_find = Prepared(
    select(contacts.c.language).where(contacts.c.msisdn == bindparam("msisdn")), "msisdn"
)


async def test_a_prepared_statement_answers_alike_on_both_stores(records: Records) -> None:
    await records.write(lambda db: _add.run(db, _KEPT))
    found = await records.read(lambda db: _find.one(db, _KEPT["msisdn"]))
    nobody = await records.read(lambda db: _find.one(db, "+250788000778"))

    assert found is not None and tuple(found) == ("fr",)
    assert nobody is None


async def test_a_prepared_statement_fails_alike_on_both_stores(records: Records) -> None:
    await records.write(lambda db: _add.run(db, _KEPT))

    with pytest.raises(IntegrityError):
        await records.write(lambda db: _add.run(db, _KEPT))


async def test_who_writes_a_row_hears_of_it_alike_on_both_stores(records: Records) -> None:
    names = tuple(_KEPT)
    add = {
        "sqlite": PreparedRow(sqlite.insert(contacts).on_conflict_do_nothing(), *names),
        "postgresql": PreparedRow(postgresql.insert(contacts).on_conflict_do_nothing(), *names),
    }
    number = contacts.c.msisdn == bindparam("whose")
    name = bindparam("new", type_=contacts.c.language.type)
    change = PreparedRow(update(contacts).where(number).values(language=name), "whose", "new")

    def work(db: Connection) -> list[object]:
        one = add[db.dialect.name]
        first, again = one.id_of(db, *_KEPT.values()), one.id_of(db, *_KEPT.values())
        other = one.id_of(db, "+250788000778", *list(_KEPT.values())[1:])
        whose = db.execute(select(contacts.c.id).order_by(contacts.c.id)).scalars().all()
        return [
            *([first, other] == list(whose), again),
            *(change.has_written(db, who, "en") for who in ("+250788000777", "+250788000779")),
            one.has_written(db, *_KEPT.values()),
        ]

    assert await records.write(work) == [True, 0, True, False, False]
