"""Shops are asked for their orders, against the pretended Taobao and WooCommerce over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from bot.hub.pull import Pull
from bot.hub.pulling import Pulling
from bot.hub.taobao_pull import TaobaoAccount, TaobaoPull
from bot.hub.woocommerce_pull import WooCommerceAccount, WooCommercePull
from bot.sandbox import taobao as pretended_taobao
from bot.sandbox import woocommerce as pretended_shop
from bot.settings import SettingsError, load_settings
from bot.storage import hub_inbox
from bot.storage.schema import hub_events, hub_orders, shop_pulls
from tests.free_port import free_port
from tests.hub.sender import Hub
from tests.hub.test_shops import FORM, post, taken, trade
from tests.server import Running, running

PAID, SENT, CLOSED = "WAIT_SELLER_SEND_GOODS", "WAIT_BUYER_CONFIRM_GOODS", "TRADE_CLOSED"
BEANS = [{"outer_iid": "RW-COFFEE-1KG", "num": 2, "price": "50.00"}]
SACK = [{"sku": "IBIRAYI-50KG", "quantity": 1, "price": 5000}]


def shop_of(server: Running, kind: str, **wrong: str) -> Pull:
    """A pull of our account at a pretended shop, with some of it wrong."""
    assert server.parts.sandbox is not None
    url, http = server.parts.sandbox.url, server.parts.http
    if kind == "taobao":
        whole = {"app_key": pretended_taobao.APP_KEY, "secret": pretended_taobao.SECRET,
                 "session": pretended_taobao.SESSION} | wrong  # fmt: skip
        return TaobaoPull(TaobaoAccount(f"{url}/taobao/router/rest", **whole), http)
    whole = {"key": pretended_shop.KEY, "secret": pretended_shop.SECRET} | wrong
    return WooCommercePull(WooCommerceAccount(f"{url}/woocommerce", **whole), http)


async def asks(server: Running, pull: Pull) -> bool:
    """Ask at once, whenever it is due."""
    records, now = server.parts.market.records, datetime.now(UTC)
    await records.write(lambda db: db.execute(update(shop_pulls).values(due_at=now)))
    return await Pulling(records, [pull], 60, lambda: None).ask(pull)


async def row(server: Running) -> Any:
    found = select(shop_pulls)
    return await server.parts.market.records.read(lambda db: db.execute(found).mappings().one())


async def back(server: Running, **ago: int) -> None:
    """As if the shop had last been asked so long ago."""
    moment = datetime.now(UTC) - timedelta(**ago)
    change = update(shop_pulls).values(asked_until=moment)
    await server.parts.market.records.write(lambda db: db.execute(change))


async def states(server: Running) -> dict[str, str]:
    await Hub(server).worked()
    found = select(hub_orders.c.hub_order_id, hub_orders.c.state)
    rows = await server.parts.market.records.read(lambda db: db.execute(found).all())
    return dict(tuple(one) for one in rows)


def put(server: Running, kind: str) -> Callable[..., None]:
    assert server.parts.sandbox is not None
    if kind == "taobao":
        shop = server.parts.sandbox.taobao
        names = {"paid": PAID, "closed": CLOSED, "unpaid": "WAIT_BUYER_PAY"}
        return lambda number, state, at: shop.put(number, names[state], BEANS, at)
    store = server.parts.sandbox.woocommerce
    words = {"paid": "processing", "closed": "cancelled", "unpaid": "checkout-draft"}
    return lambda number, state, at: store.put(number, words[state], SACK, at)


@pytest.mark.parametrize("kind", ["taobao", "woocommerce"])
async def test_what_changed_is_taken_once_however_often_it_is_asked_for(server, kind: str) -> None:
    pull, bought, now = shop_of(server, kind), put(server, kind), datetime.now(UTC)
    assert await asks(server, pull)
    bought(9001, "paid", now - timedelta(minutes=3))
    bought(9002, "unpaid", now - timedelta(minutes=3))
    assert await asks(server, pull) and await asks(server, pull)
    assert await states(server) == {"9001": "open"}
    bought(9001, "closed", now - timedelta(minutes=1))
    assert await asks(server, pull) and await asks(server, pull)
    assert await states(server) == {"9001": "cancelled"}
    count = select(func.count()).select_from(hub_events)
    assert await server.parts.market.records.read(lambda db: db.execute(count).scalar()) == 2


async def test_a_trade_that_its_message_brought_is_not_taken_again(tmp_path: Path) -> None:
    account = {"ISOKO_MARKETPLACE__TAOBAO_SECRET": "helloworld",
               "ISOKO_MARKETPLACE__TAOBAO_APP_KEY": "12345678"}  # fmt: skip
    async with running(tmp_path, **account) as server:
        assert await post(server, "taobao", trade(), FORM) == 202
        put(server, "taobao")(9000000000000001, "paid", datetime.now(UTC) - timedelta(seconds=5))
        assert await asks(server, shop_of(server, "taobao"))
        assert server.parts.sandbox.taobao.calls == ["taobao.trades.sold.increment.get"]
        assert [one[1] for one in await taken(server)] == ["9000000000000001"]


@pytest.mark.parametrize("kind", ["taobao", "woocommerce"])
async def test_no_order_is_lost_when_others_change_between_two_pages(server, kind: str) -> None:
    """Read from the front, each that leaves the span would hide the first of the next page."""
    pull, bought, now = shop_of(server, kind), put(server, kind), datetime.now(UTC)
    assert await asks(server, pull)
    await back(server, hours=2)
    for number in range(250):
        bought(7000 + number, "paid", now - timedelta(seconds=3600 - number))
    moved = iter(range(7000 + 249, 7000, -1))

    def meanwhile(_page: int) -> None:
        # The newest of the span change again and leave it: all others move to the front.
        for _one in range(3):
            bought(next(moved), "paid", datetime.now(UTC) + timedelta(seconds=30))

    shop = getattr(server.parts.sandbox, kind)
    shop.meanwhile = meanwhile
    assert await asks(server, pull)
    shop.meanwhile = lambda _page: None
    for number, trade_ in list((shop.trades if kind == "taobao" else shop.orders).items()):
        if trade_["modified"] > datetime.now(UTC):
            bought(number, "paid", datetime.now(UTC) - timedelta(seconds=2))
    assert await asks(server, pull)
    ids = select(hub_events.c.lane).where(hub_events.c.source == kind)
    lanes = await server.parts.market.records.read(lambda db: set(db.execute(ids).scalars()))
    assert lanes == {f"{kind}:{7000 + number}" for number in range(250)}


async def test_days_behind_it_is_asked_a_day_at_a_time(server) -> None:
    pull, bought = shop_of(server, "taobao"), put(server, "taobao")
    assert await asks(server, pull)
    await back(server, days=3)
    bought(9001, "paid", datetime.now(UTC) - timedelta(days=2, hours=12))
    for _day in range(4):
        # The platform refuses more than a day at once, and then nothing is left of the watermark.
        assert await asks(server, pull)
    assert await states(server) == {"9001": "open"}
    assert datetime.now(UTC) - (await row(server))["asked_until"] < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("kind", "wrong", "why"),
    [
        ("taobao", {"secret": "another"}, "ISOKO_MARKETPLACE__TAOBAO_SECRET"),
        ("taobao", {"session": "over"}, "authorise the app again"),
        ("taobao", {"session": ""}, "set ISOKO_MARKETPLACE__TAOBAO_SESSION"),
        ("taobao", {"app_key": "1"}, "ISOKO_MARKETPLACE__TAOBAO_APP_KEY"),
        ("woocommerce", {"secret": "another"}, "ISOKO_MARKETPLACE__WOOCOMMERCE_KEY"),
    ],
)
async def test_a_refusal_says_what_to_do_and_keeps_the_watermark(server, kind, wrong, why) -> None:
    good, bought = shop_of(server, kind), put(server, kind)
    assert await asks(server, good)
    before = (await row(server))["asked_until"]
    bought(9001, "paid", datetime.now(UTC) - timedelta(seconds=2))
    assert not await asks(server, shop_of(server, kind, **wrong))
    told = await row(server)
    assert why in told["why"] and told["failures"] == 1 and told["asked_until"] == before
    assert await asks(server, good)
    told = await row(server)
    assert (told["why"], told["failures"]) == ("", 0)
    assert await states(server) == {"9001": "open"}


async def test_too_many_calls_are_waited_for(server) -> None:
    pull = shop_of(server, "taobao")
    assert await asks(server, pull)
    server.parts.sandbox.taobao.refuses = (1, 7)
    assert not await asks(server, pull)
    wait = (await row(server))["due_at"] - datetime.now(UTC)
    assert timedelta(seconds=50) < wait < timedelta(seconds=70)


async def inbox(server: Running) -> list[tuple[str, str, str]]:
    query = select(hub_events.c.lane, hub_events.c.type, hub_events.c.state)
    read = server.parts.market.records.read
    return [tuple(one) for one in await read(lambda db: db.execute(query).all())]


async def test_a_trade_that_the_platform_refuses_holds_up_no_other(server) -> None:
    pull, bought, now = shop_of(server, "taobao"), put(server, "taobao"), datetime.now(UTC)
    assert await asks(server, pull)
    for number in (9001, 9002, 9003):
        bought(number, "paid", now - timedelta(seconds=10_000 - number))
    server.parts.sandbox.taobao.broken = {9002: "isv.trade-not-exist"}
    await back(server, hours=3)
    assert await asks(server, pull) and await asks(server, pull)
    assert await states(server) == {"9001": "open", "9003": "open"}
    assert ("taobao:9002", "order.unread", "parked") in await inbox(server)


async def test_a_trade_that_fails_again_and_again_is_parked_after_five_times(server) -> None:
    pull, bought, now = shop_of(server, "taobao"), put(server, "taobao"), datetime.now(UTC)
    assert await asks(server, pull)
    bought(9001, "paid", now - timedelta(seconds=30))
    bought(9002, "paid", now - timedelta(seconds=20))
    server.parts.sandbox.taobao.broken = {9002: "isp.remote-service-error"}
    pulling = Pulling(server.parts.market.records, [pull], 60, lambda: None)

    async def once() -> bool:
        due = update(shop_pulls).values(due_at=datetime.now(UTC))
        await server.parts.market.records.write(lambda db: db.execute(due))
        return await pulling.ask(pull)

    assert [await once() for _time in range(5)] == [False] * 4 + [True]
    assert await states(server) == {"9001": "open"}
    assert ("taobao:9002", "order.unread", "parked") in await inbox(server)
    # Whoever lets it be tried again is told that only the shop knows more.
    await server.parts.market.records.write(lambda db: hub_inbox.unpark(db, datetime.now(UTC)))
    await states(server)
    assert ("taobao:9002", "order.unread", "refused") in await inbox(server)


async def test_a_pulled_order_without_a_price_is_parked_and_taken_once_it_has_one(server) -> None:
    pull, bought, now = (
        shop_of(server, "woocommerce"),
        put(server, "woocommerce"),
        datetime.now(UTC),
    )
    assert await asks(server, pull)
    store = server.parts.sandbox.woocommerce
    store.put(77, "processing", [{**SACK[0], "quantity": 3, "total": "10000.00"}], now)
    await asyncio.sleep(1.1)
    assert await asks(server, pull) and await asks(server, pull)
    assert await inbox(server) == [("woocommerce:77", "order.unread", "parked")]
    bought(77, "paid", datetime.now(UTC) - timedelta(seconds=1))
    assert await asks(server, pull)
    assert await states(server) == {"77": "open"}


async def test_a_pulled_order_that_is_paid_late_stands_again(server) -> None:
    pull, bought = shop_of(server, "woocommerce"), put(server, "woocommerce")
    assert await asks(server, pull)
    for state, stands in (("paid", "open"), ("closed", "cancelled")):
        bought(77, state, datetime.now(UTC) - timedelta(seconds=5))
        assert await asks(server, pull)
        assert await states(server) == {"77": stands}
    # A shop's moments have no parts of a second.
    await asyncio.sleep(1.1)
    bought(77, "paid", datetime.now(UTC))
    await asyncio.sleep(1.1)
    for _time in range(2):
        assert await asks(server, pull)
    assert await states(server) == {"77": "open"}
    assert len(await inbox(server)) == 3


async def test_a_cancellation_after_an_order_that_is_parked_is_asked_for_too(server) -> None:
    pull, store = shop_of(server, "woocommerce"), server.parts.sandbox.woocommerce
    assert await asks(server, pull)
    foreign = [{**SACK[0], "sku": "HONEY-1KG"}]
    for number, status in enumerate(("processing", "cancelled", "processing", "cancelled")):
        if number:
            # A shop's moments have no parts of a second.
            await asyncio.sleep(1.1)
        store.put(77, status, foreign, datetime.now(UTC) - timedelta(seconds=1))
        assert await asks(server, pull)
        await states(server)
    was = "order.created", "parked"
    gone = "order.cancelled", "refused"
    assert [one[1:] for one in await inbox(server)] == [was, gone, was, gone]


async def test_only_one_process_asks_and_one_that_died_is_followed(server) -> None:
    records, pull, now = server.parts.market.records, shop_of(server, "taobao"), datetime.now(UTC)
    both = [Pulling(records, [pull], 60, lambda: None) for _process in range(2)]
    assert sorted(await asyncio.gather(*(one.ask(pull) for one in both))) == [False, True]
    held = {"due_at": now, "lease": "x", "lease_until": now + timedelta(minutes=5)}
    await records.write(lambda db: db.execute(update(shop_pulls).values(held)))
    assert not await both[0].ask(pull)
    over = {"lease_until": now - timedelta(seconds=1)}
    await records.write(lambda db: db.execute(update(shop_pulls).values(over)))
    assert await both[1].ask(pull)


async def test_an_order_comes_by_itself_when_the_settings_name_a_shop(tmp_path: Path) -> None:
    port = free_port()
    named = {
        "ISOKO_SANDBOX__PORT": str(port),
        "ISOKO_MARKETPLACE__WOOCOMMERCE_URL": f"http://127.0.0.1:{port}/woocommerce",
        "ISOKO_MARKETPLACE__WOOCOMMERCE_KEY": pretended_shop.KEY,
        "ISOKO_MARKETPLACE__WOOCOMMERCE_KEY_SECRET": pretended_shop.SECRET,
        "ISOKO_MARKETPLACE__PULL_EVERY_S": "5",
    }
    async with running(tmp_path, **named) as server:
        order = {"id": 77, "status": "processing", "lines": SACK}
        url = f"http://127.0.0.1:{port}/sandbox/woocommerce/orders"
        async with server.parts.http.post(url, json=order) as response:
            assert response.status == 200
        for _attempt in range(300):
            if await states(server) == {"77": "open"}:
                break
            await asyncio.sleep(0.1)
        assert await states(server) == {"77": "open"}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"TAOBAO_SESSION": "x", "TAOBAO_SECRET": ""}, "TAOBAO_APP_KEY"),
        ({"WOOCOMMERCE_URL": "https://shop.example"}, "WOOCOMMERCE_KEY"),
        ({"WOOCOMMERCE_URL": "shop.example", "WOOCOMMERCE_KEY": "k",
          "WOOCOMMERCE_KEY_SECRET": "s"}, "begin with https://"),
        ({"PULL_EVERY_S": "1"}, "PULL_EVERY_S"),
    ],
)  # fmt: skip
def test_settings_that_cannot_work_stop_the_start_with_their_name(given, why) -> None:
    named = {f"ISOKO_MARKETPLACE__{name}": value for name, value in given.items()}
    with pytest.raises(SettingsError, match=why):
        load_settings(named)
