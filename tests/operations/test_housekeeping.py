"""Housekeeping: thousands that fall due in one minute, and a task that always fails."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select

from bot.market import bookings, offers, payment_talks
from bot.market.orders import create_order
from bot.market.payments import count_ask
from bot.operations.housekeeping import Housekeeping
from bot.payments.provider import Answer, Outcome
from bot.settings import load_settings
from bot.storage import inbox
from bot.storage.records import Records
from bot.storage.schema import contacts, offer_events, payments
from bot.storage.schema import inbox as callbacks
from bot.storage.schema import offers as offer_rows
from bot.storage.schema import outbox as letters
from bot.wiring import market_of
from tests.market.money import pay, person
from tests.market.test_offers import order_of

MOST_AT_ONCE, DUE = 100, 600


class Counting:
    """The records, and how many offers each single write ended."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.ended: list[int] = []
        self.read = records.read

    async def write(self, work):
        def counted(db):
            count = select(func.count()).select_from(offer_events)
            before = db.execute(count).scalar_one()
            result = work(db)
            self.ended.append(db.execute(count).scalar_one() - before)
            return result

        return await self._records.write(counted)


async def fall_due(records: Records, count: int) -> None:
    """So many offers whose time is over, of one order."""

    def write(db) -> None:
        now = datetime.now(UTC)
        order_id = create_order(db, order_of(now, count), now)
        first = 100_000
        people = [{"id": first + number, "created_at": now} for number in range(count)]
        db.execute(insert(contacts), people)
        over = {"packs": 1, "price_rwf": 12_000, "answer_by": now - timedelta(minutes=1)}
        rows = [{"order_id": order_id, "contact_id": one["id"], **over} for one in people]
        db.execute(insert(offer_rows), rows)

    await records.write(write)


async def test_a_sales_offers_that_fall_due_together_end_few_at_a_time(
    records: Records,
) -> None:
    await fall_due(records, DUE)
    counting = Counting(records)
    market = market_of(load_settings({}), counting)
    await Housekeeping(market, lambda: None, timedelta(days=30)).keep()
    expired = select(func.count()).where(offer_rows.c.state == "expired")
    assert await records.read(lambda db: db.execute(expired).scalar()) == DUE
    assert sum(counting.ended) == DUE
    assert max(counting.ended) <= MOST_AT_ONCE


async def test_a_task_that_always_fails_stops_no_other(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def breaks(*_given: object) -> int:
        asked.append("offers")
        raise KeyError("a fault")

    def works(*_given: object) -> int:
        asked.append("bookings")
        return 0

    monkeypatch.setattr(offers, "expire_due", breaks)
    monkeypatch.setattr(bookings, "expire_due", works)
    market = market_of(load_settings({}), records)
    await Housekeeping(market, lambda: None, timedelta(days=30)).keep()
    assert asked == ["offers", "bookings"]


async def test_M17_what_a_clock_put_off_that_was_set_back_is_found_in_a_round(
    records: Records,
) -> None:
    now = datetime.now(UTC)
    then = now + timedelta(days=3)

    def write(db) -> None:
        count_ask(db, pay(db, person(db, then), then), then)

    await records.write(write)
    woken: list[str] = []
    market = market_of(load_settings({}), records)
    await Housekeeping(market, lambda: woken.append("sender"), timedelta(days=30)).keep()
    later = datetime.now(UTC)
    for query in (select(letters.c.due_at, letters.c.written_at), select(payments.c.asked_at)):
        moments = await records.read(lambda db, query=query: db.execute(query).one())
        assert all(now <= moment <= later for moment in moments)
    assert woken


async def test_what_operators_said_is_kept_as_long_as_what_people_typed(records: Records) -> None:
    now, month = datetime.now(UTC), timedelta(days=30)
    said = Answer(Outcome.UNKNOWN, "HTTP 503")

    def write(db) -> int:
        payment = pay(db, person(db, now), now)
        for number in range(1_100):
            at = now - month - timedelta(minutes=1100 - number)
            payment_talks.keep(db, payment, "look_up", said, at, at)
        payment_talks.keep(db, payment, "look_up", said, now - month / 2, now)
        return payment.id

    payment_id = await records.write(write)
    market = market_of(load_settings({}), records)
    await Housekeeping(market, lambda: None, month).keep()
    left = await records.read(lambda db: payment_talks.of_payment(db, payment_id))
    assert [one.at for one in left] == [now - month / 2]


async def test_what_was_called_back_is_kept_as_long_as_what_operators_said(
    records: Records,
) -> None:
    now, month = datetime.now(UTC), timedelta(days=30)
    outcomes = ["asked the operator: SUCCESSFUL", "unmatched", "forged: TS", "orphan"]

    def write(db) -> None:
        came = [(now - month - timedelta(seconds=1), what) for what in (*outcomes * 2, "x") * 70]
        for number, (at, outcome) in enumerate([*came, *[(now - month / 2, "new")] * 600]):
            inbox.keep(db, "mtn-momo", str(number), b"{}", at, "token")
            inbox.applied(db, "mtn-momo", str(number), outcome, at)

    await records.write(write)
    market = market_of(load_settings({}), records)
    for _round in range(2):
        await Housekeeping(market, lambda: None, month).keep()
    query = select(callbacks.c.outcome, func.count()).group_by(callbacks.c.outcome)
    left = await records.read(lambda db: dict(map(tuple, db.execute(query))))
    # What still waits for its payment is told to staff first.
    assert left == {"orphan": 140, "new": 600}
