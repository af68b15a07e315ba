"""What is to be delivered is found by phone, however many newer orders are paid."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.market import people
from bot.market.orders import create_order, make_offer
from bot.storage.schema import offers, orders
from tests.market.test_offers import ZONE, order_of
from tests.server import DEBTOR, Running


@pytest.mark.usefixtures("either_store")
async def test_an_old_order_is_delivered_behind_nine_newer_that_are_paid(server: Running) -> None:
    now = server.parts.engine._clock()

    def nine_newer(db) -> None:
        contact = people.by_msisdn(db, DEBTOR)
        for number in range(9):
            order_id = create_order(db, order_of(now, 5, f"KW-{number}"), now)
            until = now + timedelta(days=2)
            offer_id = make_offer(db, order_id, contact.id, 5, until, "*384*801#", now, ZONE)
            paid = {"state": "confirmed", "packs_accepted": 5}
            db.execute(update(offers).where(offers.c.id == offer_id).values(paid))

    await server.parts.market.records.write(nine_newer)
    phone = server.phone(DEBTOR)
    await phone.dials()
    await phone.types("2")
    assert "1 KW-1041 accepted" in await phone.types("1")
    await phone.types("1")
    await phone.picks("I delivered it")
    assert "we know that you delivered it" in await phone.types("2")
    its = select(offers.c.state).join(orders).where(orders.c.code == "KW-1041")
    read = server.parts.market.records.read
    assert await read(lambda db: db.execute(its).scalars().all()) == ["handed_over"]
