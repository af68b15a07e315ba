"""A clock that was set forward and back puts nothing off for days (M-17). Both stores."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, insert, select, update

from bot.market import (
    delivered,
    hub_news,
    outages,
    payments,
    reviews,
    settlement,
    stopping,
    subscriptions,
)
from bot.market.limits import USUAL
from bot.market.outages import OutageRules
from bot.payments.provider import Answer, Outcome
from bot.storage import hub_inbox, outbox, shop_pulls
from bot.storage.hub_inbox import Arrived
from bot.storage.schema import hub_orders, operators, payout_tries, tickets
from bot.storage.schema import outbox as letters
from bot.storage.schema import payments as rows
from tests.market.money import pay, person
from tests.market.test_delivered import sold
from tests.market.test_offers import order_of
from tests.test_outage import NOBODY

BACK = (timedelta(days=3), timedelta(hours=2))
RULES = OutageRules(failures=1)


@dataclass(frozen=True)
class Place:
    """Something that was begun at a moment and waits so long; whether its moment has come."""

    begin: Callable[[Connection, datetime], object]
    has_come: Callable[[Connection, datetime], bool]
    waits: timedelta


def fall(db: Connection, then: datetime) -> None:
    outages.judge(db, "mtn-momo", "one", NOBODY, RULES, then)


def rest(db: Connection, then: datetime) -> None:
    number, _secret = subscriptions.subscribe(db, "https://hub.example/in", (), then)
    for _failure in range(20):
        subscriptions.note_failure(db, number, "HTTP 500", then, then)


def claimed(db: Connection, now: datetime) -> bool:
    return shop_pulls.claim(db, "taobao", now, 300.0, 900.0) is not None


def pulled(db: Connection, then: datetime) -> None:
    held = shop_pulls.claim(db, "taobao", then, 300.0, 900.0)
    shop_pulls.asked(db, held, then, then + timedelta(seconds=900))


def event_failed(db: Connection, then: datetime) -> None:
    hub_inbox.keep(db, [(Arrived("hub", "e1", "order.created", "hub:1", b"{}"), False)], then)
    (event,) = hub_inbox.next_ones(db, then, 1)
    hub_inbox.failed(db, event, "ValueError", then + timedelta(seconds=32), then)


PLACES = {
    "a line that is down is asked": Place(
        fall, lambda db, now: bool(outages.due_probes(db, RULES, now)), timedelta(seconds=30)),
    "a line that recovers lets go": Place(
        lambda db, then: db.execute(insert(operators).values(
            provider="mtn-momo", state="recovering", next_at=then + timedelta(seconds=1))),
        lambda db, now: outages.is_release_due(db, RULES, now), timedelta(seconds=1)),
    "a receiver is called": Place(
        rest, lambda db, now: subscriptions.awake(db, now) != (), timedelta(seconds=900)),
    "an event of the hub is seen": Place(
        event_failed, hub_inbox.is_due, timedelta(seconds=32)),
    "an event of the hub is applied": Place(
        event_failed, lambda db, now: hub_inbox.next_ones(db, now, 1) != [],
        timedelta(seconds=32)),
    "a shop is asked": Place(pulled, claimed, timedelta(seconds=900)),
    "a shop is taken over": Place(
        claimed, claimed, timedelta(seconds=301)),
}  # fmt: skip


@pytest.mark.parametrize("back", BACK, ids=str)
@pytest.mark.parametrize("place", PLACES.values(), ids=list(PLACES))
async def test_M17_what_waits_for_a_moment_of_another_clock_waits_no_longer(
    records, now, place: Place, back: timedelta
) -> None:
    await records.write(lambda db: place.begin(db, now + back))
    assert await records.write(lambda db: place.has_come(db, now))


@pytest.mark.parametrize("place", PLACES.values(), ids=list(PLACES))
async def test_M17_a_wait_of_today_is_waited_also_on_a_clock_some_seconds_behind(
    records, now, place: Place
) -> None:
    await records.write(lambda db: place.begin(db, now))
    behind = now - timedelta(seconds=50)
    assert not await records.write(lambda db: place.has_come(db, behind))
    assert await records.write(lambda db: place.has_come(db, now + place.waits))


async def test_M17_a_payout_that_a_limit_refused_is_tried_again(records, now) -> None:
    offer_id = await sold(records, now)

    async def unpaid_when_put_off(wait: timedelta) -> list[int]:
        await records.write(lambda db: delivered._put_off_until(db, offer_id, now + wait))
        return await records.read(lambda db: delivered.unpaid(db, now))

    assert await unpaid_when_put_off(timedelta(hours=1)) == []
    assert await unpaid_when_put_off(timedelta(days=3)) == [offer_id]
    count = select(payout_tries.c.offer_id)
    assert len(await records.read(lambda db: db.execute(count).all())) == 1


@pytest.mark.parametrize("kind", ["payout", "collection", "refund", "sms", "telegram", "webhook"])
@pytest.mark.parametrize("back", BACK, ids=str)
async def test_M17_a_letter_leaves_that_another_clock_dated(records, now, kind, back) -> None:
    def taken(db) -> list[str]:
        found = outbox.claim(db, "mine", now, 30.0, 10, (kind,))
        return [row.dedupe_key for row in found]

    def write(db) -> tuple[list[str], int, list[str]]:
        then = now + back
        outbox.put(db, kind, "at once", {}, then)
        outbox.put(db, kind, "tomorrow", {}, then, then + timedelta(hours=9))
        before = taken(db)
        return before, outbox.bring_back(db, now, 10), taken(db)

    assert await records.write(write) == ([], 2, ["at once"])
    # What was to leave later does so, and once dated anew nothing is dated again.
    query = select(letters.c.due_at).where(letters.c.dedupe_key == "tomorrow")
    due_at = await records.read(lambda db: db.execute(query).scalar())
    assert due_at == now + timedelta(hours=9)
    assert await records.write(lambda db: outbox.bring_back(db, now, 10)) == 0


async def test_M17_a_letter_that_was_tried_on_another_clock_is_tried_again_and_waits_then(
    records, now
) -> None:
    def write(db) -> list[int]:
        outbox.put(db, "payout", "tried", {}, now - timedelta(days=1))
        done = []
        for wait in (timedelta(days=3), timedelta(minutes=40)):
            (row,) = outbox.claim(db, "mine", now, 30.0, 10, ("payout",))
            outbox.again(db, row, "retry HTTP 500", now + wait)
            done.append(outbox.bring_back(db, now, 10))
        return done

    assert await records.write(write) == [1, 0]


async def test_M17_what_was_asked_for_on_another_clock_grows_old_all_the_same(records, now) -> None:
    then, taken = now + timedelta(days=3), Answer(Outcome.ACCEPTED)

    def ask(db):
        payment = pay(db, person(db, then), then)
        payments.count_ask(db, payment, then)
        return settlement.record_asked(db, payment.reference, taken, then)

    payment = await records.write(ask)
    assert await records.write(lambda db: payments.bring_back(db, now)) == 1
    later = now + timedelta(minutes=30)
    stopped = await records.write(lambda db: stopping.stop(
        db, payment.reference, reason="nobody knows", by="amina", now=now))  # fmt: skip
    assert stopped == "too_early"
    # The line is out of order, so that nobody looks it up.
    await records.write(lambda db: fall(db, now))
    assert await records.write(lambda db: settlement.ask_staff_of_old(db, now)) == 0
    assert await records.write(lambda db: settlement.ask_staff_of_old(db, later)) == 1
    kinds = select(tickets.c.category)
    assert await records.read(lambda db: db.execute(kinds).scalar()) == "payment_unknown"
    # What another hand holds is not stopped; this letter is nobody's.
    stopped = await records.write(lambda db: stopping.stop(
        db, payment.reference, reason="nobody knows", by="amina", now=later))  # fmt: skip
    assert stopped == "stopped"


async def test_M17_what_never_arrived_is_asked_for_again_on_a_clock_set_back(records, now) -> None:
    then, later = now + timedelta(days=3), now + timedelta(minutes=16)

    def write(db) -> int:
        payment = pay(db, person(db, then), then)
        payments.count_ask(db, payment, then)
        settlement.record_asked(db, payment.reference, Answer(Outcome.UNKNOWN), then)
        payments.bring_back(db, now)
        db.execute(update(rows).values(look_ups=4))
        settlement.record_answer(
            db, payment.reference, Answer(Outcome.NOT_THERE), later, rules=USUAL
        )
        return len(db.execute(select(letters.c.id).where(letters.c.kind == "payout")).all())

    assert await records.write(write) == 2


async def test_M17_an_order_is_looked_at_that_another_clock_put_off(records, now) -> None:
    from bot.market.orders import create_order

    answer_by = now + timedelta(hours=40)

    def write(db) -> tuple[list[int], list[int]]:
        order_id = create_order(db, order_of(now, 10), now)
        db.execute(insert(hub_orders).values(
            order_id=order_id, source="hub", hub_order_id="1", line=1, sku="COF", currency="RWF", unit_price="1",
            answer_by=answer_by))  # fmt: skip
        hub_news.review(db, order_id, answer_by)
        reviews.bring_back(db, now)
        before = reviews.due(db, now, 10)
        hub_news.review(db, order_id, now + timedelta(days=3))
        reviews.bring_back(db, now)
        return before, reviews.due(db, now, 10)

    before, after = await records.write(write)
    assert before == [] and len(after) == 1
