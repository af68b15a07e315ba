"""The demo's hub: what farmers hand over is carried on, also by the next process."""

import asyncio

from sqlalchemy import select

from bot import demo
from bot.demo_hub import DemoHub
from bot.storage.schema import offers, orders
from tests.phone import PIN
from tests.server import FARMER, Running


async def test_an_order_accepted_before_a_restart_is_paid_after_it(server: Running) -> None:
    records = server.parts.market.records
    phone = server.phone(FARMER)
    await phone.dials()
    await phone.types("2", "1", "1", PIN)
    await phone.dials()
    await phone.types("2")
    await phone.picks("Komande zanjye")
    await phone.picks("KW-1042 yemewe")
    await phone.types("1", "2")
    # As a server does that starts after all this happened.
    hub = DemoHub(server.parts.market, lambda: None, demo.ON_ITS_WAY)
    for _step in range(3):
        await records.write(hub._carry_on)
    # The server's own sender may have it in its hands at this very moment.
    for _round in range(100):
        await server.parts.sender.carry_out()
        if server.parts.sandbox.momo.transfers():
            break
        await asyncio.sleep(0.05)
    assert len(server.parts.sandbox.momo.transfers()) == 1
    query = select(offers.c.state).join(orders).where(orders.c.code == demo.ON_ITS_WAY)
    assert await records.read(lambda db: db.execute(query).scalar()) == "shipped"
