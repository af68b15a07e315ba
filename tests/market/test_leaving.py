"""Who leaves is told what is still owed; nothing of it is lost with their number; both stores."""

import asyncio
from datetime import timedelta

from sqlalchemy import func, select

from bot.market import (
    Actor,
    bookings,
    books,
    clearance,
    delivered,
    disputes,
    leaving,
    offers,
    passing_on_again,
    settlement,
)
from bot.market.limits import USUAL
from bot.market.payments import as_payment
from bot.market.tickets import open_ticket
from bot.payments.provider import Outcome
from bot.storage.schema import bookings as booking_rows
from bot.storage.schema import contacts, payments, tickets
from bot.storage.schema import offers as offer_rows
from tests.market.bills import bill
from tests.market.money import settle
from tests.market.test_bookings import asked as asked_to_visit
from tests.market.test_erasure import everything
from tests.phone import PIN
from tests.server import Running
from tests.sweep import cast


def carry(db, offer_id: int, now, *triggers: str) -> None:
    for trigger in triggers:
        offers.move(db, Actor("hub", "hub", f"{trigger}-{offer_id}"), offer_id, trigger, now)


def leave(db, contact_id: int, now) -> None:
    leaving.leave(db, contact_id, f"contact:{contact_id}", "k", now)


def open_tickets(db) -> list[tuple[str, str, str]]:
    query = select(tickets.c.category, tickets.c.about, tickets.c.msisdn)
    return sorted(tuple(row) for row in db.execute(query.where(tickets.c.state == "open")))


async def test_what_waits_is_withdrawn_and_what_was_promised_goes_to_staff(records, now) -> None:
    def work(db):
        contact_id = cast.farmer(db, "x", now)
        waiting = cast.offered(db, contact_id, now, code="KW-1")
        cast.accepted(db, contact_id, now, code="KW-2")
        carry(db, cast.accepted(db, contact_id, now, code="KW-3"), now, "hand_over")
        ids = [asked_to_visit(db, contact_id, now, f"VB-{n}", 20 + n) for n in range(2)]
        actor = Actor(f"contact:{contact_id}", "test", "k", contact_id)
        assert bookings.accept(db, actor, ids[0], 1, now).outcome == "accepted"
        bill(db, now)
        due = leaving.due(db, contact_id, now)
        leave(db, contact_id, now)
        states = dict(db.execute(select(offer_rows.c.id, offer_rows.c.state)).all())
        visits = db.execute(select(booking_rows.c.state).order_by(booking_rows.c.id)).scalars()
        return due, states[waiting], list(visits), open_tickets(db)

    due, waiting, visits, shown = await records.write(work)
    assert (due.owed_rwf, due.to_bring, due.visits, due.disputed) == (cast.AMOUNT_RWF, 1, 1, 0)
    assert due.bills_rwf == 25_000
    assert (waiting, visits) == ("withdrawn", ["accepted", "withdrawn"])
    assert shown == [
        ("booking", "VB-0", ""), ("order", "KW-2", ""), ("order", "KW-3", ""), ("other", "KW-77", ""),
    ]  # fmt: skip


async def test_goods_that_are_given_are_paid_although_who_gave_them_has_left(records, now) -> None:
    def work(db) -> int:
        contact_id = cast.farmer(db, "x", now)
        offer_id = cast.accepted(db, contact_id, now)
        carry(db, offer_id, now, "hand_over")
        leave(db, contact_id, now)
        carry(db, offer_id, now, "ship", "deliver")
        return offer_id

    offer_id = await records.write(work)
    paid = await records.write(lambda db: delivered.pay(db, offer_id, "RWF", USUAL, now))
    assert (paid.amount_rwf, paid.payee_msisdn) == (cast.AMOUNT_RWF, cast.FARMER)
    assert await records.read(wallets) == [cast.FARMER]
    await records.write(lambda db: settle(db, paid, now))
    assert await records.read(wallets) == [""]
    states = select(payments.c.state, offer_rows.c.state).join_from(
        payments, offer_rows, payments.c.offer_id == offer_rows.c.id
    )
    assert await records.read(lambda db: db.execute(states).all()) == [("succeeded", "paid")]
    assert cast.FARMER not in await everything(records)


async def test_nothing_owed_leaves_no_wallet(records, now) -> None:
    def work(db) -> None:
        contact_id = cast.farmer(db, "x", now)
        cast.accepted(db, contact_id, now)
        leave(db, contact_id, now)

    await records.write(work)
    assert cast.FARMER not in await everything(records)


async def test_what_cannot_be_paid_any_more_has_one_ticket(records, now) -> None:
    """As of somebody who left before wallets were kept."""

    def work(db) -> int:
        contact_id = cast.farmer(db, "x", now)
        offer_id = cast.delivered(db, contact_id, now)
        leave(db, contact_id, now)
        db.execute(contacts.update().values(wallet="", wallet_provider=""))
        return offer_id

    offer_id = await records.write(work)
    made = []
    for hours in range(3):
        later = now + timedelta(hours=hours)
        pay = lambda db: delivered.pay(db, offer_id, "RWF", USUAL, later)  # noqa: B023, E731
        made.append(await records.write(pay))
    payment, *more = made
    assert more == [None, None]
    for _twice in range(2):
        clear = lambda db: clearance.clear(db, payment.reference, USUAL, now)  # noqa: E731
        assert await records.write(clear) is None
    shown = await records.read(open_tickets)
    assert shown == [("order", cast.CODE, ""), ("payment_flagged", settlement.about(payment), "")]


