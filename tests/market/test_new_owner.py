"""P-09: who had a number before is taken off it by two on the staff, with all that is due; both stores."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from bot.market import (
    Actor,
    bills,
    books,
    clearance,
    collecting,
    new_owner,
    offers,
    payments,
    people,
    settlement,
    telegram_links,
    verifying,
    wallet_changes,
)
from bot.market.limits import USUAL
from bot.market.orders import create_order, make_offer
from bot.market.payments import ANOTHERS
from bot.market.tickets import open_ticket
from bot.payments.provider import Answer, Outcome
from bot.storage.records import Records
from bot.storage.schema import bookings, contacts, outbox, pins, tickets
from tests.market.bills import bill, collect, collected
from tests.market.money import PAYEE, pay, person, settle
from tests.market.staff_members import member
from tests.market.test_bookings import asked as asked_to_visit
from tests.market.test_offers import ZONE, order_of
from tests.market.test_telegram_linking import ALINE, linked, told

_OTHER = "+250788000002"


def said_so(db, now: datetime) -> str:
    """Somebody says on the phone that the number is theirs now; the staff are there to answer."""
    for name in ("amina", "a.mína 2", "eric"):
        member(db, name, now)
    member(db, "vera", now, "viewer")
    contact = people.by_msisdn(db, PAYEE)
    assert contact is not None
    verifying.claim(db, contact, now)
    return asks(db, contact.id, now)


def asks(db, contact_id: int, now: datetime, category: str = "new_owner") -> str:
    named = {"category": category, "msisdn": PAYEE, "contact_id": contact_id}
    return open_ticket(db, language="en", now=now, **named)


def taken_off(db, now: datetime) -> None:
    code = said_so(db, now)
    assert new_owner.ask(db, PAYEE, code, "amina", now) == "new_owner"
    assert new_owner.approve(db, PAYEE, code, "eric", now) == "taken_off"


def due(db, category: str) -> list[tuple[str, str]]:
    query = select(tickets.c.about, tickets.c.msisdn).where(
        tickets.c.category == category, tickets.c.state == "open"
    )
    return [tuple(row) for row in db.execute(query.order_by(tickets.c.id))]


async def test_P09_only_two_different_members_after_the_call_back(
    records: Records, now: datetime
) -> None:
    def work(db) -> list[str]:
        contact_id = person(db, now)
        code = said_so(db, now)
        ask, approve = new_owner.ask, new_owner.approve
        said = [approve(db, PAYEE, code, "eric", now), ask(db, PAYEE, code, "vera", now)]
        other = asks(db, contact_id, now, "verify")
        said += [ask(db, PAYEE, other, "amina", now), ask(db, _OTHER, code, "amina", now)]
        said += [ask(db, PAYEE, code.lower(), " Amina ", now), ask(db, PAYEE, code, "eric", now)]
        said += [approve(db, PAYEE, code, "AMINA", now), approve(db, PAYEE, code, "a.mína 2", now)]
        assert people.by_msisdn(db, PAYEE) is not None
        said += [approve(db, PAYEE, code, "eric", now), approve(db, PAYEE, code, "eric", now)]
        assert people.by_msisdn(db, PAYEE) is None and not people.hold(db, contact_id)
        assert db.execute(select(pins.c.hash)).all() == []
        return said

    assert await records.write(work) == [
        "not_asked", "not_staff", "no_ticket", "nobody", "new_owner", "asked_before",
        "same_person", "same_person", "taken_off", "nobody",
    ]  # fmt: skip


async def test_P09_a_number_trusted_again_keeps_its_owner(records: Records, now: datetime) -> None:
    def work(db) -> list[str]:
        contact_id = person(db, now)
        code = said_so(db, now)
        other = asks(db, contact_id, now, "verify")
        said = [new_owner.ask(db, PAYEE, code, "amina", now)]
        # Whichever of the two it was: both are answered, and neither is left for the next time.
        said.append(verifying.release(db, PAYEE, other, "eric", now))
        said.append(new_owner.approve(db, PAYEE, code, "eric", now))
        later = now + timedelta(days=1)
        verifying.report_sim(db, PAYEE, "operator", later)
        said.append(new_owner.approve(db, PAYEE, code, "eric", later))
        states = db.execute(select(tickets.c.state)).scalars().all()
        return [*said, *states]

    assert await records.write(work) == [
        "new_owner", "verified", "trusted", "no_ticket", "closed", "closed"]  # fmt: skip


async def test_P09_no_money_leaves_to_the_number_and_what_is_due_is_shown(
    records: Records, now: datetime
) -> None:
    def work(db) -> tuple[int, list[payments.Payment]]:
        contact_id = person(db, now)
        paid, sent, waiting = (pay(db, contact_id, now, rwf) for rwf in (1_000, 2_000, 3_000))
        settle(db, paid, now)
        settlement.record_asked(db, sent.reference, Answer(Outcome.ACCEPTED), now)
        taken_off(db, now)
        return contact_id, [paid, sent, waiting, pay(db, contact_id, now, 4_000)]

    contact_id, made = await records.write(work)
    cleared = [
        await records.write(lambda db, one=one: clearance.clear(db, one.reference, USUAL, now))
        for one in made
    ]
    assert cleared == [None] * 4

    def look(db) -> list[str]:
        return [payments.must_have(db, one.reference).state for one in made]

    # What the operator has is looked up; what it has not is not asked for again.
    assert await records.read(look) == ["succeeded", "flagged", "flagged", "flagged"]
    flagged = await records.read(lambda db: due(db, "payment_flagged"))
    assert len(flagged) == 3 and {number for _about, number in flagged} == {""}
    assert (await records.read(books.check)).faults == []
    left = await records.read(lambda db: people.by_id(db, contact_id))
    assert left is not None and (left.msisdn, left.wallet, left.names) == ("", "", "Farmer")
    told = select(func.count()).where(outbox.c.kind == "sms", outbox.c.state == "waiting")
    assert await records.read(lambda db: db.execute(told).scalar()) == 0


async def test_P09_money_that_is_there_in_the_end_is_booked_and_told_to_nobody(
    records: Records, now: datetime
) -> None:
    def work(db) -> payments.Payment:
        sent = pay(db, person(db, now), now)
        settlement.record_asked(db, sent.reference, Answer(Outcome.ACCEPTED), now)
        taken_off(db, now)
        person(db, now)
        said = {"amount_rwf": 60_000, "currency": "RWF", "payee_msisdn": PAYEE}
        answer = Answer(Outcome.SUCCEEDED, provider_txn_id="7", **said)
        return settlement.record_answer(db, sent.reference, answer, now, rules=USUAL)

    assert (await records.write(work)).state == "succeeded"
    told = select(func.count()).where(outbox.c.kind == "sms")
    assert await records.read(lambda db: db.execute(told).scalar()) == 0
    assert (await records.read(books.check)).faults == []


async def test_P09_a_bill_is_kept_and_its_prompt_goes_to_nobody(
    records: Records, now: datetime
) -> None:
    def work(db) -> tuple[str, list[bills.Bill], list[bills.Bill]]:
        asked = collect(db, now)
        taken_off(db, now)
        anew = person(db, now)
        state = payments.must_have(db, asked.reference).state
        return state, bills.to_pay(db, asked.contact_id), bills.to_pay(db, anew)

    state, kept, anew = await records.write(work)
    assert state == "failed" and len(kept) == 1 and anew == []
    assert await records.read(lambda db: due(db, "other")) == [("KW-77", "")]
    assert (await records.read(books.check)).faults == []


async def test_P09_what_was_collected_is_not_given_back_to_the_number(
    records: Records, now: datetime
) -> None:
    def work(db):
        paid = collected(db, now)
        taken_off(db, now)
        return collecting.refund(db, paid.reference, now)

    outcome, back = await records.write(work)
    assert outcome == "refunding" and back is not None and back.held == ANOTHERS
    gate = clearance.clear
    assert await records.write(lambda db: gate(db, back.reference, USUAL, now)) is None
    state = await records.read(lambda db: payments.must_have(db, back.reference).state)
    assert state == "flagged" and (await records.read(books.check)).faults == []


async def test_P09_offers_and_visits_are_withdrawn_and_what_was_accepted_is_for_staff(
    records: Records, now: datetime
) -> None:
    def work(db) -> tuple[list[str], list[str]]:
        contact_id = person(db, now)
        until = now + timedelta(days=2)
        ids = [
            make_offer(db, create_order(db, order_of(now, 10, code), now), contact_id, 10, until,
                       "*384*801#", now, ZONE)
            for code in ("KW-1", "KW-2")
        ]  # fmt: skip
        actor = Actor("contact", "test", "k", contact_id)
        assert offers.accept(db, actor, ids[0], 1, 10, now, ZONE).outcome == "accepted"
        for number in range(11):
            asked_to_visit(db, contact_id, now, f"VB-{number}", 20 + number)
        taken_off(db, now)
        late = offers.accept(db, Actor("c", "t", "l", contact_id), ids[1], 1, 10, now, ZONE)
        found = [offers.by_id(db, one, contact_id) for one in ids]
        states = [one.state for one in found if one is not None]
        visits = db.execute(select(bookings.c.state)).scalars().all()
        return [*states, late.outcome], sorted(set(visits))

    assert await records.write(work) == (["accepted", "withdrawn", "too_late"], ["withdrawn"])
    assert await records.read(lambda db: due(db, "order")) == [("KW-1", "")]


async def test_P09_others_whose_money_went_to_the_number_are_not_told_of_there(
    records: Records, now: datetime
) -> None:
    def work(db):
        person(db, now)
        other = person(db, now, _OTHER)
        db.execute(update(contacts).where(contacts.c.id == other).values(wallet=PAYEE))
        waiting = pay(db, other, now, 1_000)
        # This one leaves the number by themselves, so that its owner of before would be told.
        third = person(db, now, "+250788000003")
        db.execute(update(contacts).where(contacts.c.id == third).values(wallet=PAYEE))
        changing = Actor("contact", "test", "k", third)
        wallet_changes.change(db, changing, "+250788000003", "", now)
        taken_off(db, now)
        later = pay(db, third, now, 2_000, payee_msisdn="+250788000003")
        texts = db.execute(select(outbox.c.payload).where(outbox.c.kind == "sms")).scalars()
        numbers = [one.get("msisdn") for one in texts]
        return people.by_id(db, other), payments.must_have(db, waiting.reference), later, numbers

    other, waiting, later, numbers = await records.write(work)
    assert other.wallet == _OTHER and waiting.state == "flagged"
    assert later.held == "number changed" and PAYEE not in numbers
    assert await records.read(lambda db: due(db, "call_back")) == [("", _OTHER)]


async def test_P09_two_who_approve_at_once_and_an_order_taken_meanwhile(
    records: Records, now: datetime
) -> None:
    def work(db) -> tuple[int, str]:
        contact_id = person(db, now)
        code = said_so(db, now)
        assert new_owner.ask(db, PAYEE, code, "amina", now) == "new_owner"
        member(db, "fidele", now)
        for rwf in (1_000, 2_000):
            pay(db, contact_id, now, rwf)
        return contact_id, code

    contact_id, code = await records.write(work)
    approve = new_owner.approve
    said = await asyncio.gather(
        *(records.write(lambda db, by=by: approve(db, PAYEE, code, by, now))
          for by in ("eric", "fidele")),
        *(records.write(lambda db: people.hold(db, contact_id)) for _one in range(3)),
    )  # fmt: skip
    assert sorted(said[:2]) == ["nobody", "taken_off"]
    assert (await records.read(books.check)).faults == []
    assert len(await records.read(lambda db: due(db, "payment_flagged"))) == 2


@pytest.mark.parametrize("kept", [True, False])
async def test_P09_a_wallet_elsewhere_is_kept_for_staff_to_know(
    records: Records, now: datetime, kept: bool
) -> None:
    def work(db) -> people.Contact | None:
        contact_id = person(db, now)
        wallet = _OTHER if kept else PAYEE
        db.execute(update(contacts).where(contacts.c.id == contact_id).values(wallet=wallet))
        bill(db, now)
        taken_off(db, now)
        return people.by_id(db, contact_id)

    left = await records.write(work)
    assert left is not None and left.wallet == (_OTHER if kept else "")


async def test_P09_the_account_that_spoke_for_the_number_speaks_for_it_no_more(
    records: Records, now: datetime
) -> None:
    def work(db) -> list[object]:
        contact_id = person(db, now)
        linked(db, now)
        assert telegram_links.of_contact(db, contact_id) is not None
        taken_off(db, now)
        anew = person(db, now)
        said = [telegram_links.of_user(db, ALINE), telegram_links.of_number(db, PAYEE)]
        return [*said, telegram_links.of_contact(db, anew), told(db, ALINE)]

    assert await records.write(work) == [None, None, None, []]
