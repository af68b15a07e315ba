"""A ticket about money stays for as long as the money is not settled, and comes again when lost."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from bot.market import money_tickets, settlement, settling_by_hand
from bot.market.limits import USUAL
from bot.operations.housekeeping import Housekeeping
from bot.payments.provider import Answer, Outcome
from bot.storage.schema import audit, contacts, tickets
from bot.storage.schema import payments as payment_rows
from tests.dashboard.desk import Desk, demo_link
from tests.market.money import pay as pay_somebody
from tests.market.money import person
from tests.server import Running
from tests.test_payout_loop import operator, pay, settled


async def flagged(server: Running):
    """A payout to somebody who speaks French, of which the operator says another amount."""
    french = update(contacts).where(contacts.c.id == 1).values(language="fr")
    await server.parts.market.records.write(lambda db: db.execute(french))
    operator(server, amount_altered=True)
    return await settled(server, (await pay(server)).reference, "flagged")


async def open_ones(records) -> list:
    query = select(tickets).where(tickets.c.state == "open")
    return list(await records.read(lambda db: db.execute(query).all()))


async def test_a_ticket_of_a_flagged_payment_is_not_closed_by_hand(server: Running) -> None:
    payment, records = await flagged(server), server.parts.market.records
    (ticket,) = await open_ones(records)
    assert (ticket.category, ticket.language) == ("payment_flagged", "fr")
    async with Desk(server) as desk:
        await desk.gets(await demo_link(server))
        page = await desk.gets(f"/dashboard/tickets/{ticket.code}")
        assert f"/dashboard/payments/{payment.id}" in page
        assert "Close the ticket" not in page
        page = await desk.posts(f"/dashboard/tickets/{ticket.code}/close", note="done")
        assert desk.status == 409 and f"/dashboard/payments/{payment.id}" in page
        assert [one.code for one in await open_ones(records)] == [ticket.code]
        ended = await records.write(
            lambda db: settling_by_hand.settle(
                db, payment.reference, "succeeded", reason="letter", by="amina", second="eric",
                now=datetime.now(UTC), rules=USUAL,
            )
        )  # fmt: skip
        assert ended == "settled" and await open_ones(records) == []
        page = await desk.gets(f"/dashboard/tickets/{ticket.code}")
        assert "Close the ticket" not in page
    closings = select(audit).where(audit.c.action == "ticket closed")
    assert await records.read(lambda db: db.execute(closings).all()) == []


async def test_housekeeping_gives_a_flagged_payment_its_ticket_again(server: Running) -> None:
    await flagged(server)
    records = server.parts.market.records
    close = update(tickets).values(state="closed", msisdn="")
    await records.write(lambda db: db.execute(close))
    for _round in range(2):
        await Housekeeping(server.parts.market, lambda: None, timedelta(days=30)).keep()
        (again,) = await open_ones(records)
        assert (again.category, again.language) == ("payment_flagged", "fr")
        assert "the operator says 61000" in again.text


@pytest.mark.parametrize("end", [Outcome.SUCCEEDED, None])
async def test_an_unknown_payment_keeps_its_ticket_until_it_is_known(records, now, end) -> None:
    def old(db):
        payment = pay_somebody(db, person(db, now), now)
        settlement.record_asked(db, payment.reference, Answer(Outcome.UNKNOWN, "lost"), now)
        late = now + timedelta(minutes=31)
        db.execute(update(payment_rows).values(look_ups=3))
        settlement.record_answer(db, payment.reference, Answer(Outcome.PENDING), late, rules=USUAL)
        return payment

    payment = await records.write(old)
    (ticket,) = await open_ones(records)
    assert ticket.category == "payment_unknown"
    found = await records.read(
        lambda db: money_tickets.unsettled(db, ticket.category, ticket.about)
    )
    assert found is not None and found.reference == payment.reference
    # As a version before could close it.
    await records.write(lambda db: db.execute(update(tickets).values(state="closed")))
    if end is not None:
        paid = Answer(end, amount_rwf=60_000, currency="RWF", payee_msisdn=payment.payee_msisdn)
        await records.write(
            lambda db: settlement.record_answer(db, payment.reference, paid, now, rules=USUAL)
        )
    again = await records.write(lambda db: money_tickets.ask_again(db, now))
    assert again == (end is None) and len(await open_ones(records)) == again
