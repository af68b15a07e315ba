"""A price above somebody's figure is told once, by day, and only when it is new and fresh."""

from datetime import date, timedelta

import pytest
from sqlalchemy import insert, select

from bot.i18n import load_catalogues
from bot.market import people, price_alerts
from bot.market.news import QuietHours
from bot.storage.records import Records
from bot.storage.schema import outbox, prices
from tests.market.test_offers import actor, farmer

FRESH = date(2026, 10, 1)


async def enter(records: Records, now, amount_rwf: int, day=date(2026, 11, 20), **more) -> None:
    row = {
        "product": "MAIZE", "place": f"Ruli {amount_rwf}", "district": "Gakenke", "kind": "retail",
        "amount_rwf": amount_rwf, "unit": "kg", "valid_on": day, "source": "WFP", "entered_at": now,
    }  # fmt: skip
    await records.write(lambda db: db.execute(insert(prices).values(row | more)))


async def waiting_for(records: Records, now, above_rwf: int = 700) -> int:
    load_catalogues()

    def work(db) -> int:
        contact = farmer(db, 1, now)
        price_alerts.ask(db, actor(contact), "MAIZE", above_rwf, now)
        return contact

    return await records.write(work)


async def told(records: Records, now, quiet: QuietHours = price_alerts.NEVER) -> list:
    await records.write(lambda db: price_alerts.tell_due(db, FRESH, now, quiet))
    query = select(outbox.c.payload, outbox.c.due_at).order_by(outbox.c.id)
    return list(await records.read(lambda db: db.execute(query).all()))


async def test_a_new_price_above_is_told_once_and_the_highest_of_them(records, now) -> None:
    await enter(records, now, 900)
    contact = await waiting_for(records, now)
    assert await told(records, now) == []
    await enter(records, now, 700)
    assert await told(records, now) == []
    for rwf in (720, 760):
        await enter(records, now, rwf)
    ((payload, _due),) = await told(records, now)
    assert "760" in payload["text"] and "Ruli 760" in payload["text"]
    assert "20/11/2026" in payload["text"] and "WFP" in payload["text"]
    await enter(records, now, 800)
    assert len(await told(records, now)) == 1
    assert await records.read(lambda db: price_alerts.mine(db, contact)) == []


@pytest.mark.parametrize(
    "more", [{"day": date(2026, 9, 30)}, {"state": "flagged"}, {"product": "BEANS"}]
)
async def test_an_old_a_doubtful_and_another_products_price_are_not_told(
    records, now, more
) -> None:
    await waiting_for(records, now)
    await enter(records, now, 900, **more)
    assert await told(records, now) == []


async def test_nobody_is_told_another_hubs_price(records, now) -> None:
    contact = await waiting_for(records, now)
    await enter(records, now, 900, hub="ug")
    assert await told(records, now) == []
    assert len(await records.read(lambda db: price_alerts.mine(db, contact))) == 1
    # Of both above the figure it is their own hub's, though the other's is higher.
    await enter(records, now, 800)
    ((payload, _due),) = await told(records, now)
    assert "800" in payload["text"] and "900" not in payload["text"]


async def test_at_night_it_waits_for_the_morning(records, now) -> None:
    await waiting_for(records, now)
    await enter(records, now, 900)
    # 23:00 in Kigali.
    night = now + timedelta(hours=12)
    ((_payload, due_at),) = await told(records, night, QuietHours(21, 6, "Africa/Kigali"))
    assert due_at.isoformat() == "2026-11-25T04:00:00+00:00"


async def test_one_figure_for_a_product_and_only_ones_own(records, now) -> None:
    contact = await waiting_for(records, now)
    stranger = await records.write(lambda db: farmer(db, 2, now))
    await records.write(lambda db: price_alerts.ask(db, actor(contact, "z"), "MAIZE", 950, now))
    (one,) = await records.read(lambda db: price_alerts.mine(db, contact))
    assert one.above_rwf == 950
    assert await records.read(lambda db: price_alerts.by_id(db, one.id, stranger)) is None
    assert not await records.write(lambda db: price_alerts.drop(db, one.id, stranger))
    await enter(records, now, 900)
    assert await told(records, now) == []
    assert await records.write(lambda db: price_alerts.drop(db, one.id, contact))
    await enter(records, now, 990)
    assert await told(records, now) == []


async def test_who_leaves_waits_for_nothing(records, now) -> None:
    contact = await waiting_for(records, now)
    held = await records.read(lambda db: people.copy_of(db, contact))
    assert [row["above_rwf"] for row in held["price_alerts"]] == [700]
    await records.write(lambda db: people.erase(db, contact, now))
    await enter(records, now, 900)
    assert await told(records, now) == []
