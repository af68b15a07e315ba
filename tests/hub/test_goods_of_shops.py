"""What a shop sold moves and is paid by the hub's word: shops say nothing of goods. Both stores."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from bot.market import Actor, offers
from bot.operations.housekeeping import Housekeeping
from bot.storage.schema import hub_events, hub_orders, payments, tickets
from bot.storage.schema import offers as rows
from tests.hub.published import everybody_is_told
from tests.hub.published import told as news_of
from tests.hub.sender import Hub, order, signed
from tests.hub.test_received_parts import read, states, told
from tests.hub.test_shops import ACCOUNTS, post
from tests.hub.test_shops import signed as signed_by_shop
from tests.patience import patient_s
from tests.server import running

# The shop and the hub have each given it, of different orders.
SAME_ID = "77001"


@pytest.fixture
async def hub(tmp_path, either_store: str) -> AsyncIterator[Hub]:
    """The hub of a server that has an account at Shopify."""
    async with running(tmp_path, **ACCOUNTS) as server:
        yield Hub(server)


async def brought(hub: Hub, source: str) -> int:
    """A farmer has accepted and brought a part of this order of `source`."""
    now, market = datetime.now(UTC), hub.server.parts.market
    mine = (hub_orders.c.source == source) & (hub_orders.c.hub_order_id == SAME_ID)

    def work(db) -> int:
        query = select(rows.c.id, rows.c.contact_id).join(
            hub_orders, hub_orders.c.order_id == rows.c.order_id
        )
        first = db.execute(query.where(mine).order_by(rows.c.id)).first()
        if first is None:
            return 0
        offer_id, who = first
        offer, actor = offers.by_id(db, offer_id, who), Actor(f"contact:{who}", "t", source, who)
        offers.accept(db, actor, offer_id, offer.version, offer.packs, now, market.hub.timezone)
        bring = Actor(f"contact:{who}", "test", f"bring-{source}", who)
        offers.move(db, bring, offer_id, "hand_over", now)
        return offer_id

    # The server's own work may offer it a moment later.
    async with asyncio.timeout(patient_s(10)):
        while not (offer_id := await market.records.write(work)):
            await hub.worked()
            await asyncio.sleep(0.02)
    return offer_id


async def sold(hub: Hub) -> tuple[int, int]:
    """The shop's order and the hub's own, of one id; the part of each that was brought."""
    line = {"sku": "RW-COFFEE-500G", "quantity": 40, "price": "16000"}
    said = {"id": int(SAME_ID), "currency": "RWF", "line_items": [line]}
    message = signed_by_shop("shopify", said, "of-the-shop")
    assert await post(hub.server, "shopify", **message) == 202
    await hub.says("order.created", order(SAME_ID))
    await hub.worked()
    return await brought(hub, "shopify"), await brought(hub, "hub")


async def test_the_hub_names_the_shop_whose_goods_it_speaks_of(hub: Hub) -> None:
    of_shop, of_hub = await sold(hub)
    await everybody_is_told(hub.server.parts.market.records, ("order.refused",))
    shipped = {"order_id": SAME_ID, "stage": "shipped"}
    assert await told(hub, "shipment.updated", shipped | {"source": "shopify"}) == "applied"
    assert await states(hub, of_shop, of_hub) == ["shipped", "handed_over"]
    # Without a source it is the hub's own, and another shop has no such order.
    assert await told(hub, "shipment.updated", shipped) == "applied"
    assert await states(hub, of_shop, of_hub) == ["shipped", "shipped"]
    assert await told(hub, "shipment.updated", shipped | {"source": "taobao"}) == "refused"
    (refused,) = await news_of(hub.server.parts.market.records)
    about = {"order_id": SAME_ID, "source": "taobao", "type": "shipment.updated"}
    assert refused["data"].items() >= about.items()
    assert await hub.says("shipment.updated", shipped | {"source": "Shopify:1"}) == 422
    # It stands in the order of the shop's own words.
    lanes = select(hub_events.c.lane).where(hub_events.c.type == "shipment.updated")
    named = [f"{source}:{SAME_ID}" for source in ("shopify", "hub", "taobao")]
    assert [row[0] for row in await read(hub.server, lanes.order_by(hub_events.c.id))] == named


async def test_what_a_shop_sold_is_delivered_and_paid(hub: Hub) -> None:
    of_shop, of_hub = await sold(hub)
    for stage in ("warehouse", "shipped", "delivered"):
        said = {"order_id": SAME_ID, "stage": stage, "source": "shopify"}
        assert await told(hub, "shipment.updated", said) == "applied"
    assert await states(hub, of_shop, of_hub) == ["delivered", "handed_over"]
    market, wake = hub.server.parts.market, hub.server.parts.sender.wake
    await Housekeeping(market, wake, timedelta(days=1)).keep()
    paid = select(payments.c.offer_id).where(payments.c.offer_id.in_((of_shop, of_hub)))
    assert await read(hub.server, paid) == [(of_shop,)]


async def test_a_problem_with_the_goods_of_a_shop_reaches_staff(hub: Hub) -> None:
    of_shop, _of_hub = await sold(hub)
    problem = {"order_id": SAME_ID, "reason": "bags are wet", "source": "shopify"}
    assert await told(hub, "order.problem", problem) == "applied"
    ((about,),) = await read(hub.server, select(tickets.c.about))
    assert about.endswith(f" P-{of_shop}")


async def test_the_hub_may_ask_where_the_order_of_a_shop_stands(hub: Hub) -> None:
    await sold(hub)
    codes = {}
    for source in ("", "hub", "shopify", "taobao"):
        path = f"/hub/orders/{SAME_ID}" + (f"?source={source}" if source else "")
        headers = signed(path.encode())
        async with hub.server.client.get(path, headers=headers) as response:
            said = json.loads(await response.text())
            codes[source] = said["lines"][0]["code"] if response.status == 200 else response.status
    assert codes[""] == codes["hub"] != codes["shopify"] and codes["taobao"] == 404
