"""Orders of thousands of packs: offered few at a time, and what takes too long holds up no other."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text

from bot.hub.applying import Applying
from bot.hub.keeping import Keeping
from bot.hub.working import Working
from bot.i18n import load_catalogues
from bot.market.items import DEMO_ITEMS, put
from bot.settings import load_settings
from bot.storage.hub_inbox import Arrived
from bot.storage.records import Records, TooLong
from bot.storage.schema import contacts, hub_events, orders
from bot.storage.schema import offers as offer_rows
from bot.wiring import allocation_rules_of, market_of
from tests.hub.sender import order as order_words

FARMERS, PACKS, SMALLEST, MOST_AT_ONCE = 200, 4_000, 20, 50


class Counting:
    """The records, and how many offers each single write made."""

    def __init__(self, records: Records) -> None:
        self._records, self.read = records, records.read
        self.made: list[int] = []

    async def write(self, work: Callable[[Any], Any]) -> Any:
        def counted(db: Any) -> Any:
            count = select(func.count()).select_from(offer_rows)
            before = db.execute(count).scalar_one()
            result = work(db)
            self.made.append(db.execute(count).scalar_one() - before)
            return result

        return await self._records.write(counted)


class Sale:
    """A hub's events, and the one who applies them."""

    def __init__(self, records: Records) -> None:
        load_catalogues()
        self.records, self.counting = records, Counting(records)
        settings = load_settings({})
        market = replace(market_of(settings, records), records=self.counting)
        self.working = Working(market, allocation_rules_of(settings), lambda: None)

    async def opens(self) -> None:
        now = datetime.now(UTC)
        people = [
            {"msisdn": f"+2507880{number:05}", "crop": "coffee", "created_at": now}
            for number in range(FARMERS)
        ]

        def work(db: Any) -> None:
            for item in DEMO_ITEMS:
                put(db, item)
            db.execute(insert(contacts), people)

        await self.records.write(work)

    async def comes(self, order_id: str, data: dict[str, Any]) -> None:
        body = json.dumps({"type": "order.created", "timestamp": "x", "data": data}).encode()
        arrived = Arrived("hub", f"msg_{order_id}", "order.created", order_id, body)
        await Keeping(self.records).keep(arrived)

    async def works(self) -> None:
        await self.working.apply_all()
        await self.working.allocate_all()

    async def states(self) -> dict[str, tuple[str, int]]:
        query = select(hub_events.c.lane, hub_events.c.state, hub_events.c.attempts)
        rows = await self.records.read(lambda db: db.execute(query).all())
        return {row.lane: (row.state, row.attempts) for row in rows}


@pytest.fixture
async def sale(records: Records) -> Sale:
    one = Sale(records)
    await one.opens()
    return one


async def test_an_order_of_thousands_of_packs_is_offered_few_at_a_time(sale: Sale) -> None:
    await sale.comes("KW-7001", order_words("KW-7001", PACKS))
    await sale.works()
    query = select(offer_rows.c.contact_id, offer_rows.c.packs)
    made = await sale.records.read(lambda db: db.execute(query).all())
    assert [row.packs for row in made] == [SMALLEST] * (PACKS // SMALLEST)
    assert len({row.contact_id for row in made}) == FARMERS
    assert max(sale.counting.made) == MOST_AT_ONCE


async def test_every_line_of_many_orders_is_offered_and_none_is_oversold(sale: Sale) -> None:
    for number in range(4):
        words = order_words(f"KW-{7100 + number}", 120)
        words["lines"] = words["lines"] * 20
        await sale.comes(f"KW-{7100 + number}", words)
    await sale.works()
    offered = func.coalesce(func.sum(offer_rows.c.packs), 0)
    query = (
        select(orders.c.packs, offered)
        .outerjoin(offer_rows, offer_rows.c.order_id == orders.c.id)
        .group_by(orders.c.id)
    )
    found = await sale.records.read(lambda db: db.execute(query).all())
    assert [tuple(row) for row in found] == [(120, 120)] * 80


async def test_what_the_records_cut_off_is_counted_and_holds_up_no_other(
    sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Applying.apply

    def endless(self: Applying, db: Any, event: Any, now: datetime) -> tuple[str, str]:
        if b"KW-7201" not in event.body:
            return real(self, db, event, now)
        if db.dialect.name == "sqlite":
            raise TooLong
        db.execute(text("SET LOCAL statement_timeout = '20ms'"))
        db.execute(text("SELECT pg_sleep(5)"))
        raise AssertionError

    monkeypatch.setattr(Applying, "apply", endless)
    monkeypatch.setattr("bot.hub.working._AGAIN_FIRST_S", 0.0)
    for order_id in ("KW-7201", "KW-7202"):
        await sale.comes(order_id, order_words(order_id))
    await sale.works()
    assert await sale.states() == {"KW-7201": ("parked", 5), "KW-7202": ("applied", 0)}
