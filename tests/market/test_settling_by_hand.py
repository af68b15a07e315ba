"""Flagged payments ended by two people: suspense is emptied, the audit and the person know."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from bot.market import books, clearance, collecting, settlement, settling_by_hand, stopping
from bot.market import payments as payments_
from bot.market.limits import USUAL
from bot.market.reconciliation import Kind
from bot.payments.provider import Answer, Outcome
from bot.storage.schema import audit, outbox, payment_events, payments, tickets
from tests.market.bills import collected
from tests.market.money import pay, person, settle
from tests.market.test_reconciliation import compared, line


async def end(records, reference: str, end: str, now, **other):
    said = {"reason": "MTN's letter", "by": "Amina", "second": "Eric", **other}
    return await records.write(
        lambda db: settling_by_hand.settle(db, reference, end, now=now, **said, rules=USUAL)
    )


async def balances(records) -> dict[str, int]:
    found = await records.read(books.check)
    assert found.faults == []
    return {name: rwf for name, rwf in found.balances.items() if rwf}


def payout(db, now):
    return settle(db, pay(db, person(db, now), now), now, amount_rwf=61_000)


def stopped(db, now):
    payment = pay(db, person(db, now), now)
    return settlement.flag(db, payment, "not what was approved", "server", now)


def collection(db, now):
    return collected(db, now, amount_rwf=26_000)


def refund(db, now):
    paid = collected(db, now)
    _outcome, made = collecting.refund(db, paid.reference, now)
    never = Answer(Outcome.NEVER_TOLD, "look in the portal")
    return settlement.record_asked(db, made.reference, never, now)


ENDS = [
    (payout, "succeeded", {"hub_float": -61_000, "hub_sales": 60_000, "write_off": 1_000}),
    (payout, "failed", {}),
    (stopped, "succeeded", {"hub_float": -60_000, "hub_sales": 60_000}),
    (stopped, "failed", {}),
    (collection, "succeeded", {"hub_float": 26_000, "hub_revenue": -25_000, "write_off": -1_000}),
    (collection, "failed", {"hub_revenue": -25_000, "receivable": 25_000}),
    (refund, "succeeded", {}),
    (refund, "failed", {"hub_float": 25_000, "hub_revenue": -25_000}),
]


@pytest.mark.parametrize(("made", "as_what", "left"), ENDS)
async def test_the_end_empties_suspense_and_the_books_are_right(
    records, now, made, as_what, left
) -> None:
    payment = await records.write(lambda db: made(db, now))
    assert payment.state == "flagged"
    (shown,) = await records.read(settling_by_hand.flagged)
    assert shown.payment == payment and shown.ticket
    assert await end(records, payment.reference, as_what, now) == "settled"
    assert await balances(records) == left
    assert await records.read(settling_by_hand.flagged) == []
    line = (await records.read(lambda db: db.execute(select(audit)).mappings().all()))[-1]
    assert (line["actor"], line["details"]["second"]) == ("amina", "eric")
    assert line["details"]["flagged_for"] == payment.reason
    # Who is promised a call has a ticket, so that somebody calls.
    owed = as_what == "failed" and payment.kind != "collection"
    left_open = select(tickets.c.category).where(tickets.c.state == "open")
    asked = await records.read(lambda db: db.execute(left_open).scalars().all())
    assert asked == ["payment_missing"] * owed
    what = "money" if as_what == "succeeded" else "failed"
    sms = select(func.count()).where(outbox.c.dedupe_key == f"{what}:{payment.reference}")
    assert await records.read(lambda db: db.execute(sms).scalar()) == 1
    assert await end(records, payment.reference, as_what, now) == "not_flagged"


@pytest.mark.parametrize(("other", "said"), [
    ({"second": " AMINA "}, "one_name"), ({"by": " "}, "one_name"), ({"second": "hub"}, "one_name"),
    ({"reason": "  "}, "no_reason"),
])  # fmt: skip
async def test_two_different_people_and_a_reason_are_needed(records, now, other, said) -> None:
    payment = await records.write(lambda db: payout(db, now))
    assert await end(records, payment.reference, "succeeded", now, **other) == said
    assert [one.payment.state for one in await records.read(settling_by_hand.flagged)] == [
        "flagged"
    ]


def never_there(db, now):
    """Turned away at first and refused when asked again, so that no answer ever ends it."""
    payment = pay(db, person(db, now), now, order_code="KW-78")
    payments_.count_ask(db, payment, now)
    away = Answer(Outcome.UNKNOWN, "HTTP 503", down=True, turned_away=True)
    settlement.record_asked(db, payment.reference, away, now)
    payments_.count_ask(db, payment, now)
    refused = Answer(Outcome.REFUSED, "PAYEE_NOT_FOUND")
    return settlement.record_asked(db, payment.reference, refused, now)


async def test_I5_what_no_answer_ever_ends_is_stopped_by_hand_and_ended_by_two(
    records, now
) -> None:
    payment = await records.write(lambda db: never_there(db, now))
    later = now + timedelta(minutes=31)
    not_there = Answer(Outcome.NOT_THERE)
    still = await records.write(
        lambda db: settlement.record_answer(db, payment.reference, not_there, later, rules=USUAL)
    )
    assert still.state == "unknown"
    assert [one.id for one in await records.read(lambda db: stopping.old(db, later))] == [still.id]
    stop = stopping.stop
    said = await records.write(
        lambda db: stop(db, payment.reference, reason="portal: none", by="Amina", now=later)
    )
    assert said == "stopped"
    # Nothing is asked of the operator any more, neither for the money nor about it.
    rows = select(payments.c.state, payments.c.look_up_at)
    assert await records.read(lambda db: db.execute(rows).all()) == [("flagged", None)]
    gone = await records.write(lambda db: clearance.clear(db, payment.reference, USUAL, later))
    assert gone is None
    assert await end(records, payment.reference, "failed", later) == "settled"
    assert await balances(records) == {}
    categories = select(tickets.c.category).where(tickets.c.state == "open")
    left = await records.read(lambda db: db.execute(categories).scalars().all())
    assert left == ["payment_missing"]
    line = select(payment_events.c.by).where(payment_events.c.to_state == "flagged")
    assert await records.read(lambda db: db.execute(line).scalars().all()) == ["staff amina"]


async def test_I07_what_people_ended_as_paid_has_no_number_and_no_statement_differs_by_that(
    records, now, tmp_path
) -> None:
    payment = await records.write(lambda db: never_there(db, now))
    later, reference = now + timedelta(minutes=31), payment.reference
    said = {"reason": "portal: none", "by": "Amina", "now": later}
    assert await records.write(lambda db: stopping.stop(db, reference, **said)) == "stopped"
    assert await end(records, reference, "succeeded", later) == "settled"
    theirs = line(payment, transaction_id="7000000001")
    tally, found = await compared(records, tmp_path, [theirs], later)
    assert tally.kinds == {Kind.MATCHED: 1} and tally.is_well and found == []
    left_open = select(tickets.c.category).where(tickets.c.state == "open")
    assert await records.read(lambda db: db.execute(left_open).all()) == []
    its = select(outbox.c.payload).where(outbox.c.dedupe_key == f"money:{reference}")
    (told,) = await records.read(lambda db: db.execute(its).scalars().all())
    assert "arrived on MoMo. Fee: " in told["text"] and "Transaction" not in told["text"]


async def test_what_may_still_be_answered_or_never_left_is_not_stopped(records, now) -> None:
    def work(db):
        contact_id, soon = person(db, now), now + timedelta(minutes=28)
        late = now + timedelta(hours=9)
        young, unasked = pay(db, contact_id, now), pay(db, contact_id, now)
        paid = settle(db, pay(db, contact_id, now), now)
        settlement.record_asked(db, young.reference, Answer(Outcome.ACCEPTED), now)
        asked = [(young, soon, "eric"), (young, late, "hub"), (unasked, late, "eric"),
                 (paid, late, "eric")]  # fmt: skip
        said = [stopping.stop(db, one.reference, reason="x", by=by, now=at)
                for one, at, by in asked]  # fmt: skip
        in_hand = {"lease": "x", "lease_until": late + timedelta(seconds=9)}
        mine = outbox.c.dedupe_key == f"payout:{young.reference}"
        db.execute(update(outbox).where(mine).values(in_hand))
        said.append(stopping.stop(db, young.reference, reason="x", by="eric", now=late))
        said.append(stopping.stop(db, young.reference, reason=" ", by="eric", now=late))
        return [*said, stopping.stop(db, "nobody", reason="x", by="eric", now=late)]

    said = await records.write(work)
    assert said == [
        "too_early", "no_name", "not_asked", "ended", "too_early", "no_reason", "gone",
    ]  # fmt: skip


async def test_only_a_flagged_payment_is_ended_by_hand(records, now) -> None:
    payment = await records.write(lambda db: pay(db, person(db, now), now))
    assert await end(records, payment.reference, "failed", now) == "not_flagged"
    assert await end(records, "nobody", "failed", now) == "gone"


@pytest.mark.parametrize("came_rwf", [20_000, 26_000])
async def test_M16_what_really_came_is_said_and_given_back_and_no_more(
    records, now, came_rwf
) -> None:
    paid = await records.write(lambda db: collected(db, now, amount_rwf=came_rwf))
    assert await end(records, paid.reference, "succeeded", now) == "settled"
    sms = select(outbox.c.payload).where(outbox.c.dedupe_key == f"money:{paid.reference}")
    text = (await records.read(lambda db: db.execute(sms).scalar()))["text"]
    assert f"you paid {came_rwf:,}" in text
    outcome, made = await records.write(lambda db: collecting.refund(db, paid.reference, now))
    assert (outcome, made.amount_rwf) == ("refunding", came_rwf)
    await balances(records)
    with pytest.raises(Exception, match="a refund is what was collected"):
        await records.write(
            lambda db: db.execute(
                update(payments).where(payments.c.id == made.id).values(amount_rwf=25_000)
            )
        )
