"""What was delivered is paid: once, by whichever process; what the limits refuse goes to staff."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import func, select, update

from bot.market import Actor, delivered, offers
from bot.market.limits import USUAL
from bot.market.orders import make_offer
from bot.market.tickets import open_ticket
from bot.storage.schema import offers as rows
from bot.storage.schema import orders, payments, tickets
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
    assert await records.read(lambda db: delivered.unpaid(db, now)) == [offer_id]

    def pay(db):
        return delivered.pay(db, offer_id, "RWF", USUAL, now)

    made = [one for one in await asyncio.gather(*[records.write(pay) for _ in range(10)]) if one]
    (payment,) = made
    assert (payment.amount_rwf, payment.offer_id) == (cast.AMOUNT_RWF, offer_id)
    assert await records.read(lambda db: delivered.unpaid(db, now)) == []
    assert await records.read(lambda db: db.execute(select(func.count(tickets.c.id))).scalar()) == 0


async def test_what_the_operator_refused_is_for_staff_and_is_not_paid_by_itself_again(
    records, now
) -> None:
    from bot.payments.provider import Outcome

    offer_id = await sold(records, now)
    payment = await records.write(lambda db: delivered.pay(db, offer_id, "RWF", USUAL, now))
    await records.write(lambda db: settle(db, payment, now, Outcome.REFUSED))
    assert await records.read(lambda db: delivered.unpaid(db, now)) == []
    assert await records.write(lambda db: delivered.pay(db, offer_id, "RWF", USUAL, now)) is None


async def told_of(records) -> list:
    query = select(tickets.c.about, tickets.c.text, tickets.c.state).order_by(tickets.c.id)
    return [tuple(row) for row in await records.read(lambda db: db.execute(query).all())]


async def test_what_a_limit_refuses_has_one_ticket_and_is_paid_when_the_limit_allows_it(
    records, now
) -> None:
    offer_id = await sold(records, now)
    strict = replace(USUAL, person_day_rwf=cast.AMOUNT_RWF - 1)

    async def pays(rules, at):
        return await records.write(lambda db: delivered.pay(db, offer_id, "RWF", rules, at))

    # Looked at again an hour later, and not every fifteen seconds by each process.
    for minutes in (0, 0, 30):
        at = now + timedelta(minutes=minutes)
        assert await pays(strict, at) is None
        assert await records.read(lambda db, at=at: delivered.unpaid(db, at)) == []
    assert await pays(USUAL, now) is None
    in_an_hour = now + timedelta(hours=1)
    assert await records.read(lambda db: delivered.unpaid(db, in_an_hour)) == [offer_id]
    assert await pays(strict, in_an_hour) is None
    ((about, why, state),) = await told_of(records)
    assert (about, state) == (f"{cast.CODE} P-{offer_id}", "open") and "in one day" in why
    paid = await pays(USUAL, now + timedelta(days=1))
    assert paid.amount_rwf == cast.AMOUNT_RWF
    count = select(func.count(payments.c.id))
    assert await records.read(lambda db: db.execute(count).scalar()) == 1
    assert [one[2] for one in await told_of(records)] == ["closed"]


async def test_each_seller_of_an_order_has_a_ticket_whatever_the_order_once_had(
    records, now
) -> None:
    strict = replace(USUAL, largest_rwf=cast.AMOUNT_RWF // 2 - 1)

    def work(db) -> list[int]:
        first = cast.farmer(db, "x", now)
        whole = cast.accepted(db, first, now)
        order_id = db.execute(select(rows.c.order_id).where(rows.c.id == whole)).scalar()
        db.execute(update(orders).values(packs=cast.PACKS * 2))
        second = cast.farmer(db, "x", now, msisdn="+250788000002")
        other = make_offer(db, order_id, second, cast.PACKS, now + timedelta(days=3), "*1#", now,
                           cast.ZONE)  # fmt: skip
        offers.accept(db, Actor("c", "test", "a", second), other, 1, cast.PACKS, now, cast.ZONE)
        for offer_id in (whole, other):
            for trigger in ("hand_over", "ship", "deliver"):
                key = f"{trigger}-{offer_id}"
                offers.move(db, Actor("hub", "hub", key), offer_id, trigger, now)
        # As the seller's own "Payment not received" has it.
        open_ticket(db, category="payment_missing", msisdn=cast.FARMER, contact_id=first,
                    about=cast.CODE, language="en", now=now)  # fmt: skip
        for offer_id in (whole, other):
            delivered.pay(db, offer_id, "RWF", strict, now)
        return [whole, other]

    ids = await records.write(work)
    told = [about for about, _text, _state in await told_of(records)]
    assert told == [cast.CODE, *(f"{cast.CODE} P-{offer_id}" for offer_id in ids)]


async def test_what_cannot_be_paid_hides_nothing_behind_it(records, now, monkeypatch) -> None:
    monkeypatch.setattr(delivered, "AT_ONCE", 2)

    def work(db) -> list[int]:
        return [
            cast.delivered(db, cast.farmer(db, "x", now, msisdn=f"+25078800001{n}"), now,
                           code=f"KW-{n}0")
            for n in range(5)
        ]  # fmt: skip

    ids = await records.write(work)
    seen, last = [], 0
    while page := await records.read(lambda db, last=last: delivered.unpaid(db, now, last)):
        assert len(page) <= 2
        seen, last = seen + page, page[-1]
    assert seen == ids
