"""P-08: a number with a new SIM, or silent for 90 days, is checked first; on both stores."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.market import Actor, offers, people, verifying, wallet_changes
from bot.market.orders import create_order, make_offer
from bot.market.tickets import open_ticket
from bot.storage.schema import audit, contacts, tickets
from tests.market.money import PAYEE, person
from tests.market.test_offers import ZONE, order_of


def actions(db) -> list[str]:
    return list(db.execute(select(audit.c.action).order_by(audit.c.id)).scalars())


@pytest.mark.parametrize(("days", "checked"), [(0, False), (89, False), (90, True), (400, True)])
async def test_P08_a_number_silent_for_90_days_is_checked(records, now, days, checked) -> None:
    def work(db):
        person(db, now)
        then = now + timedelta(days=days)
        for _call in range(2):
            verifying.end_silence(db, people.by_msisdn(db, PAYEE), 90, then)
        return people.by_msisdn(db, PAYEE), actions(db)

    contact, noted = await records.write(work)
    assert contact.verifying is checked and noted == ["number must be verified"] * checked
    assert contact.seen_day == people.day_number(now + timedelta(days=days))


async def test_P08_whose_last_call_is_unknown_is_not_taken_as_silent(records, now) -> None:
    def work(db):
        contact_id = person(db, now)
        db.execute(contacts.update().values(seen_day=0))
        verifying.end_silence(db, people.by_id(db, contact_id), 90, now)
        return people.by_id(db, contact_id)

    assert not (await records.write(work)).verifying


async def test_P08_a_checked_number_accepts_nothing_and_moves_no_money(records, now) -> None:
    def work(db):
        contact_id = person(db, now)
        answer_by, order_id = now + timedelta(days=2), create_order(db, order_of(now, 10), now)
        offer_id = make_offer(db, order_id, contact_id, 10, answer_by, "*384*801#", now, ZONE)
        said = [verifying.report_sim(db, PAYEE, "amina", now) for _twice in range(2)]
        actor = Actor("contact", "ussd", "k", contact_id)
        answered = offers.accept(db, actor, offer_id, 1, 10, now, ZONE)
        changed = wallet_changes.change(db, actor, "+250788000088", "", now)
        seen = offers.open_for(db, contact_id, now)
        return said, answered.outcome, changed, len(seen)

    assert await records.write(work) == (["verifying", "already"], "verify", "verify", 1)


@pytest.mark.parametrize(
    ("category", "days_before"), [("order", 0), ("call_back", 0), ("verify", 3)]
)
async def test_P08_only_a_ticket_of_this_very_check_will_do(
    records, now, category: str, days_before: int
) -> None:
    def work(db):
        contact_id = person(db, now)
        asked = {"msisdn": PAYEE, "contact_id": contact_id, "language": "en"}
        before = now - timedelta(days=days_before)
        other = open_ticket(db, category=category, about="KW-9", now=before, **asked)
        verifying.report_sim(db, PAYEE, "operator", now)
        wrong = verifying.release(db, PAYEE, other, "amina", now)
        mine = open_ticket(db, category="verify", now=now, **asked)
        right = verifying.release(db, PAYEE, mine, "amina", now)
        kept = db.execute(select(tickets.c.state).where(tickets.c.code == other)).scalar()
        return wrong, right, kept

    assert await records.write(work) == ("no_ticket", "verified", "open")


async def test_P08_only_after_a_call_back_is_it_trusted_again(records, now) -> None:
    def work(db):
        contact_id = person(db, now)
        before = verifying.release(db, PAYEE, "T-AAAAA", "amina", now)
        verifying.report_sim(db, PAYEE, "operator", now)
        wrong = verifying.release(db, PAYEE, "T-AAAAA", "amina", now)
        code = open_ticket(
            db, category="verify", msisdn=PAYEE, contact_id=contact_id, language="en", now=now
        )
        right = verifying.release(db, PAYEE, code.lower(), "amina", now)
        again = verifying.release(db, PAYEE, code, "amina", now)
        state = db.execute(select(tickets.c.state)).scalar()
        return [before, wrong, right, again], state, people.by_id(db, contact_id), actions(db)

    said, state, contact, noted = await records.write(work)
    assert said == ["not_verifying", "no_ticket", "verified", "not_verifying"]
    assert state == "closed" and not contact.verifying
    assert noted == ["number must be verified", "number verified"]
    assert await records.write(lambda db: verifying.report_sim(db, "+250788000999", "a", now)) == (
        "nobody"
    )


async def test_the_other_tickets_of_a_number_that_is_trusted_again_keep_it_no_more(
    records, now
) -> None:
    def work(db) -> set[tuple[str, str, str]]:
        contact_id = person(db, now)
        verifying.report_sim(db, PAYEE, "operator", now)
        asked = {"msisdn": PAYEE, "contact_id": contact_id, "language": "en", "now": now}
        code = open_ticket(db, category="verify", **asked)
        open_ticket(db, category="new_owner", text=f"I am {PAYEE}", **asked)
        assert verifying.release(db, PAYEE, code, "amina", now) == "verified"
        query = select(tickets.c.state, tickets.c.msisdn, tickets.c.text)
        return {tuple(row) for row in db.execute(query)}

    closed = await records.write(work)
    assert {(state, number) for state, number, _text in closed} == {("closed", "")}
    assert PAYEE not in repr(closed)
