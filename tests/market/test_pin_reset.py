"""P-11: a PIN is reset by a call back and two members of staff, who never see it; both stores."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from bot.market import people, pin_reset, verifying
from bot.market.pins import PinGuard
from bot.market.tickets import open_ticket
from bot.storage.records import Records
from bot.storage.schema import audit, call_backs, outbox, tickets
from tests.market.money import PAYEE, person
from tests.market.staff_members import member
from tests.market.test_pins import guard, key  # noqa: F401  the fixture

_OLD, _NEW = "73914", "80642"


async def farmer(records: Records, guard: PinGuard, now: datetime) -> int:  # noqa: F811
    """A farmer with a PIN, and members of staff of whom four may reset none."""
    hashed = await guard.hash(_OLD)

    def work(db) -> int:
        contact_id = person(db, now)
        people.set_pin(db, contact_id, hashed, now)
        for name in ("amina", "a.mína 2", "eric"):
            member(db, name, now)
        member(db, "vera", now, "viewer")
        member(db, "fidele", now, "finance")
        member(db, "gone", now, revoked_at=now)
        member(db, "invited", now, password_hash="")
        return contact_id

    return await records.write(work)


def ticket(db, contact_id: int | None, now: datetime, **other: object) -> str:
    asked = {"category": "pin_forgotten", "msisdn": PAYEE, "contact_id": contact_id, **other}
    return open_ticket(db, language="en", now=now, **asked)


def ask(code: str, by: str, now: datetime):
    return lambda db: pin_reset.ask(db, PAYEE, code, by, now)


def approve(code: str, by: str, now: datetime):
    return lambda db: pin_reset.approve(db, PAYEE, code, by, "*384*801#", now)


async def audited(records: Records) -> list[tuple[str, str]]:
    query = select(audit.c.actor, audit.c.action).order_by(audit.c.id)
    return [tuple(row) for row in await records.read(lambda db: db.execute(query).all())]


async def test_P11_a_call_back_and_a_second_member_reset_it_and_its_owner_chooses(
    records: Records, guard: PinGuard, now: datetime  # noqa: F811
) -> None:  # fmt: skip
    contact_id = await farmer(records, guard, now)
    for number in range(6):
        await guard.check(contact_id, "00001", key(number), now)
    code = await records.write(lambda db: ticket(db, contact_id, now))
    # Nobody resets it alone, nor the other way round.
    assert await records.write(approve(code, "eric", now)) == "not_asked"
    assert await records.write(ask(code, " Amina ", now)) == "asked"
    assert (await guard.check(contact_id, _OLD, key(8), now)).result == "locked"
    assert await records.write(approve(code.lower(), "ERIC", now)) == "reset"
    # The old PIN is gone, and nothing that is typed is right; nothing is counted either.
    for number, typed in enumerate((_OLD, "", "00000"), 10):
        assert (await guard.check(contact_id, typed, key(number), now)).result == "reset"
    hashed = await guard.hash(_NEW)
    choose = lambda db: pin_reset.choose(db, contact_id, hashed, "contact", now)  # noqa: E731
    assert await records.write(choose) and not await records.write(choose)
    assert (await guard.check(contact_id, _NEW, key(20), now)).result == "right"
    assert (await guard.check(contact_id, _OLD, key(21), now)).result == "wrong"
    said = [
        ("server", "PIN locked"),
        ("amina", "called back about the PIN"),
        ("eric", "PIN reset"),
        ("contact", "PIN chosen"),
    ]
    assert await audited(records) == said
    told = select(outbox.c.dedupe_key).where(outbox.c.dedupe_key.like("pin-reset:%"))
    assert len(await records.read(lambda db: db.execute(told).all())) == 1
    assert await records.write(approve(code, "eric", now)) == "no_ticket"


@pytest.mark.parametrize("second", ["amina", "AMINA", " amina  ", "a.mína 2", "A.MÍNA 2"])
async def test_P11_the_first_member_by_any_spelling_is_no_second(
    records: Records, guard: PinGuard, now: datetime, second: str  # noqa: F811
) -> None:  # fmt: skip
    contact_id = await farmer(records, guard, now)
    code = await records.write(lambda db: ticket(db, contact_id, now))
    await records.write(ask(code, "amina", now))
    assert await records.write(approve(code, second, now)) == "same_person"
    assert (await guard.check(contact_id, _OLD, key(1), now)).result == "right"


@pytest.mark.parametrize(
    "name", ["", "nobody", "vera", "fidele", "gone", "invited", "hub", "server", "eric%"]
)
async def test_P11_who_has_no_account_that_answers_people_resets_nothing(
    records: Records, guard: PinGuard, now: datetime, name: str  # noqa: F811
) -> None:  # fmt: skip
    contact_id = await farmer(records, guard, now)
    code = await records.write(lambda db: ticket(db, contact_id, now))
    assert await records.write(ask(code, name, now)) == "not_staff"
    await records.write(ask(code, "amina", now))
    assert await records.write(approve(code, name, now)) == "not_staff"
    assert (await guard.check(contact_id, _OLD, key(1), now)).result == "right"


async def test_P11_only_a_ticket_of_this_number_about_the_pin_will_do(
    records: Records, guard: PinGuard, now: datetime  # noqa: F811
) -> None:  # fmt: skip
    contact_id = await farmer(records, guard, now)

    def work(db) -> list[str]:
        other = person(db, now, "+250788000009")
        wrong = [
            "T-22222",
            ticket(db, contact_id, now, category="call_back"),
            ticket(db, contact_id, now, category="verify"),
            ticket(db, other, now, msisdn="+250788000009"),
            # The number's owner before this one asked.
            ticket(db, other, now, about="x"),
        ]
        closed = ticket(db, contact_id, now)
        db.execute(update(tickets).where(tickets.c.code == closed).values(state="closed"))
        return [pin_reset.ask(db, PAYEE, code, "amina", now) for code in [*wrong, closed]]

    assert await records.write(work) == ["no_ticket"] * 6


async def test_P11_a_call_from_before_the_lock_was_not_about_it(
    records: Records, guard: PinGuard, now: datetime  # noqa: F811
) -> None:  # fmt: skip
    contact_id = await farmer(records, guard, now)
    then = now + timedelta(minutes=1)
    before = await records.write(lambda db: ticket(db, contact_id, now))
    assert await records.write(ask(before, "amina", now)) == "asked"
    for number in range(6):
        await guard.check(contact_id, "00001", key(number), then)
    later = then + timedelta(minutes=1)
    assert await records.write(ask(before, "amina", later)) == "old_ticket"
    assert await records.write(approve(before, "eric", later)) == "old_ticket"
    await records.write(
        lambda db: db.execute(
            update(tickets).where(tickets.c.code == before).values(state="closed")
        )
    )
    after = await records.write(lambda db: ticket(db, contact_id, later))
    assert await records.write(ask(after, "amina", later)) == "asked"
    assert await records.write(approve(after, "eric", later)) == "reset"


async def test_P11_P08_whose_number_it_is_must_be_known_first(
    records: Records, guard: PinGuard, now: datetime  # noqa: F811
) -> None:  # fmt: skip
    contact_id = await farmer(records, guard, now)
    code = await records.write(lambda db: ticket(db, contact_id, now))
    await records.write(ask(code, "amina", now))
    await records.write(approve(code, "eric", now))
    # A thief with the new SIM cannot use what the owner asked for.
    await records.write(lambda db: verifying.report_sim(db, PAYEE, "operator", now))
    choose = lambda db: pin_reset.choose(db, contact_id, "x", "contact", now)  # noqa: E731
    assert not await records.write(choose)
    other = await records.write(lambda db: ticket(db, contact_id, now))
    assert await records.write(ask(other, "amina", now)) == "verify"
    assert await records.write(approve(other, "eric", now)) == "verify"


async def test_P11_a_reset_that_nobody_used_for_a_day_is_over(
    records: Records, guard: PinGuard, now: datetime  # noqa: F811
) -> None:  # fmt: skip
    contact_id = await farmer(records, guard, now)
    code = await records.write(lambda db: ticket(db, contact_id, now))
    await records.write(ask(code, "amina", now))
    await records.write(approve(code, "eric", now))
    late = now + pin_reset.CHOOSE_WITHIN
    assert not await records.write(lambda db: pin_reset.choose(db, contact_id, "x", "c", late))
    assert (await guard.check(contact_id, _OLD, key(1), late)).result == "reset"
    again = await records.write(lambda db: ticket(db, contact_id, late))
    assert await records.write(ask(again, "amina", late)) == "asked"
    assert await records.write(approve(again, "eric", late)) == "reset"
    assert await records.write(lambda db: pin_reset.choose(db, contact_id, "x", "c", late))


async def test_P11_two_who_approve_at_once_reset_it_once(
    records: Records, guard: PinGuard, now: datetime  # noqa: F811
) -> None:  # fmt: skip
    contact_id = await farmer(records, guard, now)
    await records.write(lambda db: member(db, "odile", now, "supervisor"))
    code = await records.write(lambda db: ticket(db, contact_id, now))
    first = await asyncio.gather(*(records.write(ask(code, by, now)) for by in ("amina",) * 3))
    assert sorted(first) == ["asked", "asked_before", "asked_before"]
    names = ("eric", "odile", "amina")
    ends = await asyncio.gather(*(records.write(approve(code, by, now)) for by in names))
    assert ends.count("reset") == 1
    actions = [action for _actor, action in await audited(records)]
    assert actions == ["called back about the PIN", "PIN reset"]


async def test_P11_the_table_takes_no_second_who_is_the_first(
    records: Records, guard: PinGuard, now: datetime  # noqa: F811
) -> None:  # fmt: skip
    contact_id = await farmer(records, guard, now)
    code = await records.write(lambda db: ticket(db, contact_id, now))

    def work(db) -> None:
        number = db.execute(select(tickets.c.id).where(tickets.c.code == code)).scalar()
        row = {"contact_id": contact_id, "ticket_id": number, "asked_by": 1, "approved_by": 1}
        db.execute(insert(call_backs).values(**row, asked_at=now, approved_at=now))

    with pytest.raises(IntegrityError):
        await records.write(work)
