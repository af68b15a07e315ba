"""Tables with rows in them are brought up to date as well as empty ones; on both databases."""

import pytest
from alembic import command
from sqlalchemy import text

from bot.storage.opening import config_for, open_records, upgrade
from bot.storage.sqlite import open_engine
from tests.real_postgres import RealPostgres

_REFERENCE = "0b6c1f4e-3a52-4f0e-9d0c-5b1f6e0a7c11"
_ROWS = (
    "INSERT INTO contacts (id, msisdn, names, district, language, role, crop, wallet, created_at) "
    "VALUES (1, '+250788000001', 'F', 'Gakenke', 'rw', 'farmer', 'coffee', '+250788000001', 'NOW')",
    "INSERT INTO payments (id, reference, callback_token, direction, contact_id, order_code, provider, "
    f"payee_msisdn, amount_rwf, currency, proof_code, created_at) VALUES (1, '{_REFERENCE}', 't', "
    "'payout', 1, 'KW-1', 'airtel-money', '+250788000001', 1000, 'RWF', 'p', 'NOW')",
    "INSERT INTO outbox (id, kind, dedupe_key, payload, due_at, written_at) "
    f"VALUES (1, 'payout', 'payout:{_REFERENCE}:3', '[]', 'NOW', 'NOW')",
    "INSERT INTO outbox (id, kind, dedupe_key, payload, due_at, written_at) "
    "VALUES (2, 'sms', 'money:x', '[]', 'NOW', 'NOW')",
)


def _older(db) -> None:
    command.upgrade(config_for(db), "0004")
    for row in _ROWS:
        db.exec_driver_sql(row.replace("NOW", "2026-11-24 09:00:00+00:00"))


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
async def test_a_payout_that_waits_still_knows_its_operator(
    tmp_path, postgres: RealPostgres, store: str
) -> None:
    url = postgres.new_database() if store == "postgres" else ""
    if url:
        records = await open_records(url, tmp_path)
        await records.write(_older)
        await records.close()
    else:
        engine = open_engine(tmp_path / "isoko.sqlite3")
        with engine.begin() as db:
            db.exec_driver_sql("BEGIN IMMEDIATE")
            _older(db)
        engine.dispose()
    await upgrade(url, tmp_path)
    records = await open_records(url, tmp_path)
    query = text("SELECT via FROM outbox ORDER BY id")
    assert await records.read(lambda db: list(db.execute(query).scalars())) == ["airtel-money", ""]
    await records.close()
