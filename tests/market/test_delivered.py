"""What was delivered is paid: once, by whichever process; what the limits refuse goes to staff."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import func, select

from bot.market import Actor, delivered, offers
from bot.market.limits import USUAL
from bot.storage.schema import payments, tickets
from tests.market.money import settle
from tests.sweep import cast


async def sold(records, now) -> int:
    """An offer that was accepted, brought, shipped and delivered."""

    def work(db) -> int:
        offer_id = cast.accepted(db, cast.farmer(db, "x", now), now)
        for trigger in ("hand_over", "ship", "deliver"):
            offers.move(db, Actor("hub", "hub", f"{trigger}-{offer_id}"), offer_id, trigger, now)
        return offer_id

    return await records.write(work)


async def test_B06_what_was_delivered_is_paid_once_by_many_processes_at_once(records, now) -> None:
    offer_id = await sold(records, now)
    assert await records.read(delivered.unpaid) == [offer_id]

    def pay(db):
        return delivered.pay(db, offer_id, "RWF", USUAL, now)

    made = [one for one in await asyncio.gather(*[records.write(pay) for _ in range(10)]) if one]
    (payment,) = made
    assert (payment.amount_rwf, payment.offer_id) == (cast.AMOUNT_RWF, offer_id)
    assert await records.read(delivered.unpaid) == []
    assert await records.read(lambda db: db.execute(select(func.count(tickets.c.id))).scalar()) == 0


async def test_what_the_operator_refused_is_for_staff_and_is_not_paid_by_itself_again(
    records, now
) -> None:
    from bot.payments.provider import Outcome

    offer_id = await sold(records, now)
    payment = await records.write(lambda db: delivered.pay(db, offer_id, "RWF", USUAL, now))
    await records.write(lambda db: settle(db, payment, now, Outcome.REFUSED))
    assert await records.read(delivered.unpaid) == []
    assert await records.write(lambda db: delivered.pay(db, offer_id, "RWF", USUAL, now)) is None


async def test_what_a_limit_refuses_has_one_ticket_and_is_paid_when_the_limit_allows_it(
    records, now
) -> None:
    offer_id = await sold(records, now)
    strict = replace(USUAL, person_day_rwf=cast.AMOUNT_RWF - 1)
    for _round in range(3):
        assert (
            await records.write(lambda db: delivered.pay(db, offer_id, "RWF", strict, now)) is None
        )
    told = await records.read(lambda db: db.execute(select(tickets.c.about, tickets.c.text)).all())
    ((about, why),) = told
    assert about == cast.CODE and "in one day" in why
    later = now + timedelta(days=1)
    paid = await records.write(lambda db: delivered.pay(db, offer_id, "RWF", USUAL, later))
    assert paid.amount_rwf == cast.AMOUNT_RWF
    count = select(func.count(payments.c.id))
    assert await records.read(lambda db: db.execute(count).scalar()) == 1
