"""What is taken of a price adds up to the franc; weeks are compared like with like."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from bot.market import price_fees
from bot.market.price_fees import Fee, Fees
from bot.market.prices import Price, PriceBoard
from bot.market.weekly import compare
from bot.storage.schema import audit, prices

MONDAY = date(2026, 11, 23)
FEES = Fees("COF-CHERRY", MONDAY, "KOPAKAMA", (Fee("transport", "Ruli", amount_rwf=25),))


def price(day: date, amount_rwf: int = 700, source: str = "NAEB") -> Price:
    return Price("COF-CHERRY", "Ruli", "Gakenke", "observed", amount_rwf, "kg", day, source)


@given(
    price_rwf=st.integers(1, 5_000_000),
    fees=st.lists(st.builds(Fee, st.just("x"), st.just("y"), st.integers(0, 400),
                            st.integers(0, 2_000)), max_size=6),
)  # fmt: skip
def test_net_and_fees_are_the_price_to_the_last_franc_or_nothing_is_shown(price_rwf, fees) -> None:
    parts = Fees("COF-CHERRY", MONDAY, "x", tuple(fees)).split(price_rwf)
    exact = sum(fee.amount_rwf + price_rwf * fee.permille / 1000 for fee in fees)
    if parts is None:
        assert exact > price_rwf - 1 - len(fees)
        return
    assert parts.net_rwf + sum(line.amount_rwf for line in parts.lines) == price_rwf
    # Each is rounded down, so that the farmer never has less than the exact share.
    assert parts.net_rwf > 0 and parts.net_rwf >= price_rwf - exact - 0.001
    assert {type(line.amount_rwf) for line in parts.lines} <= {int}


@given(today=st.dates(date(2026, 1, 1), date(2027, 12, 31)), ago=st.integers(-5, 30))
def test_a_price_is_of_this_week_of_the_last_or_of_neither(today: date, ago: int) -> None:
    one = price(today - timedelta(days=ago))
    weeks = compare([one], today)
    assert weeks.monday.weekday() == 0 and weeks.monday <= today <= weeks.sunday
    same = one.valid_on.isocalendar()[:2]
    is_this = ago >= 0 and same == today.isocalendar()[:2]
    is_last = same == (today - timedelta(days=7)).isocalendar()[:2]
    assert (weeks.this, weeks.last) == (one if is_this else None, one if is_last else None)
    assert weeks.change_rwf is None


async def test_a_day_has_its_fees_once_and_a_later_day_takes_their_place(records, now) -> None:
    def publish(new: Fees, by: str = "amina"):
        return records.write(lambda db: price_fees.publish(db, "rw", new, by, now))

    later = Fees("COF-CHERRY", MONDAY + timedelta(days=2), "KOPAKAMA", (Fee("transport", "x", 50),))
    assert await publish(FEES) and await publish(later)
    assert not await publish(Fees("COF-CHERRY", MONDAY, "other", ()))
    board = PriceBoard(records, 30)
    await board.load()
    assert board.fees("COF-CHERRY", MONDAY - timedelta(days=1)) is None
    assert board.fees("COF-CHERRY", MONDAY + timedelta(days=1)) == FEES
    assert board.fees("COF-CHERRY", MONDAY + timedelta(days=2)) == later
    assert board.fees("TEA-LEAF", MONDAY) is None
    who = select(audit.c.actor, audit.c.action)
    assert await records.read(lambda db: set(db.execute(who).all())) == {
        ("amina", "fees published")
    }


@pytest.mark.parametrize(
    ("fees", "by", "why"),
    [
        ((Fee("a", "b", 600), Fee("c", "d", 400)), "amina", "nothing for the farmer"),
        ((Fee("a", "b", -1),), "amina", "below zero"),
        ((Fee("a", "b", 0, -1),), "amina", "below zero"),
        ((Fee("a" * 25, "b"),), "amina", "1 to 24"),
        ((Fee("a", ""),), "amina", "1 to 24"),
        ((), " ", "--by"),
    ],
)
async def test_fees_that_are_none_are_refused(records, now, fees, by, why) -> None:
    new = Fees("COF-CHERRY", MONDAY, "x", fees)
    with pytest.raises(ValueError, match=why):
        await records.write(lambda db: price_fees.publish(db, "rw", new, by, now))
    assert await records.read(lambda db: price_fees.every_one(db, "rw")) == []


async def test_the_fees_of_another_hub_are_not_ours(records, now) -> None:
    new = Fees("COF-CHERRY", MONDAY, "x", (Fee("transport", "Ruli", 0, 25),))
    await records.write(lambda db: price_fees.publish(db, "ug", new, "amina", now))
    assert await records.read(lambda db: price_fees.every_one(db, "ug")) == [new]
    assert await records.read(lambda db: price_fees.every_one(db, "rw")) == []


async def test_the_board_hears_of_fees_and_compares_one_source_with_itself(records, now) -> None:
    board = PriceBoard(records, 30)
    await board.load()
    listed = [price(MONDAY, 700), price(MONDAY - timedelta(days=3), 650, "RAB"),
              price(MONDAY - timedelta(days=4), 680)]  # fmt: skip
    names = ("product", "place", "district", "kind", "amount_rwf", "unit", "valid_on", "source")
    rows = [{name: getattr(one, name) for name in names} | {"entered_at": now} for one in listed]
    await records.write(lambda db: db.execute(insert(prices), rows))
    assert await board.refresh_if_changed()
    weeks = compare(board.recent(board.latest("COF-CHERRY")[0]), MONDAY)
    assert weeks.change_rwf == 20
    await records.write(lambda db: price_fees.publish(db, "rw", FEES, "amina", now))
    assert await board.refresh_if_changed() and board.fees("COF-CHERRY", MONDAY) == FEES
    assert not await board.refresh_if_changed()
