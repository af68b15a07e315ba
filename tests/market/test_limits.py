"""Limits of payouts: what breaks one is refused before anything is written, on both stores."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select

from bot.market import books, collecting, offers, sale_money
from bot.market.limits import PayoutRefused, PayoutRules
from bot.market.payments import Payment
from bot.payments.provider import Outcome
from bot.storage.schema import outbox, payments, sales
from tests.market.bills import collected
from tests.market.money import PAYEE, pay, person, settle
from tests.market.test_offers import ZONE, actor, order_of

TIGHT = PayoutRules(largest_rwf=100_000, person_day_rwf=150_000)


async def nothing_was_written(records, rows: int = 0) -> None:
    count = select(func.count()).select_from(payments)
    assert await records.read(lambda db: db.execute(count).scalar()) == rows
    query = select(func.count()).where(outbox.c.kind == "payout")
    assert await records.read(lambda db: db.execute(query).scalar()) == rows
    assert (await records.read(books.check)).faults == []


@pytest.mark.parametrize(("amount", "more", "why"), [
    (0, {}, "positive whole"), (-5, {}, "positive whole"), (0.01, {}, "positive whole"),
    (True, {}, "positive whole"), (5_000_001, {}, "over the largest"),
    (100_001, {"rules": TIGHT}, "over the largest payout, 100000"),
    (60_000, {"currency": "EUR"}, "not the hub's currency"),
    (60_000, {"offer_id": 99}, "not this person's"),
])  # fmt: skip
async def test_M16_what_may_not_be_paid_is_not_made(records, now, amount, more, why) -> None:
    contact_id = await records.write(lambda db: person(db, now))
    with pytest.raises(PayoutRefused, match=why):
        await records.write(lambda db: pay(db, contact_id, now, amount, **more))
    await nothing_was_written(records)


@pytest.mark.parametrize("amount", [0, -5, 5_000_001])
async def test_M16_the_table_refuses_it_too(records, now, amount) -> None:
    contact_id = await records.write(lambda db: person(db, now))
    row = {"reference": "r", "callback_token": "t", "direction": "payout", "order_code": "KW-1",
           "contact_id": contact_id, "provider": "mtn-momo", "payee_msisdn": PAYEE,
           "amount_rwf": amount, "currency": "RWF", "proof_code": "x", "created_at": now}  # fmt: skip
    with pytest.raises(Exception, match="amount_in_limits"):
        await records.write(lambda db: db.execute(insert(payments).values(row)))


async def test_M16_no_more_than_the_order_brings_over_all_its_payouts(records, now) -> None:
    from bot.market.orders import create_order, make_offer

    def write(db) -> tuple[int, int]:
        contact_id = person(db, now)
        order_id = create_order(db, order_of(now, 10), now)
        offer_id = make_offer(
            db, order_id, contact_id, 10, now + timedelta(days=2), "*384*801#", now, ZONE
        )
        offers.accept(db, actor(contact_id), offer_id, 1, 10, now, ZONE)
        pay(db, contact_id, now, 100_000, offer_id=offer_id)
        return contact_id, offer_id

    contact_id, offer_id = await records.write(write)
    with pytest.raises(PayoutRefused, match="120001 is over what the order brings, 120000"):
        await records.write(lambda db: pay(db, contact_id, now, 20_001, offer_id=offer_id))
    await records.write(lambda db: pay(db, contact_id, now, 20_000, offer_id=offer_id))
    await nothing_was_written(records, rows=2)


async def test_the_day_of_a_person_has_a_limit_and_ends_at_midnight_in_kigali(records, now) -> None:
    contact_id = await records.write(lambda db: person(db, now))
    late = now.replace(hour=21, minute=59)
    await records.write(lambda db: pay(db, contact_id, late, 100_000, rules=TIGHT))
    with pytest.raises(PayoutRefused, match="160000 in one day"):
        await records.write(lambda db: pay(db, contact_id, late, 60_000, rules=TIGHT))
    other = await records.write(lambda db: person(db, now, "+250788000002"))
    await records.write(lambda db: pay(db, other, late, 60_000, rules=TIGHT))
    midnight = late + timedelta(minutes=1)
    await records.write(lambda db: pay(db, contact_id, midnight, 60_000, rules=TIGHT))


async def test_what_failed_does_not_count(records, now) -> None:
    contact_id = await records.write(lambda db: person(db, now))
    for _try in range(3):
        await records.write(
            lambda db: settle(
                db, pay(db, contact_id, now, 100_000, rules=TIGHT), now, Outcome.REFUSED
            )
        )


async def test_two_at_once_cannot_pass_a_limit_together(records, now) -> None:
    contact_id = await records.write(lambda db: person(db, now))
    tries = [
        records.write(lambda db: pay(db, contact_id, now, 100_000, rules=TIGHT)) for _ in range(6)
    ]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, PayoutRefused) for one in done) == 5, done
    await nothing_was_written(records, rows=1)


async def test_what_a_buyer_paid_keeps_to_the_same_day_and_a_refund_is_no_part_of_it(
    records, now
) -> None:
    """The hub's midnight begins it for both, and nobody's own money coming back fills it."""
    late = now.replace(hour=21, minute=59)

    def write(db) -> list[str]:
        back = collected(db, late)
        collecting.refund(db, back.reference, late)
        pay(db, back.contact_id, late, 100_000, rules=TIGHT)
        moments = late, late + timedelta(minutes=1)
        sold = [bought(db, back, number, at) for number, at in enumerate(moments)]
        return [sale_money.pass_on(db, one, TIGHT, one.created_at).held for one in sold]

    assert await records.write(write) == ["", ""]


def bought(db, like, number: int, now) -> Payment:
    """What a buyer has paid this seller: 50,000 francs, with no more than its row."""
    sale = {"contact_id": like.contact_id, "buyer_msisdn": f"+25078800006{number}",
            "amount_rwf": 50_000, "what_for": "honey", "key": str(number), "asked_at": now}  # fmt: skip
    key = db.execute(insert(sales).values(sale)).inserted_primary_key
    return replace(like, sale_id=int(key[0]), amount_rwf=50_000, created_at=now, refunds_id=None)
