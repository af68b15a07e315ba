"""P-10: who changed the number for money waits for two people; the old number is told. Both stores."""

from datetime import timedelta

from sqlalchemy import select, update

from bot.market import Actor, clearance, people, verifying, wallet_changes
from bot.market.limits import USUAL
from bot.storage.schema import outbox, telegram_links
from tests.market.money import PAYEE, pay, person
from tests.telegram.outside import ALINE, linked

NEW = "+250738000077"


def changed(db, now, wallet: str = NEW) -> tuple[int, str]:
    contact_id = person(db, now)
    actor = Actor(f"contact:{contact_id}", "ussd", "key-1", contact_id)
    return contact_id, wallet_changes.change(db, actor, wallet, "", now)


def told(db) -> list[str]:
    rows = db.execute(select(outbox.c.payload).where(outbox.c.kind == "sms")).scalars()
    return [row["text"] for row in rows if row.get("msisdn") == PAYEE]


async def test_P10_a_payout_within_72_hours_of_a_change_waits_for_two_people(records, now) -> None:
    later = now + timedelta(hours=71)

    def work(db):
        contact_id, outcome = changed(db, now)
        payment = pay(db, contact_id, later, payee_msisdn=NEW, provider="airtel-money")
        db.execute(update(outbox).values(state="sent"))
        return outcome, payment, clearance.clear(db, payment.reference, USUAL, later), told(db)

    outcome, payment, sent, texts = await records.write(work)
    assert outcome == "changed" and sent is None
    assert len(texts) == 2 and "KW-77" in texts[1] and "is held" in texts[1]
    (waiting,) = await records.read(lambda db: clearance.waiting(db, USUAL))
    assert (waiting.payment.reference, waiting.why) == (payment.reference, "number changed")
    # Time alone releases nothing: money for a thief must not leave because nobody looked.
    week = now + timedelta(days=7)
    assert (
        await records.write(lambda db: clearance.clear(db, payment.reference, USUAL, week)) is None
    )
    said = [
        (await records.write(
            lambda db, by=by: clearance.release(db, payment.reference, by, USUAL, later)))[0]
        for by in ("amina", "Amina", "eric")
    ]  # fmt: skip
    assert said == ["one_more", "twice", "released"]
    sent = await records.write(lambda db: clearance.clear(db, payment.reference, USUAL, later))
    assert sent is not None and sent.payee_msisdn == NEW


async def test_P10_after_72_hours_and_before_a_change_nothing_waits(records, now) -> None:
    later = now + timedelta(hours=72)

    def work(db):
        contact_id = person(db, now)
        earlier = pay(db, contact_id, now - timedelta(minutes=1))
        actor = Actor("contact", "ussd", "key-2", contact_id)
        wallet_changes.change(db, actor, NEW, "", now)
        after = pay(db, contact_id, later, payee_msisdn=NEW)
        clear = clearance.clear
        return [clear(db, one.reference, USUAL, later) for one in (earlier, after)]

    earlier, after = await records.write(work)
    assert earlier.payee_msisdn == PAYEE and after.payee_msisdn == NEW


async def test_P10_a_changer_who_is_erased_stays_held_and_no_number_is_kept(records, now) -> None:
    def work(db):
        contact_id, _outcome = changed(db, now)
        payment = pay(db, contact_id, now, payee_msisdn=NEW)
        people.erase(db, contact_id, now)
        rows = db.execute(select(wallet_changes.rows)).mappings().all()
        left = db.execute(select(outbox.c.id).where(outbox.c.kind == "sms")).all()
        return rows, clearance.clear(db, payment.reference, USUAL, now), left

    (row,), sent, left = await records.write(work)
    assert (row["before"], row["after"]) == ("", "") and sent is None and left == []


async def test_the_same_number_changes_nothing_and_nobody_is_told(records, now) -> None:
    def work(db):
        return changed(db, now, PAYEE)[1], told(db)

    assert await records.write(work) == ("same", [])


async def test_P10_two_changes_in_a_row_hide_nothing_from_the_first_number(records, now) -> None:
    second, third = "+250788999991", "+250788999992"

    def work(db):
        contact_id = person(db, now)
        for minute, wallet in enumerate((second, third)):
            actor = Actor("contact", "ussd", f"key-{minute}", contact_id)
            wallet_changes.change(db, actor, wallet, "", now + timedelta(minutes=minute))
        pay(db, contact_id, now + timedelta(minutes=5), payee_msisdn=third)
        sms = db.execute(select(outbox.c.payload).where(outbox.c.kind == "sms")).scalars()
        return [(one["msisdn"], "is held" in one["text"]) for one in sms]

    sent = await records.write(work)
    changes, held = [(PAYEE, False)], [(second, True), (PAYEE, True)]
    assert sent == [*changes, (second, False), (PAYEE, False), *held]


async def test_P10_a_confirmed_chat_is_told_too_wherever_its_person_was_last(records, now) -> None:
    def work(db):
        contact_id = person(db, now)
        linked(db, contact_id)
        actor = Actor("contact", "ussd", "key-1", contact_id)
        wallet_changes.change(db, actor, NEW, "", now)
        pay(db, contact_id, now, payee_msisdn=NEW)
        rows = db.execute(select(outbox.c.payload).where(outbox.c.kind == "telegram")).scalars()
        chat = [(row["chat_id"], row["args"]["text"]) for row in rows]
        by_sms = told(db)
        people.erase(db, contact_id, now)
        left = db.execute(select(outbox.c.id).where(outbox.c.kind == "telegram")).all()
        return chat, by_sms, left

    chat, by_sms, left = await records.write(work)
    # Who has the number by another SIM must not be the only one who hears of it.
    assert chat == [(ALINE["id"], text) for text in by_sms] and len(by_sms) == 2
    assert left == []


async def test_P10_a_chat_that_nobody_confirmed_or_that_blocked_us_is_told_nothing(
    records, now
) -> None:
    def work(db, **state):
        contact_id = person(db, now)
        linked(db, contact_id)
        db.execute(update(telegram_links).values(state))
        actor = Actor("contact", "ussd", "key-1", contact_id)
        wallet_changes.change(db, actor, NEW, "", now)
        kinds = db.execute(select(outbox.c.kind)).scalars().all()
        people.erase(db, contact_id, now)
        return kinds

    for state in ({"confirmed_at": None}, {"blocked_at": now}):
        assert await records.write(lambda db, state=state: work(db, **state)) == ["sms"]


async def test_P10_a_change_by_a_clock_that_is_ahead_holds_too(records, now) -> None:
    def work(db):
        contact_id, _outcome = changed(db, now + timedelta(seconds=1))
        payment = pay(db, contact_id, now, payee_msisdn=NEW)
        hour = now + timedelta(hours=1)
        return payment.held, clearance.clear(db, payment.reference, USUAL, hour)

    assert await records.write(work) == ("number changed", None)


async def test_P08_a_payout_to_a_number_that_must_be_verified_waits_for_two(records, now) -> None:
    def work(db):
        contact_id = person(db, now)
        before = pay(db, contact_id, now)
        verifying.report_sim(db, PAYEE, "mtn", now)
        payment = pay(db, contact_id, now)
        clear = clearance.clear
        return [clear(db, one.reference, USUAL, now) is not None for one in (before, payment)]

    assert await records.write(work) == [True, False]
    waiting = await records.read(lambda db: clearance.waiting(db, USUAL))
    assert [one.why for one in waiting] == ["number unverified"]
