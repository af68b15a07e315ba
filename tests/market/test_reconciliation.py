"""An operator's statement against our payments, on both stores."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from bot.market.collecting import refund
from bot.market.payments import Payment, count_ask
from bot.market.price_import import FileProblem
from bot.market.reconciliation import Finding, Kind, Tally, reconcile
from bot.payments.provider import Outcome
from bot.storage.records import Records
from bot.storage.schema import payments as payment_rows
from bot.storage.schema import tickets
from tests.market.bills import collected
from tests.market.money import PAYEE, pay, person, settle

HEAD = "reference,transaction_id,amount,currency,payee,status,time"
DAY = date(2026, 11, 24)


def line(payment: Payment, **other: str) -> str:
    cells = {"reference": payment.reference, "transaction_id": payment.provider_txn_id,
             "amount": str(payment.amount_rwf), "currency": "RWF", "payee": PAYEE[1:],
             "status": "SUCCESSFUL", "time": "2026-11-24T11:00:00+02:00", **other}  # fmt: skip
    return ",".join(cells.values())


async def made(records: Records, now: datetime, *outcomes: Outcome, **other) -> list[Payment]:
    def write(db) -> list[Payment]:
        contact_id = person(db, now)
        return [settle(db, pay(db, contact_id, now), now, one, **other) for one in outcomes]

    return await records.write(write)


async def compared(
    records: Records, path: Path, lines: list[str], now: datetime, head: str = HEAD
) -> tuple[Tally, list[Finding]]:
    file, found = path / "statement.csv", []
    file.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    tally = await reconcile(
        file, records, provider="mtn-momo", day=DAY, timezone="Africa/Kigali", now=now,
        report=found.append,
    )  # fmt: skip
    return tally, found


async def count_tickets(records: Records) -> int:
    query = select(func.count()).where(tickets.c.category == "payment_flagged")
    return await records.read(lambda db: db.execute(query).scalar())


async def test_I07_a_statement_that_is_ours_matches(records, now, tmp_path) -> None:
    paid, failed = await made(records, now, Outcome.SUCCEEDED, Outcome.REFUSED)
    lines = [line(paid, amount="60000.00"), line(failed, status="failed", transaction_id="")]
    tally, found = await compared(records, tmp_path, lines, now)
    assert tally.kinds == {Kind.MATCHED: 2} and tally.is_well and found == []
    assert tally.there_rwf == tally.here_rwf == 60_000
    assert await count_tickets(records) == 0


@pytest.mark.parametrize(("other", "said"), [
    ({"amount": "61000"}, "the operator says 61000, ours is 60000"),
    ({"currency": "EUR"}, "'EUR'"),
    ({"payee": "250788000002"}, "another payee"),
    ({"transaction_id": "1"}, "the operator's transaction is '1'"),
    ({"status": "FAILED"}, "the operator says FAILED, ours is succeeded"),
    ({"status": "PENDING"}, "the operator says PENDING, ours is succeeded"),
])  # fmt: skip
async def test_I07_M04_every_difference_is_named_and_opens_one_ticket(
    records, now, tmp_path, other, said
) -> None:
    (paid,) = await made(records, now, Outcome.SUCCEEDED)
    for round_number in (1, 2):
        tally, (found,) = await compared(records, tmp_path, [line(paid, **other)], now)
        assert found.kind is Kind.DIFFERING and said in found.what and found.line == 2
        assert not tally.is_well and tally.tickets == (1 if round_number == 1 else 0)
    assert await count_tickets(records) == 1


async def test_I07_what_one_side_lacks_is_found(records, now, tmp_path) -> None:
    paid, _failed = await made(records, now, Outcome.SUCCEEDED, Outcome.REFUSED)
    strange = line(paid, reference="11111111-1111-4111-8111-111111111111")
    harmless = line(paid, reference="22222222-2222-4222-8222-222222222222", status="FAILED")
    for _round in range(2):
        tally, found = await compared(records, tmp_path, [strange, harmless], now)
        assert [one.kind for one in found] == [Kind.MISSING_HERE] * 2 + [Kind.MISSING_THERE]
        assert found[2].reference == paid.reference and all(one.remedy for one in found)
    assert tally.tickets == 0 and await count_tickets(records) == 2


async def test_I07_what_was_collected_or_given_back_and_is_not_there_is_found(
    records, now, tmp_path
) -> None:
    def write(db) -> list[Payment]:
        paid = collected(db, now)
        _outcome, back = refund(db, paid.reference, now)
        return [paid, settle(db, back, now)]

    made_there = await records.write(write)
    tally, _found = await compared(records, tmp_path, [line(one) for one in made_there], now)
    assert tally.kinds == {Kind.MATCHED: 2} and tally.is_well
    tally, found = await compared(records, tmp_path, [], now)
    assert tally.kinds == {Kind.MISSING_THERE: 2} and tally.tickets == 2
    assert [one.reference for one in found] == [one.reference for one in made_there]
    assert "whether the money came" in found[0].remedy and "left" in found[1].remedy


async def test_a_ticket_that_was_closed_is_not_opened_again(records, now, tmp_path) -> None:
    await made(records, now, Outcome.SUCCEEDED)
    await compared(records, tmp_path, [], now)
    await records.write(lambda db: db.execute(update(tickets).values(state="closed")))
    tally, _found = await compared(records, tmp_path, [], now)
    assert tally.kinds == {Kind.MISSING_THERE: 1} and await count_tickets(records) == 1


async def test_a_reference_twice_is_a_problem(records, now, tmp_path) -> None:
    (paid,) = await made(records, now, Outcome.SUCCEEDED)
    tally, (found,) = await compared(records, tmp_path, [line(paid), line(paid)], now)
    assert found.what == "its reference stands in the file twice" and found.line == 3
    assert tally.there_rwf == 120_000 and tally.here_rwf == 60_000


async def test_M08_what_is_not_settled_is_asked_about_and_nothing_is_moved(
    records, now, tmp_path
) -> None:
    (open_one,) = await made(records, now, Outcome.PENDING)
    tally, (found,) = await compared(records, tmp_path, [line(open_one)], now)
    assert found.kind is Kind.OPEN and tally.tickets == 0
    query = select(payment_rows.c.state, payment_rows.c.look_up_at)
    row = await records.read(lambda db: db.execute(query).first())
    assert row.state == "sent" and row.look_up_at == now


async def test_M04_a_flagged_payment_keeps_its_one_ticket(records, now, tmp_path) -> None:
    (flagged,) = await made(records, now, Outcome.SUCCEEDED, amount_rwf=61_000)
    tally, (found,) = await compared(records, tmp_path, [line(flagged, amount="61000")], now)
    assert found.kind is Kind.DIFFERING and "its ticket is open" in found.remedy
    assert tally.tickets == 0 and await count_tickets(records) == 1


async def test_what_was_under_way_at_midnight_is_no_alarm(records, tmp_path) -> None:
    late = datetime(2026, 11, 24, 22, 3, tzinfo=UTC) - timedelta(days=1)
    await made(records, late, Outcome.SUCCEEDED)
    tally, (found,) = await compared(records, tmp_path, [], late)
    assert found.kind is Kind.OTHER_DAY and tally.is_well and await count_tickets(records) == 0


async def test_what_waited_overnight_for_its_release_is_missed_like_any_other(
    records, tmp_path
) -> None:
    noon = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

    def write(db) -> None:
        waited = pay(db, person(db, noon), noon - timedelta(hours=20))
        settle(db, count_ask(db, waited, noon), noon, Outcome.SUCCEEDED)

    await records.write(write)
    tally, (found,) = await compared(records, tmp_path, [], noon)
    assert found.kind is Kind.MISSING_THERE and not tally.is_well
    assert tally.tickets == await count_tickets(records) == 1


@pytest.mark.parametrize("other", [{"amount": "60,5"}, {"payee": "0788"}, {"status": "OK"}])
async def test_a_row_that_cannot_be_read_is_not_missing_there(
    records, now, tmp_path, other
) -> None:
    (paid,) = await made(records, now, Outcome.SUCCEEDED)
    bad = line(paid, **other).replace("60,5", '"60,5"')
    tally, _found = await compared(records, tmp_path, [bad], now)
    assert tally.kinds == {Kind.BAD_ROW: 1} and not tally.is_well
    assert await count_tickets(records) == 0
    # Corrected it is the first of its reference.
    tally, _found = await compared(records, tmp_path, [bad, line(paid)], now)
    assert tally.kinds == {Kind.BAD_ROW: 1, Kind.MATCHED: 1}


@pytest.mark.parametrize(("other", "reason"), [
    ({"amount": "60000.50"}, "not a whole number"),
    ({"amount": "-1"}, "not a whole number"),
    ({"amount": "٦٠"}, "not a whole number"),
    ({"payee": "0788000001"}, "country code"),
    ({"status": "OK"}, "is none of"),
    ({"time": "24/11/2026"}, "not ISO 8601"),
    ({"time": "2026-11-24T11:00:00"}, "has no zone"),
    ({"time": "2026-11-24T22:30:00Z"}, "not on 2026-11-24"),
    ({"time": "2026-11-24T11:00:00+02:00,x"}, "cells"),
    ({"reference": " "}, "no reference"),
    ({"reference": "x\0y"}, "no reference"),
    ({"time": "0001-01-01T00:00:00+14:00"}, "not ISO 8601"),
])  # fmt: skip
async def test_a_bad_row_is_named_with_its_line(records, now, tmp_path, other, reason) -> None:
    (paid,) = await made(records, now, Outcome.SUCCEEDED)
    lines = [line(paid), line(paid, **other)]
    tally, (found,) = await compared(records, tmp_path, lines, now)
    assert found.kind is Kind.BAD_ROW and found.line == 3 and reason in found.what
    assert not tally.is_well and await count_tickets(records) == 0


async def test_a_long_statement_is_read_in_batches(records, now, tmp_path) -> None:
    paid = await made(records, now, *[Outcome.SUCCEEDED] * 7)
    strange = [line(paid[0], reference=f"r{n}", status="FAILED") for n in range(1_200)]
    tally, found = await compared(records, tmp_path, strange + [line(p) for p in paid], now)
    assert tally.kinds == {Kind.MISSING_HERE: 1_200, Kind.MATCHED: 7}
    assert found[-1].line == 1_201


async def test_a_file_that_is_none_is_said_in_words(records, now, tmp_path) -> None:
    with pytest.raises(FileProblem, match="has no column 'reference'"):
        await compared(records, tmp_path, [], now, head="id;amount")
    with pytest.raises(FileProblem, match="near line 2"):
        await compared(records, tmp_path, ['"cut'], now)
