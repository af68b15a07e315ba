"""Published prices wait for staff; other money becomes francs to the last one."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, RowMapping, select

from bot.market import hub_orders, price_approval, rates
from bot.market.items import DEMO_ITEMS, Cut, Item, put
from bot.market.rates import MICRO, NoRate, Rate
from bot.market.share import split
from bot.market.wanted import Refused, Wanted, WantedLine
from bot.storage.records import Records
from bot.storage.schema import audit, orders
from bot.storage.schema import hub_orders as hub_rows
from tests.hub.sender import Hub
from tests.server import UNKNOWN, Running

PRICE = {"product": "COF-CHERRY", "kind": "observed", "amount_rwf": 777, "unit": "kg",
         "valid_on": "2026-11-25", "place": "Kinini", "district": "Rulindo"}  # fmt: skip


def awaiting(db: Connection, hub: str = "rw") -> Sequence[RowMapping]:
    return price_approval.waiting(db, hub)


async def test_a_published_price_is_seen_once_staff_have_approved_it(server: Running) -> None:
    hub, records = Hub(server), server.parts.market.records
    await hub.says("price.published", PRICE)
    await hub.worked()
    (row,) = await records.read(awaiting)
    board = server.parts.market.prices
    await board.load()
    assert "Kinini" not in board.places("COF-CHERRY")
    now = datetime.now().astimezone()

    async def decide(by: str, *, shown: bool = True) -> str:
        return await records.write(
            lambda db: price_approval.decide(db, "rw", row["id"], by, now, shown=shown, why="x")
        )

    assert await decide("  ") == "no_name"
    assert await decide("amina") == "shown"
    assert await decide("eric", shown=False) == "gone"
    await board.refresh_if_changed()
    assert "Kinini" in board.places("COF-CHERRY")
    phone = server.phone(UNKNOWN)
    await phone.dials()
    line = select(audit.c.action, audit.c.actor).where(audit.c.action == "price approved")
    assert await records.read(lambda db: db.execute(line).all()) == [("price approved", "amina")]
    history = await records.read(lambda db: price_approval.history(db, "rw", "COF-CHERRY"))
    assert "approved by amina" in [one["reason"] for one in history]


async def test_a_refused_price_stays_unseen(server: Running) -> None:
    hub, records = Hub(server), server.parts.market.records
    await hub.says("price.published", PRICE)
    await hub.worked()
    (row,) = await records.read(awaiting)
    now = datetime.now().astimezone()
    said = await records.write(
        lambda db: price_approval.decide(
            db, "rw", row["id"], "amina", now, shown=False, why="too high"
        )
    )
    assert said == "refused" and await records.read(awaiting) == []
    board = server.parts.market.prices
    await board.load()
    assert "Kinini" not in board.places("COF-CHERRY")


@pytest.mark.parametrize("shown", [True, False])
async def test_one_hubs_prices_are_neither_seen_nor_decided_on_from_another(
    server: Running, shown: bool
) -> None:
    hub, records, now = Hub(server), server.parts.market.records, datetime.now(UTC)
    await hub.says("price.published", PRICE)
    await hub.worked()
    (row,) = await records.read(awaiting)
    assert await records.read(lambda db: awaiting(db, "bi")) == []
    assert await records.read(lambda db: price_approval.history(db, "bi", "COF-CHERRY")) == []

    async def decide(hub: str) -> str:
        return await records.write(
            lambda db: price_approval.decide(db, hub, row["id"], "amina", now, shown=shown)
        )

    assert await decide("bi") == "gone"
    lines = select(audit.c.id).where(audit.c.subject == f"price {row['id']}")
    assert await records.read(lambda db: db.execute(lines).all()) == []
    assert await records.read(awaiting) == [row]
    assert await decide("rw") == ("shown" if shown else "refused")


async def order_in(records: Records, now: datetime, currency: str, price: str, sku: str) -> dict:
    def work(db):
        for item in DEMO_ITEMS:
            put(db, item)
        line = WantedLine(3, price, sku)
        hub_orders.take(db, Wanted("hub", "X-1", currency, (line,)), now, "Africa/Kigali")
        query = select(orders, hub_rows.c.rate_id).join(hub_rows)
        return dict(db.execute(query).mappings().one())

    return await records.write(work)


async def test_dollars_become_francs_with_the_rate_of_the_day(
    records: Records, now: datetime
) -> None:
    for day, worth in ((date(2026, 11, 23), "1440"), (date(2026, 11, 24), "1453.257")):
        await records.write(
            lambda db, d=day, w=worth: rates.enter(db, "USD", d, Decimal(w), "BNR", now)
        )
    row = await order_in(records, now, "USD", "12.99", "RW-COFFEE-500G")
    # 12.99 x 1453.257 = 18,877.80…; transport 56, roasting 100, marketplace 94 thousandths.
    assert row["sale_price_rwf"] == 18_877 and row["rate_id"] == 2
    cuts = [one["amount_rwf"] for one in row["deductions"]]
    assert cuts == [1057, 1887, 1774] and row["price_rwf"] == 18_877 - sum(cuts)


async def test_without_a_rate_of_the_week_no_order_is_taken(
    records: Records, now: datetime
) -> None:
    await records.write(
        lambda db: rates.enter(db, "CNY", date(2026, 11, 10), Decimal("200"), "BNR", now)
    )
    with pytest.raises(NoRate):
        await order_in(records, now, "CNY", "50.00", "RW-COFFEE-1KG")


async def test_a_part_of_a_franc_is_refused(records: Records, now: datetime) -> None:
    with pytest.raises(Refused, match="no whole number"):
        await order_in(records, now, "RWF", "16000.50", "RW-COFFEE-500G")


@given(
    cents=st.integers(1, 100_000),
    micro=st.integers(MICRO, 3_000 * MICRO),
    cuts=st.lists(st.integers(0, 150), max_size=6),
)
def test_every_split_adds_up_to_the_last_franc(cents: int, micro: int, cuts: list[int]) -> None:
    price = f"{cents // 100}.{cents % 100:02}"
    sale_rwf = Rate(1, "USD", date(2026, 11, 24), micro, "x").in_rwf(price)
    exact = Decimal(cents) * micro / (100 * MICRO)
    assert sale_rwf <= exact < sale_rwf + 1
    item = Item("X", "COF-ROAST", "", 500, tuple(Cut("c", "w", one) for one in cuts), "Kigali", 5)
    lines = item.lines_of(sale_rwf)
    net_rwf = sale_rwf - sum(line.amount_rwf for line in lines)

    class Order:
        price_rwf, sale_price_rwf, deductions = net_rwf, sale_rwf, lines

    assert net_rwf >= 0 and split(Order(), 7).net_rwf == 7 * net_rwf
