"""The gate before an operator is asked: as approved, and released by two where two must."""

import asyncio

import pytest
from sqlalchemy import delete, event, func, select, update

from bot.market import books, clearance, payments
from bot.market.limits import PayoutRules
from bot.storage.schema import outbox, payment_approvals, tickets
from bot.storage.schema import payments as rows
from tests.market.money import pay, person, settle

RULES = PayoutRules(release_above_rwf=50_000)


async def made(records, now, amount_rwf: int = 60_000, taken: bool = True):
    """A payout, already taken from the outbox by a sender."""

    def write(db):
        payment = pay(db, person(db, now), now, amount_rwf)
        if taken:
            db.execute(update(outbox).values(state="sent"))
        return payment

    return await records.write(write)


async def release(records, payment, by: str, now, rules: PayoutRules = RULES):
    work = clearance.release
    return (await records.write(lambda db: work(db, payment.reference, by, rules, now)))[0]


async def cleared(records, payment, now, rules: PayoutRules = RULES):
    return await records.write(lambda db: clearance.clear(db, payment.reference, rules, now))


async def counted(records, *where) -> int:
    query = select(func.count()).where(*where)
    return await records.read(lambda db: db.execute(query).scalar())


async def test_a_small_payout_passes_as_it_was_approved(records, now) -> None:
    payment = await made(records, now, 50_000)
    assert await cleared(records, payment, now) == payment


async def test_a_large_one_waits_for_two_different_people(records, now) -> None:
    payment = await made(records, now)
    assert await cleared(records, payment, now) is None
    assert await release(records, payment, "Amina", now) == "one_more"
    assert await release(records, payment, "  AMINA ", now) == "twice"
    assert await release(records, payment, "hub", now) == "no_name"
    assert await release(records, payment, " ", now) == "no_name"
    assert await cleared(records, payment, now) is None
    (one,) = await records.read(lambda db: clearance.waiting(db, RULES))
    assert one.payment == payment and one.released_by == ["amina"]
    assert await release(records, payment, "Eric", now) == "released"
    assert await cleared(records, payment, now) == payment
    assert await counted(records, outbox.c.kind == "payout", outbox.c.state == "waiting") == 1
    assert await records.read(lambda db: clearance.waiting(db, RULES)) == []
    assert await release(records, payment, "Jean", now) == "not_waiting"
    assert (await records.read(books.check)).faults == []


async def test_two_releases_at_once_by_one_person_count_once(records, now) -> None:
    payment = await made(records, now)
    done = await asyncio.gather(*(release(records, payment, "amina", now) for _ in range(6)))
    assert sorted(done) == ["one_more", *["twice"] * 5]
    assert await cleared(records, payment, now) is None


async def test_what_a_stricter_limit_held_back_can_still_leave(records, now) -> None:
    payment = await made(records, now)
    usual = PayoutRules()
    (one,) = await records.read(lambda db: clearance.waiting(db, usual))
    assert one.payment == payment
    assert await release(records, payment, "amina", now, usual) == "released"


async def test_what_is_gone_or_on_its_way_is_not_released(records, now) -> None:
    payment = await made(records, now, 40_000, taken=False)
    assert await release(records, payment, "amina", now) == "not_waiting"
    outcome, _names = await records.write(
        lambda db: clearance.release(db, "nobody", "amina", RULES, now)
    )
    assert outcome == "gone"
    await records.write(lambda db: settle(db, payment, now))
    assert await release(records, payment, "amina", now) == "not_waiting"
    assert await cleared(records, payment, now) is None


@pytest.mark.parametrize("edit", [
    {"amount_rwf": 61_000}, {"payee_msisdn": "+250788000099"}, {"currency": "EUR"},
    {"provider": "other"},
])  # fmt: skip
@pytest.mark.parametrize("released", [0, 1, 2])
async def test_M15_what_was_edited_after_approval_is_stopped(records, now, edit, released) -> None:
    payment = await made(records, now)
    for name in ("amina", "eric")[:released]:
        await release(records, payment, name, now)
    await records.write(lambda db: db.execute(update(rows).values(edit)))
    if released == 1:
        assert await release(records, payment, "eric", now) == "changed"
    else:
        assert await cleared(records, payment, now) is None
    after = await records.read(lambda db: payments.by_reference(db, payment.reference))
    assert after.state == "flagged" and "not what was approved" in after.reason
    ticket = (tickets.c.category == "payment_flagged") & (tickets.c.msisdn == "+250788000001")
    assert await counted(records, ticket) == 1
    assert await cleared(records, payment, now) is None and await counted(records, ticket) == 1


async def test_M15_a_payout_that_nobody_approved_is_stopped(records, now) -> None:
    payment = await made(records, now)
    copy = {**{c.name: getattr(payment, c.name, None) for c in rows.columns}, "id": 99,
            "reference": "00000000-0000-4000-8000-000000000000", "callback_token": "x",
            "proof_code": "y"}  # fmt: skip
    await records.write(lambda db: db.execute(rows.insert().values(copy)))
    reference = copy["reference"]
    assert (
        await records.write(lambda db: clearance.clear(db, reference, PayoutRules(), now)) is None
    )
    state = select(rows.c.state).where(rows.c.id == 99)
    assert await records.read(lambda db: db.execute(state).scalar()) == "flagged"


async def test_M15_an_approval_cannot_be_edited(records, now) -> None:
    await made(records, now)
    for change in (update(payment_approvals).values(digest="x"), delete(payment_approvals)):
        with pytest.raises(Exception, match="append-only"):
            await records.write(lambda db, c=change: db.execute(c))


async def test_what_waits_is_told_in_two_queries_however_much_it_is(records, now) -> None:
    def make(db) -> list[str]:
        who, most = person(db, now), PayoutRules(person_day_rwf=10**9)
        made = [pay(db, who, now, 60_000, rules=most) for _one in range(6)]
        # One is released and leaves, one was held back by a stricter limit, one is asked for again.
        for by in ("amina", "eric"):
            clearance.release(db, made[0].reference, by, RULES, now)
        clearance.release(db, made[1].reference, "amina", RULES, now)
        small = [pay(db, who, now, 1_000, rules=most) for _one in range(3)]
        keys = [f"payout:{one.reference}" for one in small]
        db.execute(update(outbox).where(outbox.c.dedupe_key.in_(keys[1:])).values(state="sent"))
        payments.send(db, small[2], "4", now)
        return [one.reference for one in [*made[1:], small[1]]]

    def look(db) -> tuple[list, list[str], int, list[bool]]:
        asked: list[str] = []

        def note(_db, _cursor, statement, *_more) -> None:
            asked.append(statement)

        event.listen(db, "before_cursor_execute", note)
        found = clearance.waiting(db, RULES)
        event.remove(db, "before_cursor_execute", note)
        everything = db.execute(select(rows).order_by(rows.c.id)).mappings().all()
        each = [clearance.waits(db, payments.as_payment(one), RULES) for one in everything]
        return found, asked, clearance.how_many_wait(db, RULES), each

    wanted = await records.write(make)
    found, asked, count, each = await records.read(look)
    assert [one.payment.reference for one in found] == wanted
    assert found[0].released_by == ["amina"] and found[-1].why == "limit of then"
    assert len(asked) == 2 and count == len(wanted) == 6
    # The one question of one payment and the one of all have the same answer.
    assert each == [False] + [True] * 5 + [False, True, False]
    first = await records.read(lambda db: clearance.waiting(db, RULES, 2))
    assert [one.payment.reference for one in first] == wanted[:2]
