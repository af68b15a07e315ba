"""`0` on what was picked from a list leads back to the list, and home where there was none."""

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from bot.market import people
from bot.storage.schema import bookings, offers
from tests.phone import PIN
from tests.server import AIRTEL, CRAFTS, FARMER, HOST, Running


async def write(server: Running, work):
    return await server.parts.market.records.write(work)


@pytest.mark.usefixtures("either_store")
async def test_from_one_of_two_shipments_to_both(server: Running) -> None:
    phone = server.phone(AIRTEL)
    home = await phone.dials()
    assert (await phone.types("4")).startswith("Umuzigo")
    # Of one alone there is no list: it would lead here again, for ever.
    assert await phone.types("0") == home

    def another(db) -> None:
        own, other = (people.by_msisdn(db, who).id for who in (AIRTEL, CRAFTS))
        moved = {"contact_id": own, "state": "handed_over"}
        db.execute(update(offers).where(offers.c.contact_id == other).values(**moved))

    await write(server, another)
    both = await phone.types("4")
    assert await phone.types("1") != both
    assert await phone.types("0") == both
    await phone.types("2", "2")
    assert (await phone.types("0")).startswith("Umuzigo")
    assert await phone.types("0") == both


@pytest.mark.usefixtures("either_store")
async def test_from_one_of_two_visits_to_both(server: Running) -> None:
    phone = server.phone(HOST)
    home = await phone.dials()
    await phone.types("6")
    assert await phone.types("0") == home

    def another(db) -> None:
        one = db.execute(select(bookings).where(bookings.c.state == "requested")).mappings().first()
        same = {name: value for name, value in one.items() if name != "id"}
        later = {"code": "V-2", "starts_at": one["starts_at"] + timedelta(days=1)}
        db.execute(insert(bookings).values(**{**same, **later}))

    await write(server, another)
    both = await phone.types("6")
    assert await phone.types("2") != both
    assert await phone.types("0") == both


async def test_from_a_payment_that_was_confirmed_to_the_payments(server: Running) -> None:
    phone = server.phone(FARMER)
    await phone.dials()
    await phone.types("3", "1", PIN)
    assert (await phone.types("0")).startswith("Nta mafaranga mashya")
