"""The books checked against themselves and against the payments, on both stores."""

import asyncio
from datetime import datetime

import pytest
from sqlalchemy import update

from bot.market import books, ledger
from bot.payments.provider import Outcome
from bot.storage.records import Records
from bot.storage.schema import payments as payment_rows
from tests.market.money import pay, person, settle


async def life(records: Records, now: datetime) -> None:
    """Payments that arrived, failed, were flagged and are under way."""

    def write(db) -> None:
        contact_id = person(db, now)
        for outcome in (Outcome.SUCCEEDED, Outcome.REFUSED, Outcome.PENDING):
            settle(db, pay(db, contact_id, now, 10_000), now, outcome)
        settle(db, pay(db, contact_id, now, 20_000), now, fee_rwf=250)
        settle(db, pay(db, contact_id, now, 30_000), now, amount_rwf=31_000, fee_rwf=100)
        pay(db, contact_id, now, 40_000)

    await records.write(write)


async def test_the_books_of_every_stage_are_right(records: Records, now: datetime) -> None:
    await life(records, now)
    found = await records.read(books.check)
    assert found.faults == [] and found.payments == 6
    assert found.balances == {
        ledger.HUB_FLOAT: -61_350, ledger.FEES: 350, ledger.SALES: 110_000,
        ledger.SUSPENSE: 31_000, "farmer_payable": -80_000,
    }  # fmt: skip
    assert sum(found.balances.values()) == 0


async def test_M04_money_of_another_amount_stands_in_suspense_and_the_debt_stays(
    records: Records, now: datetime
) -> None:
    def write(db) -> int:
        contact_id = person(db, now)
        flagged = settle(db, pay(db, contact_id, now), now, amount_rwf=61_000)
        assert flagged.state == "flagged"
        return contact_id

    contact_id = await records.write(write)
    assert await records.read(lambda db: ledger.balance(db, ledger.SUSPENSE)) == 61_000
    owed = await records.read(lambda db: ledger.balance(db, ledger.payable(contact_id)))
    assert owed == -60_000


@pytest.mark.parametrize(("where", "values", "said"), [
    ({"amount_rwf": 20_000}, {"amount_rwf": 21_000}, "20000 Frw posted to payable, should be 21000"),
    ({"amount_rwf": 20_000}, {"fee_rwf": 0}, "posted to float"),
    ({"amount_rwf": 20_000}, {"state": "failed"}, "is failed, but the ledger holds it as succeeded"),
    ({"amount_rwf": 20_000}, {"state": "sent"}, "80000 Frw owed, but payments of"),
    ({"amount_rwf": 40_000}, {"state": "succeeded"}, "has no entry 'succeeded'"),
    ({"amount_rwf": 40_000}, {"payee_msisdn": "+250788000099"}, "is not what was approved"),
    ({"amount_rwf": 40_000}, {"reference": "x" * 36}, "a payment that is not there"),
])  # fmt: skip
async def test_a_payment_that_is_not_as_posted_is_found(
    records: Records, now: datetime, where: dict, values: dict, said: str
) -> None:
    await life(records, now)
    rows = update(payment_rows).filter_by(**where).values(values)
    await records.write(lambda db: db.execute(rows))
    faults = (await records.read(books.check)).faults
    assert faults and all(fault.remedy for fault in faults)
    assert any(said in fault.what for fault in faults), faults


async def test_the_books_are_those_of_one_moment(records: Records, now: datetime) -> None:
    """Payments settle while the books are checked again and again: no fault is imagined."""
    contact_id = await records.write(lambda db: person(db, now))
    made = [await records.write(lambda db: pay(db, contact_id, now, 1_000)) for _ in range(30)]

    async def settle_all() -> None:
        for payment in made:
            await records.write(lambda db, p=payment: settle(db, p, now))

    work = asyncio.create_task(settle_all())
    while not work.done():
        assert (await records.read(books.check)).faults == []
        await asyncio.sleep(0)
    await work
