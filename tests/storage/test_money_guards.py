"""M-16, B-06: money as the databases themselves take it: whole francs, in a currency we know."""

import pytest
from sqlalchemy import insert, select, text, update

from bot.storage.schema import bills, bookings, metadata, offers, orders, payments, rates, sales
from bot.storage.schema.columns import Francs
from tests.market.money import pay, person

FRACTIONS = [0.01, 2.5, -0.5, 4_999_999.5, "2.5", b"5"]
# What SQLite says, or PostgreSQL, or its driver.
REFUSED = r"whole francs|NOT NULL|CHECK|check constraint|invalid input"
AROUND_US = "UPDATE payments SET {} = :amount"


def store(db) -> str:
    return db.dialect.name


def a_bill(db, now, **changed):
    row = {"contact_id": person(db, now), "order_code": "KW-1", "amount_rwf": 1_000, "by": "x",
           "asked_at": now}  # fmt: skip
    return db.execute(insert(bills).values(row | changed))


def a_sale(db, now, **changed):
    row = {"contact_id": person(db, now), "buyer_msisdn": "+250788777001", "amount_rwf": 1_000,
           "what_for": "honey", "key": "k", "asked_at": now}  # fmt: skip
    return db.execute(insert(sales).values(row | changed))


def a_payment(db, now, **changed):
    made = pay(db, person(db, now), now, 1_000)
    row = dict(db.execute(select(payments).where(payments.c.id == made.id)).mappings().one())
    del row["id"]
    again = {"reference": "r2", "callback_token": "t2", "proof_code": "p2"}
    return db.execute(insert(payments).values(row | again | changed))


@pytest.mark.parametrize("make", [a_bill, a_sale, a_payment])
async def test_M16_the_table_itself_takes_no_amount_that_may_not_be(records, now, make) -> None:
    for amount in (*FRACTIONS, float("nan"), True, 0, -5, 5_000_001):
        with pytest.raises(Exception, match=REFUSED):
            await records.write(lambda db, amount=amount: make(db, now, amount_rwf=amount))
    await records.write(lambda db: make(db, now))


async def test_M16_a_row_that_is_there_is_not_changed_to_one(records, now) -> None:
    await records.write(lambda db: pay(db, person(db, now), now, 1_000))
    for column in ("amount_rwf", "fee_rwf", "moved_rwf"):
        for amount in FRACTIONS:
            change = update(payments).values({column: amount})
            with pytest.raises(Exception, match=REFUSED):
                await records.write(lambda db, change=change: db.execute(change))
    query = select(payments.c.amount_rwf, payments.c.fee_rwf, payments.c.moved_rwf)
    assert await records.read(lambda db: db.execute(query).all()) == [(1_000, 0, None)]


async def test_M16_sqlite_itself_refuses_a_fraction_of_whoever_writes(records, now) -> None:
    """Without our columns' own check, as another program would; PostgreSQL's type has no fraction."""
    await records.write(lambda db: pay(db, person(db, now), now, 1_000))
    if await records.read(store) != "sqlite":
        return
    for column in ("amount_rwf", "fee_rwf", "moved_rwf"):
        for amount in FRACTIONS:
            edit = text(AROUND_US.format(column)).bindparams(amount=amount)
            with pytest.raises(Exception, match=REFUSED):
                await records.write(lambda db, edit=edit: db.execute(edit))


async def test_M16_a_payment_in_another_currency_is_refused_by_the_table(records, now) -> None:
    await records.write(lambda db: pay(db, person(db, now), now, 1_000))
    for currency in ("USD", "rwf", "", "FRW", "XAF"):
        with pytest.raises(Exception, match="currency"):
            await records.write(lambda db, c=currency: a_payment(db, now, currency=c))
        change = update(payments).values(currency=currency)
        with pytest.raises(Exception, match="currency"):
            await records.write(lambda db, change=change: db.execute(change))


async def test_M16_a_rate_is_of_a_currency_by_its_three_letters(records, now) -> None:
    good = {"currency": "USD", "day": now.date(), "micro_rwf": 5, "source": "x",
            "entered_at": now}  # fmt: skip
    for currency in ("usd", "U$D", "", "US"):
        row = insert(rates).values(good | {"currency": currency})
        with pytest.raises(Exception, match="currency"):
            await records.write(lambda db, row=row: db.execute(row))
    with pytest.raises(Exception, match=REFUSED):
        await records.write(lambda db: db.execute(insert(rates).values(good | {"micro_rwf": 0.5})))
    await records.write(lambda db: db.execute(insert(rates).values(good)))


async def test_M16_no_column_of_money_is_left_out(records) -> None:
    """A new one fails here until `money_guards` has it, or its own guard."""
    money = [c for t in metadata.sorted_tables for c in t.columns if c.name.endswith("_rwf")]
    assert len(money) >= 16 and {bookings, offers, orders, payments} <= {c.table for c in money}
    # On PostgreSQL the type itself holds no fraction.
    assert all(isinstance(column.type, Francs) for column in money)
    if await records.read(store) == "postgresql":
        return
    query = text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table")
    for column in money:
        t = {"table": column.table.name}
        found = await records.read(lambda db, t=t: db.execute(query, t).scalars().all())
        watching = [sql for sql in found if f"typeof(NEW.{column.name})" in sql]
        verbs = {verb for verb in ("INSERT", "UPDATE") for sql in watching if verb in sql}
        # The ledger's lines are never changed at all.
        assert verbs == {"INSERT"} | ({"UPDATE"} if column.table.name != "ledger_lines" else set())


async def test_M16_a_fraction_written_into_the_statement_itself(records, now) -> None:
    """SQLite refuses it; PostgreSQL rounds it before any check sees it, so it is whole there too."""
    await records.write(lambda db: pay(db, person(db, now), now, 1_000))

    def edit(db) -> None:
        db.execute(text("UPDATE payments SET amount_rwf = 2.5"))

    query = text("SELECT amount_rwf FROM payments")
    if await records.read(store) == "sqlite":
        with pytest.raises(Exception, match="whole francs"):
            await records.write(edit)
        assert await records.read(lambda db: db.execute(query).scalar()) == 1_000
        return
    await records.write(edit)
    kept = await records.read(lambda db: db.execute(query).scalar())
    assert isinstance(kept, int)
