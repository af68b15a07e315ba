"""The statement: the newest payments, and the sum of all."""

from datetime import datetime

from sqlalchemy import update

from bot.market import payments, people
from bot.payments.provider import Outcome
from bot.storage.records import Records
from bot.storage.schema import payments as payment_rows
from tests.market.money import pay, person, settle
from tests.phone import PIN
from tests.server import FARMER, Running


async def test_the_total_is_of_all_payments_not_of_those_listed(
    records: Records, now: datetime
) -> None:
    def write(db) -> int:
        contact_id, other = person(db, now), person(db, now, "+250788000002")
        for number in range(12):
            settle(db, pay(db, contact_id, now, 1_000 + number), now)
        settle(db, pay(db, contact_id, now, 50), now, Outcome.REFUSED)
        pay(db, contact_id, now, 70)
        settle(db, pay(db, other, now, 90), now)
        return contact_id

    contact_id = await records.write(write)
    assert len(await records.read(lambda db: payments.statement(db, contact_id))) == 9
    total = await records.read(lambda db: payments.received_rwf(db, contact_id))
    assert total == 12_066
    assert await records.read(lambda db: payments.received_rwf(db, 9999)) == 0


async def test_the_statement_says_the_total_of_all(server: Running, now: datetime) -> None:
    def write(db) -> int:
        contact_id = people.by_msisdn(db, FARMER).id
        for _number in range(12):
            settle(db, pay(db, contact_id, now, 1_000), now)
        # What waits to be confirmed stands before the statement in the menu.
        db.execute(update(payment_rows).values(confirmed_at=now))
        return payments.received_rwf(db, contact_id)

    total = await server.parts.market.records.write(write)
    phone = server.phone()
    await phone.dials()
    await phone.types("3")
    await phone.picks("Amafaranga wakiriye")
    said = await phone.types(PIN)
    for _page in range(8):
        said += await phone.types("99")
    assert f"{total:,}" in said
