"""Who leaves is forgotten, also by what comes to its end only later; on both stores."""

import asyncio

import pytest
from sqlalchemy import func, insert, select, text

from bot.market import books, people, settlement, taking_off
from bot.market.limits import USUAL
from bot.market.payments import Payment
from bot.market.tickets import open_ticket
from bot.payments.provider import Answer, Outcome
from bot.storage.schema import metadata, payments, telegram_links, tickets, transcripts
from bot.storage.transcripts import _Batch, _write
from tests.market.money import PAYEE, answer, pay, person, settle
from tests.market.test_reconciliation import compared, line


async def everything(records) -> str:
    def read(db) -> str:
        tables = metadata.sorted_tables
        return "\n".join(repr(tuple(row)) for table in tables for row in db.execute(select(table)))

    return await records.read(read)


def ask(db, now, contact_id: int | None = None, msisdn: str = PAYEE) -> None:
    open_ticket(
        db, category="call_back", msisdn=msisdn, contact_id=contact_id,
        text="my number", language="rw", now=now,
    )  # fmt: skip


async def test_a_ticket_from_before_the_registration_is_in_the_copy_and_forgotten(
    records, now
) -> None:
    def work(db) -> tuple[list, list]:
        ask(db, now)
        ask(db, now, msisdn="+250788000002")
        contact_id = person(db, now)
        ask(db, now, contact_id)
        held = people.copy_of(db, contact_id)["tickets"]
        people.erase(db, contact_id, now)
        query = select(tickets.c.msisdn, tickets.c.text, tickets.c.state)
        return held, sorted(tuple(row) for row in db.execute(query))

    held, left = await records.write(work)
    assert [ticket["msisdn"] for ticket in held] == [PAYEE, PAYEE]
    assert left == [("", "", "closed")] * 2 + [("+250788000002", "my number", "open")]
    assert PAYEE not in await everything(records)


async def test_who_was_taken_off_their_number_leaves_with_nothing_of_others(records, now) -> None:
    """ "" stands for nobody's number in many tables: it is not the number of who has none."""

    def work(db) -> list[tuple]:
        gone = people.by_id(db, person(db, now))
        taking_off.take_off(db, gone, "amina", "key", now)
        ask(db, now, contact_id=person(db, now, "+250788000777"), msisdn="")
        call = {"session_key": "africastalking:x", "hop": 1, "place": "home.language", "typed": ""}
        call |= {"owner": "", "shown": "1 Kinyarwanda", "micros": 1, "at_ms": 1, "ends": 0}
        db.execute(insert(transcripts).values(call))
        # Who asked twice for a code has such a row beside the live one.
        link = {"user_id": 7, "chat_id": 7, "made_at": now}
        before, live = {"msisdn": "", "ended_at": now}, {"msisdn": "+250788000777"}
        db.execute(insert(telegram_links).values(link | before))
        db.execute(insert(telegram_links).values(link | live | {"confirmed_at": now}))
        people.erase(db, gone.id, now)
        other = select(tickets.c.text, tickets.c.state).where(tickets.c.state == "open")
        calls = select(transcripts.c.shown)
        links = select(telegram_links.c.user_id).where(telegram_links.c.ended_at.is_(None))
        return [tuple(db.execute(query).all()) for query in (other, calls, links)]

    asked, calls, links = await records.write(work)
    assert ("my number", "open") in asked
    assert calls == (("1 Kinyarwanda",),) and links == ((7,),)


async def erased_under_way(records, now) -> Payment:
    """A payment asked for, whose payee then leaves."""

    def work(db) -> Payment:
        contact_id = person(db, now)
        payment = pay(db, contact_id, now)
        settlement.record_asked(db, payment.reference, Answer(Outcome.ACCEPTED), now)
        people.erase(db, contact_id, now)
        return payment

    return await records.write(work)


@pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.REFUSED])
async def test_a_payment_under_way_forgets_its_payee_when_it_settles(records, now, outcome) -> None:
    payment = await erased_under_way(records, now)
    told = answer(payment, outcome, reason="PAYEE_NOT_FOUND")
    settled = await records.write(
        lambda db: settlement.record_answer(db, payment.reference, told, now, rules=USUAL)
    )
    assert settled.state in ("succeeded", "failed") and settled.payee_msisdn == ""
    assert PAYEE not in await everything(records)
    assert (await records.read(books.check)).faults == []


async def test_it_is_still_compared_with_the_payee_that_the_operator_names(records, now) -> None:
    payment = await erased_under_way(records, now)
    wrong = answer(payment, payee_msisdn="+250788000002")
    flagged = await records.write(
        lambda db: settlement.record_answer(db, payment.reference, wrong, now, rules=USUAL)
    )
    assert (flagged.state, flagged.reason) == ("flagged", "the operator names another payee")
    asked = await records.read(lambda db: db.execute(select(tickets.c.msisdn)).scalars().all())
    assert asked == [""]


async def test_a_statement_brings_no_number_back(records, now, tmp_path) -> None:
    def work(db) -> Payment:
        contact_id = person(db, now)
        payment = settle(db, pay(db, contact_id, now), now)
        people.erase(db, contact_id, now)
        return payment

    paid = await records.write(work)
    tally, _found = await compared(records, tmp_path, [line(paid, amount="61000")], now)
    assert tally.tickets == 1 and PAYEE not in await everything(records)


async def test_leaving_while_a_payment_settles_leaves_no_number(records, now) -> None:
    def start(db, number: int) -> Payment:
        contact_id = person(db, now, f"+2507880001{number:02}")
        return pay(db, contact_id, now)

    for number in range(15):
        payment = await records.write(lambda db, n=number: start(db, n))
        told = answer(payment)
        await asyncio.gather(
            records.write(
                lambda db, p=payment, a=told: settlement.record_answer(
                    db, p.reference, a, now, rules=USUAL
                )
            ),
            records.write(lambda db, p=payment: people.erase(db, p.contact_id, now)),
        )
    query = select(payments.c.payee_msisdn).distinct()
    assert await records.read(lambda db: db.execute(query).scalars().all()) == [""]


async def test_V05_leaving_while_calls_are_written_leaves_none_of_them(records, now) -> None:
    contact_id = await records.write(lambda db: person(db, now))
    batch = _Batch([("g:1", 1, PAYEE, "home", "", "x", 1, 1, 0, "rw")], [])

    def write_slowly(db) -> None:
        _write(db, batch, looks=False)
        if db.dialect.name == "postgresql":
            db.execute(text("SELECT pg_sleep(0.5)"))

    writing = asyncio.create_task(records.write(write_slowly))
    await asyncio.sleep(0.2)
    # So much is asked at once that PostgreSQL's records take another connection for it.
    crowd = [records.read(lambda db: None) for _one in range(20)]
    await asyncio.gather(*crowd, records.write(lambda db: people.erase(db, contact_id, now)))
    await writing
    left = select(func.count()).select_from(transcripts)
    assert await records.read(lambda db: db.execute(left).scalar()) == 0


async def test_what_staff_must_find_out_about_money_outlives_who_leaves(records, now) -> None:
    def work(db) -> tuple[str, str, str]:
        open_ticket(
            db, category="payment_flagged", msisdn=PAYEE, contact_id=None,
            about="a-reference", text="never asked for", language="en", now=now,
        )  # fmt: skip
        people.erase(db, person(db, now), now)
        row = db.execute(select(tickets.c.state, tickets.c.text, tickets.c.msisdn)).one()
        return tuple(row)

    assert await records.write(work) == ("open", "never asked for", "")
