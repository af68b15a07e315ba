"""O-06: each step of the tables goes back and forward with rows in them; on both databases."""

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from bot.market import Actor, bills, books, collecting, outages, people, settlement, wallet_changes
from bot.market.outages import OutageRules
from bot.payments.provider import Answer, Outcome
from bot.storage.opening import _MIGRATIONS, config_for, open_records, revision_of, upgrade
from bot.storage.sqlite import open_engine
from tests.market import bills as owing
from tests.market.money import PAYEE, pay, person
from tests.real_postgres import RealPostgres
from tests.server import running

_LEFT = ("contacts", "orders", "offers", "payments", "ledger_entries", "ledger_lines", "bills")

_EDIT = text("UPDATE payment_approvals SET digest = 'x'")


def _of_every_kind(db, now) -> None:
    """A payout under way and one held, a collection paid and given back, an outage."""
    paid = owing.collected(db, now)
    collecting.refund(db, paid.reference, now)
    bills.ask(db, contact_id=paid.contact_id, order_code="KW-77", amount_rwf=5_000, why="",
              by="amina", now=now)  # fmt: skip
    other = person(db, now, "+250788000777")
    sent = pay(db, other, now)
    settlement.record_asked(db, sent.reference, Answer(Outcome.ACCEPTED), now)
    actor = Actor("contact", "ussd", "key-9", other)
    wallet_changes.change(db, actor, "+250788000778", "", now)
    pay(db, other, now, 9_000, payee_msisdn="+250788000778")
    nobody = Answer(Outcome.UNKNOWN, "HTTP 503", down=True)
    outages.judge(db, "mtn-momo:in", "x", nobody, OutageRules(failures=1), now)


def _counted(db) -> dict[str, int]:
    there = set(inspect(db).get_table_names())
    return {name: db.execute(text(f"SELECT count(*) FROM {name}")).scalar()
            for name in _LEFT if name in there}  # fmt: skip


async def _on_tables(url: str, folder, work):
    """Run `work` in one transaction, with the tables at whatever revision they are."""
    if url:
        records = await open_records(url, folder)
        try:
            return await records.write(work)
        finally:
            await records.close()
    engine = open_engine(folder / "isoko.sqlite3")
    try:
        with engine.begin() as db:
            db.exec_driver_sql("BEGIN IMMEDIATE")
            return work(db)
    finally:
        engine.dispose()


def _back_and_forward(db, revision: str) -> dict[str, int]:
    """One step back, forward and back again; what is left then."""
    for step in (command.downgrade, command.upgrade, command.downgrade):
        to = revision if step is command.upgrade else "-1"
        step(config_for(db), to)
    return _counted(db)


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
async def test_O06_every_step_goes_back_and_forward_with_rows(
    tmp_path, postgres: RealPostgres, now, store: str
) -> None:
    url = postgres.new_database() if store == "postgres" else ""
    # The whole demo: people, orders, offers, prices, visits, bills.
    async with running(tmp_path, **({"ISOKO_DATABASE_URL": url} if url else {})) as server:
        await server.parts.market.records.write(lambda db: _of_every_kind(db, now))
        had = await server.parts.market.records.read(_counted)
    steps = [one.revision for one in ScriptDirectory(str(_MIGRATIONS)).walk_revisions()]
    assert steps[-1] == "0001"
    for revision in steps[:-1]:
        left = await _on_tables(url, tmp_path, lambda db, r=revision: _back_and_forward(db, r))
        assert left == had, revision
    assert await _on_tables(url, tmp_path, revision_of) == "0001"
    await upgrade(url, tmp_path)
    records = await open_records(url, tmp_path)
    try:
        assert await records.read(_counted) == had
        assert (await records.read(books.check)).faults == []
        # Numbers go on where they were: a new bill owes under a cause of its own.
        whose = await records.read(lambda db: people.by_msisdn(db, PAYEE).id)
        again = await records.write(lambda db: bills.ask(
            db, contact_id=whose, order_code="KW-77", amount_rwf=700, why="", by="x", now=now,
            again=True))  # fmt: skip
        # What was approved is closed again, to everybody.
        with pytest.raises(Exception, match=r"append-only|permission denied"):
            await records.write(lambda db: db.execute(_EDIT))
        assert again.amount_rwf == 700 and (await records.read(books.check)).faults == []
    finally:
        await records.close()


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
async def test_O06_a_withdrawn_bill_is_not_asked_for_by_the_version_before(
    tmp_path, postgres: RealPostgres, now, store: str
) -> None:
    url = postgres.new_database() if store == "postgres" else ""
    async with running(tmp_path, **({"ISOKO_DATABASE_URL": url} if url else {})) as server:

        def work(db) -> None:
            failed = owing.collected(db, now, Outcome.REFUSED, reason="EXPIRED")
            (left,) = bills.to_pay(db, failed.contact_id)
            outcome, _bill = bills.withdraw(db, left.id, "asked twice", "amina", now)
            assert outcome == "withdrawn"

        await server.parts.market.records.write(work)
        had = await server.parts.market.records.read(_counted)

    def back(db) -> dict[str, int]:
        command.downgrade(config_for(db), "0010")
        return _counted(db)

    left = await _on_tables(url, tmp_path, back)
    assert left == had | {"bills": had["bills"] - 1}
    await upgrade(url, tmp_path)
    records = await open_records(url, tmp_path)
    try:
        assert (await records.read(books.check)).faults == []
    finally:
        await records.close()
