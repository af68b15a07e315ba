"""Prices: taken in with doubt, shown with their day, on both stores."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.market.demo_prices import load_demo_prices
from bot.market.price_import import FileProblem, import_prices
from bot.market.prices import PriceBoard
from bot.market.products import chain_of
from bot.market.share import EXAMPLE, DoesNotAddUp, Line, split
from bot.storage.records import Records
from bot.storage.schema import prices

SMALL = Path(__file__).parent / "prices_small.csv"


async def take_in(records: Records, now, path: Path = SMALL, **more):
    return await import_prices(path, records, hub="rw", now=now, outlier_factor=3.0, **more)


async def test_each_row_is_taken_skipped_or_flagged_with_its_reason(records, now) -> None:
    summary = await take_in(records, now)
    assert (summary.rows, summary.taken, summary.rounded) == (13, 4, 1)
    assert summary.flagged == {"5100 Frw is over 3 times the usual 515 Frw": [7]}
    assert dict(summary.skipped) == {
        "already known": [6],
        "a commodity we do not list": [8],
        "a unit other than the product's": [9],
        "a currency other than RWF": [10],
        "a date that is not one": [11],
        "a date in the future": [12],
        "a price of nothing or less": [13],
        "a price that is not a number": [14],
    }


async def test_twice_is_once_and_a_dry_run_stores_nothing(records, now) -> None:
    await take_in(records, now, dry_run=True)
    assert await records.read(lambda db: db.execute(select(prices)).first()) is None
    await take_in(records, now)
    again = await take_in(records, now)
    assert again.taken == 0 and again.flagged == {}


async def test_the_board_shows_the_newest_with_its_trend_and_no_flagged_price(records, now) -> None:
    await take_in(records, now)
    board = PriceBoard(records, 30)
    await board.load()
    near = board.near("MAIZE", "Gakenke")
    assert [(p.place, p.amount_rwf) for p in near[:2]] == [("Gakenke", 521), ("Ruli", 500)]
    assert 5100 not in [price.amount_rwf for price in near]
    trend = board.trend(near[1])
    assert (trend.before_rwf, trend.change_rwf) == (480, 20)
    assert board.is_stale(near[0], date(2026, 11, 24)) and not board.is_stale(
        near[0], date(2026, 9, 1)
    )


async def test_the_board_notices_prices_of_another_process(records, now) -> None:
    board = PriceBoard(records, 30)
    await board.load()
    assert not await board.refresh_if_changed()
    await records.write(lambda db: load_demo_prices(db, "rw", now))
    assert await board.refresh_if_changed() and board.products("coffee")[0] == "COF-CHERRY"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"date,market\n", "no column 'admin2'"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"", "no column 'date'"),
    ],
)
async def test_a_file_that_is_none_is_named(tmp_path, records, now, content, words) -> None:
    file = tmp_path / "prices.csv"
    file.write_bytes(content)
    with pytest.raises(FileProblem, match=words):
        await take_in(records, now, file)
    with pytest.raises(FileProblem, match="cannot open"):
        await take_in(records, now, tmp_path / "none.csv")


def test_a_pack_is_traced_back_to_the_cherries() -> None:
    chain = chain_of("COF-ROAST", 200 * 500)
    assert chain.roasted_g == 100_000
    assert chain.green_g == 119_048 and chain.cherry_g == 773_812
    assert chain_of("TEA-MADE", 1000) is None


def test_a_split_adds_up_to_the_last_franc_or_is_refused() -> None:
    class Order:
        price_rwf, sale_price_rwf = 12_000, 16_001
        deductions = (Line("transport", "x", 1_501), Line("marketplace", "y", 2_500))

    parts = split(Order, 7)
    # To the type: a float says 1,800.0 on a screen, and loses francs when there are many.
    francs = (parts.sale_price_rwf, parts.net_rwf, *(line.amount_rwf for line in parts.lines))
    assert {type(rwf) for rwf in francs} == {int}
    assert parts.net_rwf + sum(line.amount_rwf for line in parts.lines) == parts.sale_price_rwf
    Order.sale_price_rwf = 16_002
    with pytest.raises(DoesNotAddUp):
        split(Order, 7)


def test_the_example_is_dated_and_sourced() -> None:
    assert (EXAMPLE.rest_cents, EXAMPLE.gain_cents) == (400, 400)
    assert EXAMPLE.source and EXAMPLE.day.year == 2020
