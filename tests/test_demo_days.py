"""The demo's days are Kigali's, also in the two hours in which London has another."""

from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import select

from bot.demo import load_demo
from bot.settings import load_settings
from bot.storage.records import Records
from bot.storage.schema import rates, stock_listings
from bot.wiring import market_of
from tests.server import CHEAP


async def test_the_demo_is_loaded_after_midnight_in_kigali(
    records: Records, tmp_path: Path
) -> None:
    market = market_of(load_settings({"ISOKO_DATA_DIR": str(tmp_path), **CHEAP}), records)
    await load_demo(market, datetime(2026, 11, 24, 22, 30, tzinfo=UTC))
    await market.pins.close()
    harvested = await records.read(
        lambda db: db.execute(select(stock_listings.c.harvested_on)).scalars().all()
    )
    of_rates = await records.read(lambda db: db.execute(select(rates.c.day)).scalars().all())
    assert harvested == [date(2026, 11, 22)]
    assert set(of_rates) == {date(2026, 11, 25)}
