"""What is said and told of a new number for money: the truth, and for as long as the hub set."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from bot.market import Actor, people, wallet_changes
from bot.storage.schema import wallet_changes as rows
from tests.phone import PIN
from tests.server import FARMER, running

FIRST, SECOND = "+250788000077", "+250788000078"


async def test_each_number_of_the_days_that_the_hub_set_is_told(tmp_path: Path) -> None:
    async with running(tmp_path, ISOKO_PAYOUTS__COOLING_OFF_HOURS="168") as server:
        records, phone = server.parts.market.records, server.phone()
        four_days_ago = server.parts.engine._clock() - timedelta(days=4)

        def change(db) -> None:
            person = people.by_msisdn(db, FARMER)
            for number in (FIRST, SECOND):
                actor = Actor("contact", "ussd", number, person.id)
                wallet_changes.change(db, actor, number, "", four_days_ago)

        await records.write(change)
        await to_the_pin(phone, "0788000079")
        assert "For 168 hours" in await phone.types(PIN)
        # Of the change to the second number, and now of this one.
        assert len(await server.inbox(FIRST)) == 2


async def test_who_changed_it_by_another_call_already_reads_so(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        one, other = server.phone(), server.phone()
        for phone in (one, other):
            await to_the_pin(phone, "0788000079")
        assert "is changed" in await one.types(PIN)
        assert "goes to this number already" in await other.types(PIN)
        records = server.parts.market.records
        assert len(await records.read(lambda db: db.execute(select(rows.c.id)).all())) == 1


async def to_the_pin(phone, number: str) -> None:
    await phone.dials()
    await phone.types("9", "3", "1")
    await phone.picks("My account")
    await phone.picks("Number for money")
    assert "PIN" in await phone.types(number)
