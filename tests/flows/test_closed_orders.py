"""An offer that can no longer be answered: what is said is why, not a day still to come."""

import pytest
import time_machine
from sqlalchemy import select

from bot.market import Actor, offers
from bot.storage.schema import offers as offer_rows
from tests.phone import PIN, Phone
from tests.server import Running

ENDED, ALREADY = "cyarangiye", "Usanzwe wemeye"
CANCELLED = "yahagaritswe"


async def at_the_list(server: Running) -> Phone:
    phone = server.phone()
    await phone.dials()
    await phone.types("2")
    return phone


async def withdraw(server: Running) -> None:
    def write(db) -> None:
        offer_id = db.execute(select(offer_rows.c.id).where(offer_rows.c.packs == 200)).scalar()
        now = server.parts.engine._clock()
        offers.move(db, Actor("hub", "test", "w"), offer_id, "withdraw", now)

    await server.parts.market.records.write(write)


@pytest.mark.parametrize("on_the_way", [("1",), ("1", "1", PIN), ("1", "2", "1")])
async def test_a_withdrawn_order_was_cancelled(server: Running, on_the_way: tuple) -> None:
    phone = await at_the_list(server)
    await phone.types(*on_the_way[:-1])
    await withdraw(server)
    said = await phone.types(on_the_way[-1])
    assert f"KW-1042 {CANCELLED}" in said and ENDED not in said


@pytest.mark.parametrize("on_the_way", [("1",), ("1", "1", PIN)])
async def test_an_order_accepted_in_another_call_is_accepted(
    server: Running, on_the_way: tuple
) -> None:
    phone, other = await at_the_list(server), await at_the_list(server)
    await phone.types(*on_the_way[:-1])
    await other.types("1", "1", PIN)
    said = await phone.types(on_the_way[-1])
    assert ALREADY in said and ENDED not in said


async def test_an_order_refused_in_another_call_is_refused(server: Running) -> None:
    phone, other = await at_the_list(server), await at_the_list(server)
    refused = await other.types("1", "2", "1")
    said = await phone.types("1")
    assert said.split("\n")[0] == refused.split("\n")[0] and ENDED not in said


async def test_past_its_time_the_time_has_ended(server: Running) -> None:
    phone = await at_the_list(server)
    with time_machine.travel(server.parts.engine._clock(), tick=True) as clock:
        clock.shift(10 * 24 * 3600)
        assert ENDED in await phone.types("1")