async def test_the_person_reads_it_before_they_delete_on_the_phone(server: Running) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("9", "3")
    await phone.dials()
    assert "Accepted" not in await phone.types("6", "2", PIN, "3")
    await phone.dials()
    await phone.types("2", "1", "1", PIN)
    await phone.dials()
    assert "Accepted and not delivered: 1." in await phone.types("6", "2", PIN, "3")


def refuse(db, offer_id: int, now) -> None:
    """The payout of these goods, which the operator refuses."""
    payment = delivered.pay(db, offer_id, "RWF", USUAL, now)
    settle(db, payment, now, Outcome.REFUSED, reason="PAYEE_NOT_ALLOWED_TO_RECEIVE")


def wallets(db) -> list[str]:
    return list(db.execute(select(contacts.c.wallet)).scalars())


async def test_a_refused_payout_is_still_owed_to_who_leaves_and_is_paid_again_by_people(
    records, now
) -> None:
    def work(db):
        contact_id = cast.farmer(db, "x", now)
        offer_id = cast.delivered(db, contact_id, now)
        refuse(db, offer_id, now)
        due = leaving.due(db, contact_id, now)
        leave(db, contact_id, now)
        return due.owed_rwf

    assert await records.write(work) == cast.AMOUNT_RWF
    assert [line[0] for line in await records.read(open_tickets)] == ["order", "payment_missing"]
    assert (await records.read(books.check)).faults == []
    assert await records.read(wallets) == [cast.FARMER]

    def again(db):
        failed = as_payment(db.execute(select(payments)).mappings().one())
        said = passing_on_again.pass_on_again(
            db, failed.reference, reason="shut", by="felix", rules=USUAL, now=now
        )
        newest = select(payments).order_by(payments.c.id.desc()).limit(1)
        return said, as_payment(db.execute(newest).mappings().one())

    said, payment = await records.write(again)
    assert (said, payment.payee_msisdn) == ("passed_on", cast.FARMER)
    await records.write(lambda db: settle(db, payment, now))
    assert await records.read(wallets) == [""]


async def test_what_the_hub_says_of_a_part_is_not_lost_with_who_leaves(records, now) -> None:
    def work(db) -> None:
        contact_id = cast.farmer(db, "x", now)
        offer_id = cast.accepted(db, contact_id, now)
        carry(db, offer_id, now, "hand_over")
        offer = offers.by_id(db, offer_id, contact_id)
        for category, text in (("order", f"mouldy, says {cast.FARMER}"), ("shipment", "")):
            open_ticket(
                db, category=category, msisdn=cast.FARMER, contact_id=contact_id, about=offer.named,
                text=text, language="rw", now=now,
            )  # fmt: skip
        leave(db, contact_id, now)

    await records.write(work)
    named = f"{cast.CODE} P-1"
    shown = await records.read(open_tickets)
    assert ("order", named, "") in shown and ("shipment", named, "") in shown
    texts = await records.read(lambda db: list(db.execute(select(tickets.c.text)).scalars()))
    assert any(text.startswith("mouldy") for text in texts)
    assert cast.FARMER not in "".join(texts)


async def test_a_wallet_is_kept_while_a_part_is_in_dispute_and_not_after(records, now) -> None:
    def end(db, offer_id: int, how) -> None:
        how(db, offer_id, reason="looked at", by="vera", channel="dashboard", now=now)

    def work(db) -> tuple[int, int]:
        contact_id = cast.farmer(db, "x", now)
        first, second = (cast.accepted(db, contact_id, now, code=f"KW-{n}") for n in (1, 2))
        for offer_id in (first, second):
            carry(db, offer_id, now, "hand_over")
        leave(db, contact_id, now)
        end(db, second, disputes.dispute)
        carry(db, first, now, "ship", "deliver")
        settle(db, delivered.pay(db, first, "RWF", USUAL, now), now)
        return first, second

    _first, second = await records.write(work)
    assert await records.read(wallets) == [cast.FARMER]
    await records.write(lambda db: end(db, second, disputes.call_off))
    assert await records.read(wallets) == [""]


async def test_leaving_while_the_clock_closes_what_waits_is_no_error(records, now) -> None:
    def begin(db) -> int:
        contact_id = cast.farmer(db, "x", now)
        cast.offered(db, contact_id, now)
        return contact_id

    contact_id = await records.write(begin)

    def close_slowly(db) -> None:
        assert offers.expire_due(db, now + timedelta(days=4)) == 1
        if db.dialect.name == "postgresql":
            db.execute(select(func.pg_sleep(0.5)))

    closing = asyncio.create_task(records.write(close_slowly))
    await asyncio.sleep(0.2)
    # So much is asked at once that PostgreSQL's records take another connection for it.
    crowd = [records.read(lambda db: None) for _one in range(20)]
    await asyncio.gather(*crowd, records.write(lambda db: leave(db, contact_id, now)))
    await closing
    query = select(contacts.c.msisdn, offer_rows.c.state).join(offer_rows)
    assert await records.read(lambda db: tuple(db.execute(query).one())) == (None, "expired")
