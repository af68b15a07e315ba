"""A payment problem is reported by a key that is not the one which led to the question."""

import pytest
from sqlalchemy import func, select

from bot.market import people
from bot.storage.schema import tickets
from tests.market.money import pay, settle
from tests.phone import Phone
from tests.server import FARMER, Running


async def reported(server: Running) -> int:
    query = select(func.count()).select_from(tickets)
    return await server.parts.market.records.read(lambda db: db.execute(query).scalar())


@pytest.mark.parametrize("more", range(6))
async def test_I05_a_double_press_reports_nothing(
    server: Running, phone: Phone, now, more: int
) -> None:
    def write(db) -> None:
        contact_id = people.by_msisdn(db, FARMER).id
        for _number in range(more):
            settle(db, pay(db, contact_id, now, 1_000), now)

    await server.parts.market.records.write(write)
    await phone.dials()
    await phone.types("3")
    question = await phone.picks("Menyesha ikibazo")
    led = phone.history[-1]
    assert await phone.types(led) != question
    assert await reported(server) == 0
    await phone.picks("Yego, mpamagara")
    assert await reported(server) == 1
