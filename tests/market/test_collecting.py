"""Bills, collections and refunds on both stores: paid once, given back once, in the books."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, update

from bot.market import bills, books, clearance, collecting, ledger, payments, people, settlement
from bot.market.bills import BillRefused
from bot.market.limits import USUAL
from bot.payments.provider import Answer, Outcome
from bot.storage.schema import outbox, tickets
from bot.storage.schema import payments as rows
from tests.market.bills import RULES, bill, collect, collected, told


async def balances(records) -> dict[str, int]:
    found = await records.read(books.check)
    assert found.faults == []
    return {name: rwf for name, rwf in found.balances.items() if rwf}


async def test_a_bill_is_owed_then_paid_and_each_entry_sums_to_zero(records, now) -> None:
    made = await records.write(lambda db: bill(db, now))
    assert await balances(records) == {"hub_revenue": -25_000, "receivable": 25_000}
    asked = await records.write(
        lambda db: collecting.collect(db, made.id, made.contact_id, RULES, now)
    )
    assert await balances(records) == {"hub_revenue": -25_000, "receivable": 25_000}
    paid = await records.write(
        lambda db: settlement.record_answer(
            db, asked.reference, told(asked, fee_rwf=250), now, rules=USUAL
        )
    )
    assert (paid.state, paid.fee_rwf) == ("succeeded", 250)
    assert await balances(records) == {
        "hub_float": 24_750, "fees": 250, "hub_revenue": -25_000
    }  # fmt: skip
    assert await records.read(lambda db: bills.to_pay(db, made.contact_id)) == []


async def test_one_that_failed_leaves_the_bill_to_be_paid_under_a_new_reference(
    records, now
) -> None:
    failed = await records.write(lambda db: collected(db, now, Outcome.REFUSED, reason="EXPIRED"))
    assert failed.state == "failed"
    (left,) = await records.read(lambda db: bills.to_pay(db, failed.contact_id))
    again = await records.write(
        lambda db: collecting.collect(db, left.id, left.contact_id, RULES, now)
    )
    assert again.reference != failed.reference and again.state == "created"
    assert await balances(records) == {"hub_revenue": -25_000, "receivable": 25_000}
    count = select(func.count()).select_from(tickets)
    assert await records.read(lambda db: db.execute(count).scalar()) == 0


async def test_a_bill_said_yes_to_in_many_calls_at_once_is_collected_once(records, now) -> None:
    made = await records.write(lambda db: bill(db, now))
    asked = await asyncio.gather(
        *(
            records.write(lambda db: collecting.collect(db, made.id, made.contact_id, RULES, now))
            for _call in range(8)
        )
    )
    assert len({one.reference for one in asked}) == 1
    with pytest.raises(Exception, match=r"(?i)unique"):
        copy = {
            "reference": "r", "callback_token": "t", "direction": "collection", "order_code": "x",
            "contact_id": made.contact_id, "bill_id": made.id, "provider": "mtn-momo",
            "payee_msisdn": "", "amount_rwf": 1, "currency": "RWF", "proof_code": "p",
            "created_at": now,
        }  # fmt: skip
        await records.write(lambda db: db.execute(insert(rows).values(copy)))


@pytest.mark.parametrize(("wrong", "said"), [
    ({"amount_rwf": 26_000}, "the operator says 26000"),
    ({"currency": "EUR"}, "the operator says 'EUR'"),
    ({"payer_msisdn": "+250788000099"}, "another payer"),
])  # fmt: skip
async def test_M04_what_is_not_ours_is_flagged_and_the_bill_stays_owed(
    records, now, wrong, said
) -> None:
    flagged = await records.write(lambda db: collected(db, now, **wrong))
    assert flagged.state == "flagged" and said in flagged.reason
    query = select(func.count()).where(tickets.c.category == "payment_flagged")
    assert await records.read(lambda db: db.execute(query).scalar()) == 1
    moved = 0 if "currency" in wrong else wrong.get("amount_rwf", 25_000)
    found = await balances(records)
    assert found.get(ledger.SUSPENSE, 0) == -moved and found.get(ledger.HUB_FLOAT, 0) == moved
    assert found["receivable"] == 25_000


async def test_M06_poll_and_callbacks_that_race_are_one_posting(records, now) -> None:
    asked = await records.write(lambda db: collect(db, now))
    said = told(asked)
    done = await asyncio.gather(
        *(
            records.write(
                lambda db: settlement.record_answer(db, asked.reference, said, now, rules=USUAL)
            )
            for _racer in range(40)
        )
    )
    assert {one.state for one in done} == {"succeeded"}
    found = await records.read(books.check)
    assert (found.entries, found.faults) == (2, [])


async def test_M08_look_ups_come_on_the_payouts_schedule_and_staff_hear_once(records, now) -> None:
    asked = await records.write(lambda db: collect(db, now))
    clock, ages = now, []
    await records.write(
        lambda db: settlement.record_asked(db, asked.reference, Answer(Outcome.ACCEPTED), now)
    )
    for _look_up in range(6):
        clock = await records.read(lambda db: db.execute(select(rows.c.look_up_at)).scalar())
        ages.append(int((clock - now).total_seconds()))
        await records.write(
            lambda db, at=clock: settlement.record_answer(
                db, asked.reference, Answer(Outcome.PENDING), at, rules=USUAL
            )
        )
    assert ages == [5, 15, 60, 300, 1800, 3300]
    query = select(func.count()).where(tickets.c.category == "payment_unknown")
    assert await records.read(lambda db: db.execute(query).scalar()) == 1


@pytest.mark.parametrize("amount_rwf", [0, -5, 0.01, True, 5_000_001, 1_200_001])
async def test_M16_a_bill_that_may_not_be_is_refused(records, now, amount_rwf) -> None:
    with pytest.raises(BillRefused, match=r"positive whole|over the largest|order KW-77 sells"):
        await records.write(lambda db: bill(db, now, amount_rwf))
    assert await records.read(lambda db: db.execute(select(bills.bills)).first()) is None


async def test_M16_no_more_is_billed_for_an_order_than_it_sells_for(records, now) -> None:
    await records.write(lambda db: bill(db, now, 1_000_000))
    with pytest.raises(BillRefused, match="1300000 is over"):
        await records.write(lambda db: bill(db, now, 300_000))
    with pytest.raises(BillRefused, match="no order KW-99"):
        await records.write(lambda db: bills.ask(
            db, contact_id=1, order_code="KW-99", amount_rwf=1, why="", by="x", now=now))  # fmt: skip


async def test_M16_what_was_given_back_leaves_its_order_room_for_another_bill(records, now) -> None:
    def write(db, *, ends: bool) -> None:
        (paid,) = db.execute(select(rows).where(rows.c.direction == "collection")).mappings()
        _outcome, back = collecting.refund(db, paid["reference"], now)
        if ends:
            said = told(back, payer_msisdn="", payee_msisdn=back.payee_msisdn)
            settlement.record_answer(db, back.reference, said, now, rules=USUAL)
        bills.ask(db, contact_id=back.contact_id, order_code="KW-77", amount_rwf=1_200_000,
                  why="transport", by="amina", now=now, again=True)  # fmt: skip

    await records.write(lambda db: collected(db, now))
    with pytest.raises(BillRefused, match="1225000 is over"):
        await records.write(lambda db: write(db, ends=False))
    await records.write(lambda db: write(db, ends=True))
    assert (await balances(records))["receivable"] == 1_200_000


async def refund(records, reference: str, now):
    return await records.write(lambda db: collecting.refund(db, reference, now))


async def test_M16_a_collection_is_given_back_once_however_many_ask(records, now) -> None:
    paid = await records.write(lambda db: collected(db, now))
    done = await asyncio.gather(*(refund(records, paid.reference, now) for _ in range(6)))
    assert sorted(outcome for outcome, _which in done) == ["before"] * 5 + ["refunding"]
    given = {one.reference for _outcome, one in done}
    assert len(given) == 1 and given != {paid.reference}
    assert await balances(records) == {"hub_float": 25_000, "farmer_payable": -25_000}
    (reference,) = given
    back = Answer(Outcome.SUCCEEDED, "", 25_000, "RWF", "+250788000001", "7000000009")
    await records.write(lambda db: settlement.record_answer(db, reference, back, now, rules=USUAL))
    assert await balances(records) == {}
    assert (await refund(records, paid.reference, now))[0] == "before"
    sms = select(outbox.c.payload).where(outbox.c.dedupe_key == f"money:{reference}")
    text = (await records.read(lambda db: db.execute(sms).scalar()))["text"]
    assert "25,000" in text and "given back" in text


@pytest.mark.parametrize("change", [{"amount_rwf": 25_001}, {"amount_rwf": 1}])
async def test_M16_the_database_takes_no_refund_above_what_was_captured(
    records, now, change
) -> None:
    paid = await records.write(lambda db: collected(db, now))
    outcome, made = await refund(records, paid.reference, now)
    assert outcome == "refunding"
    with pytest.raises(Exception, match="a refund is what was collected"):
        await records.write(
            lambda db: db.execute(update(rows).where(rows.c.id == made.id).values(change))
        )
    second = {c.name: getattr(made, c.name, None) for c in rows.columns}
    second |= {"id": 99, "reference": "x", "callback_token": "x", "proof_code": "x", **change}
    with pytest.raises(Exception, match=r"(?i)a refund is what was collected|unique"):
        await records.write(lambda db: db.execute(insert(rows).values(second)))


async def test_what_was_not_collected_is_not_given_back(records, now) -> None:
    asked = await records.write(lambda db: collect(db, now))
    assert (await refund(records, asked.reference, now))[0] == "not_collected"
    assert (await refund(records, "nobody", now))[0] == "gone"
    copy = {c.name: getattr(asked, c.name, None) for c in rows.columns}
    copy |= {"id": 99, "reference": "x", "callback_token": "x", "proof_code": "x",
             "direction": "payout", "bill_id": None, "refunds_id": asked.id}  # fmt: skip
    with pytest.raises(Exception, match="a refund is what was collected"):
        await records.write(lambda db: db.execute(insert(rows).values(copy)))


@pytest.mark.parametrize("change", [
    {"provider_txn_id": "7999999999"},
    {"reference": "99999999-9999-4999-8999-999999999999"},
], ids=["the operator's name", "our name"])  # fmt: skip
async def test_M15_a_refund_whose_collection_was_edited_is_stopped(records, now, change) -> None:
    paid = await records.write(lambda db: collected(db, now))
    _outcome, back = await refund(records, paid.reference, now)
    cleared = await records.write(lambda db: clearance.clear(db, back.reference, USUAL, now))
    assert cleared is not None and (await records.read(books.check)).faults == []
    edit = update(rows).where(rows.c.id == paid.id).values(change)
    await records.write(lambda db: db.execute(edit))
    faults = (await records.read(books.check)).faults
    assert any("not what was approved" in one.what for one in faults)
    stopped = await records.write(lambda db: clearance.clear(db, back.reference, USUAL, now))
    flagged = await records.read(lambda db: payments.by_reference(db, back.reference))
    assert stopped is None and flagged.state == "flagged"


async def test_a_refund_that_failed_may_be_tried_again(records, now) -> None:
    paid = await records.write(lambda db: collected(db, now))
    _outcome, first = await refund(records, paid.reference, now)
    no = Answer(Outcome.REFUSED, "NOT_ALLOWED")
    await records.write(lambda db: settlement.record_asked(db, first.reference, no, now))
    outcome, second = await refund(records, paid.reference, now)
    assert outcome == "refunding" and second.reference != first.reference
    assert (await records.read(books.check)).faults == []


async def test_who_left_is_not_in_their_bills_and_is_asked_for_nothing(records, now) -> None:
    made = await records.write(lambda db: bill(db, now))
    held = await records.read(lambda db: people.copy_of(db, made.contact_id)["bills"])
    assert [one["why"] for one in held] == ["packaging"]
    await records.write(lambda db: people.erase(db, made.contact_id, now))
    held = await records.read(lambda db: people.copy_of(db, made.contact_id)["bills"])
    assert [one["why"] for one in held] == [""]
    later = now + timedelta(minutes=1)
    assert (
        await records.write(
            lambda db: collecting.collect(db, made.id, made.contact_id, RULES, later)
        )
        is None
    )


async def test_a_collection_is_no_income_and_nothing_to_confirm(records, now) -> None:
    paid = await records.write(lambda db: collected(db, now))
    assert await records.read(lambda db: payments.received_rwf(db, paid.contact_id)) == 0
    assert await records.read(lambda db: payments.to_confirm(db, paid.contact_id)) == []
