"""Bills asked for twice, and withdrawn: in the books, and never while money may be moving."""

import asyncio

import pytest
from sqlalchemy import select

from bot.market import bills, books, collecting, settlement
from bot.market.bills import BillRefused
from bot.market.limits import USUAL
from bot.payments.provider import Answer, Outcome
from bot.storage.schema import audit, outbox
from bot.storage.schema import bills as rows
from tests.market.bills import RULES, bill, collect, told


async def balances(records) -> dict[str, int]:
    found = await records.read(books.check)
    assert found.faults == []
    return {name: rwf for name, rwf in found.balances.items() if rwf}


def ask_again(made: bills.Bill, now, **other):
    terms = {"contact_id": made.contact_id, "order_code": "KW-77", "amount_rwf": 25_000,
             "why": "packaging", "by": "amina", **other}  # fmt: skip
    return lambda db: bills.ask(db, now=now, **terms)


def withdraw(bill_id: int, now, by: str = "amina", why: str = "asked twice"):
    return lambda db: bills.withdraw(db, bill_id, why, by, now)[0]


async def test_M16_the_same_asking_twice_or_at_once_makes_one_bill(records, now) -> None:
    made = await records.write(lambda db: bill(db, now))
    for other in ({}, {"amount_rwf": 1_000}, {"why": "transport"}):
        with pytest.raises(BillRefused, match=f"bill {made.id} asks them for 25000"):
            await records.write(ask_again(made, now, **other))
    # On purpose there is another; and of those that ask at once one is made.
    await records.write(withdraw(made.id, now))
    ends = await asyncio.gather(
        *(records.write(ask_again(made, now)) for _time in range(6)), return_exceptions=True
    )
    assert sum(isinstance(end, bills.Bill) for end in ends) == 1
    assert sum(isinstance(end, BillRefused) for end in ends) == 5
    await records.write(ask_again(made, now, again=True))
    assert await balances(records) == {"hub_revenue": -50_000, "receivable": 50_000}


async def test_M16_the_very_same_is_not_asked_for_again_once_it_is_paid(records, now) -> None:
    asked = await records.write(lambda db: collect(db, now))
    await records.write(
        lambda db: settlement.record_answer(db, asked.reference, told(asked), now, rules=USUAL)
    )
    (made,) = await records.read(lambda db: db.execute(select(rows)).all())
    with pytest.raises(BillRefused, match="already"):
        await records.write(ask_again(made, now))
    other = await records.write(ask_again(made, now, why="transport"))
    assert [one.id for one in await records.read(lambda db: bills.to_pay(db, made.contact_id))] == [
        other.id
    ]


async def test_a_withdrawn_bill_is_owed_and_asked_for_no_more(records, now) -> None:
    made = await records.write(lambda db: bill(db, now))
    for by, why in (("", "twice"), ("amina", "  ")):
        assert await records.write(withdraw(made.id, now, by, why)) == "no_name"
    assert await records.write(withdraw(999, now)) == "gone"
    assert await records.write(withdraw(made.id, now)) == "withdrawn"
    assert await records.write(withdraw(made.id, now)) == "before"
    assert await balances(records) == {}
    assert await records.read(lambda db: bills.to_pay(db, made.contact_id)) == []
    yes = lambda db: collecting.collect(db, made.id, made.contact_id, RULES, now)  # noqa: E731
    assert await records.write(yes) is None
    line = await records.read(lambda db: db.execute(select(audit)).one())
    assert (line.actor, line.action, line.details) == (
        "amina", "bill withdrawn", {"why": "asked twice"}
    )  # fmt: skip
    # And its francs are free again for another bill of this order.
    await records.write(ask_again(made, now, amount_rwf=1_200_000))


@pytest.mark.parametrize("state", ["created", "sent", "unknown", "flagged", "succeeded"])
async def test_a_bill_whose_money_may_be_moving_is_not_withdrawn(records, now, state) -> None:
    asked = await records.write(lambda db: collect(db, now))
    reference = asked.reference

    def carry(db) -> str:
        if state in {"sent", "flagged", "succeeded"}:
            settlement.record_asked(db, reference, Answer(Outcome.ACCEPTED), now)
        if state == "unknown":
            settlement.record_asked(db, reference, Answer(Outcome.UNKNOWN, "HTTP 503"), now)
        if state in {"flagged", "succeeded"}:
            other = {"amount_rwf": 26_000} if state == "flagged" else {}
            settlement.record_answer(db, reference, told(asked, **other), now, rules=USUAL)
        return bills_payment(db).state

    def bills_payment(db):
        return collecting.paying(db, asked.bill_id)

    assert await records.write(carry) == state
    before = await balances(records)
    wanted = "paid" if state == "succeeded" else "paying"
    assert await records.write(withdraw(asked.bill_id, now)) == wanted
    assert await balances(records) == before


async def test_a_yes_and_a_withdrawal_at_once_are_one_of_the_two(records, now) -> None:
    made = await records.write(lambda db: bill(db, now))
    yes = lambda db: collecting.collect(db, made.id, made.contact_id, RULES, now)  # noqa: E731
    asked, outcome = await asyncio.gather(records.write(yes), records.write(withdraw(made.id, now)))
    assert (asked is None) == (outcome == "withdrawn")
    leaving = select(outbox.c.id).where(outbox.c.kind == "collection")
    sent = await records.read(lambda db: db.execute(leaving).all())
    assert len(sent) == (asked is not None)
    await balances(records)


async def test_one_that_failed_can_be_withdrawn(records, now) -> None:
    asked = await records.write(lambda db: collect(db, now))
    refused = Answer(Outcome.REFUSED, reason="EXPIRED")
    await records.write(lambda db: settlement.record_asked(db, asked.reference, refused, now))
    assert await records.write(withdraw(asked.bill_id, now)) == "withdrawn"
    assert await balances(records) == {}
