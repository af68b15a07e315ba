"""Who leaves with a buyer's money on its way is paid it all the same, by people where it must; both stores."""

import pytest
from sqlalchemy import func, select, update

from bot.market import (
    Actor,
    books,
    clearance,
    delivered,
    leaving,
    offers,
    passing_on_again,
    people,
    sales,
    settlement,
    settling_by_hand,
    taking_off,
    verifying,
)
from bot.market.collecting import CollectionRules
from bot.market.limits import USUAL
from bot.market.payments import ANOTHERS, UNVERIFIED, Payment, as_payment
from bot.payments.provider import Answer, Outcome
from bot.storage.schema import contacts, payments
from bot.storage.schema import offers as offer_rows
from tests.market.money import settle
from tests.market.test_erasure import everything
from tests.sweep import cast

BUYER, RWF = "+250788777001", 12_000
_MTN = frozenset({"mtn-momo"})
_RULES = CollectionRules(_MTN, paying_out=_MTN)


def sold(db, now) -> Payment:
    """A buyer has the prompt on their phone; what is asked for."""
    contact_id = cast.farmer(db, "x", now)
    actor = Actor(f"contact:{contact_id}", "test", "sale", contact_id)
    asked = sales.ask(db, actor, sales.Asking(BUYER, RWF, "honey"), _RULES, now)
    assert asked.payment is not None
    settlement.record_asked(db, asked.payment.reference, Answer(Outcome.ACCEPTED), now)
    return asked.payment


def answered(db, asked: Payment, now, outcome: Outcome = Outcome.SUCCEEDED, rwf: int = RWF):
    said = Answer(outcome, amount_rwf=rwf, currency="RWF", payer_msisdn=BUYER)
    return settlement.record_answer(db, asked.reference, said, now, rules=USUAL)


def leave(db, contact_id: int, now) -> None:
    leaving.leave(db, contact_id, f"contact:{contact_id}", "k", now)


def passed_on(db) -> Payment:
    """The newest payout."""
    out = select(payments).where(payments.c.direction == "payout")
    return as_payment(db.execute(out.order_by(payments.c.id.desc()).limit(1)).mappings().one())


def pay(db, payment: Payment, now, outcome: Outcome = Outcome.SUCCEEDED) -> None:
    settle(db, payment, now, outcome, payee_msisdn=payment.payee_msisdn)


def again(db, failed: Payment, now) -> str:
    return passing_on_again.pass_on_again(
        db, failed.reference, reason="was shut", by="felix", rules=USUAL, now=now
    )


async def wallets(records) -> list[str]:
    query = select(contacts.c.wallet)
    return await records.read(lambda db: list(db.execute(query).scalars()))


async def test_a_refused_payout_of_a_sale_is_paid_again_to_who_has_left_since(records, now) -> None:
    def work(db) -> Payment:
        asked = sold(db, now)
        answered(db, asked, now)
        leave(db, asked.contact_id, now)
        pay(db, passed_on(db), now, Outcome.REFUSED)
        return passed_on(db)

    failed = await records.write(work)
    assert failed.state == "failed" and await wallets(records) == [cast.FARMER]
    assert await records.write(lambda db: again(db, failed, now)) == "passed_on"
    out = await records.read(passed_on)
    assert (out.payee_msisdn, out.held) == (cast.FARMER, "refused before")
    for by, came in (("amina", "one_more"), ("eric", "released")):
        said = await records.write(
            lambda db, by=by: clearance.release(db, out.reference, by, USUAL, now)
        )
        assert said[0] == came
    await records.write(lambda db: pay(db, out, now))
    assert await wallets(records) == [""]
    assert (await records.read(books.check)).faults == []
    left = await everything(records)
    assert cast.FARMER not in left and BUYER not in left


async def test_what_a_buyer_pays_after_the_seller_has_left_goes_to_the_seller(records, now) -> None:
    def work(db) -> tuple[int, Payment]:
        asked = sold(db, now)
        due = leaving.due(db, asked.contact_id, now)
        leave(db, asked.contact_id, now)
        answered(db, asked, now)
        return due.owed_rwf, passed_on(db)

    owed_rwf, out = await records.write(work)
    # What a buyer may still refuse is promised to nobody.
    assert (owed_rwf, out.payee_msisdn, out.held) == (0, cast.FARMER, "")
    sent = await records.write(lambda db: clearance.clear(db, out.reference, USUAL, now))
    assert sent is not None
    await records.write(lambda db: pay(db, out, now))
    assert await wallets(records) == [""]
    assert (await records.read(books.check)).faults == []


async def test_what_people_find_a_buyer_to_have_paid_goes_to_the_seller_too(records, now) -> None:
    def work(db) -> tuple[int, Payment]:
        asked = sold(db, now)
        assert answered(db, asked, now, rwf=RWF + 1_000).state == "flagged"
        leave(db, asked.contact_id, now)
        settling_by_hand.settle(
            db, asked.reference, "succeeded", reason="letter", by="amina", second="eric",
            rules=USUAL, now=now,
        )  # fmt: skip
        due = leaving.due(db, asked.contact_id, now)
        return due.owed_rwf, passed_on(db)

    owed_rwf, out = await records.write(work)
    assert (out.amount_rwf, out.payee_msisdn, owed_rwf) == (RWF + 1_000, cast.FARMER, RWF + 1_000)


async def test_the_wallet_goes_with_the_last_prompt_that_nobody_pays(records, now) -> None:
    def work(db) -> Payment:
        asked = sold(db, now)
        leave(db, asked.contact_id, now)
        return asked

    asked = await records.write(work)
    assert await wallets(records) == [cast.FARMER]
    await records.write(lambda db: answered(db, asked, now, Outcome.REFUSED))
    assert await wallets(records) == [""]
    assert cast.FARMER not in await everything(records)


async def test_a_sale_that_is_paid_keeps_no_wallet_and_is_due_to_nobody(records, now) -> None:
    def work(db) -> int:
        asked = sold(db, now)
        answered(db, asked, now)
        pay(db, passed_on(db), now)
        due = leaving.due(db, asked.contact_id, now)
        leave(db, asked.contact_id, now)
        return due.owed_rwf

    assert await records.write(work) == 0
    assert await wallets(records) == [""]


async def test_what_has_nowhere_to_go_is_flagged_and_ended_by_two_people(records, now) -> None:
    """As of somebody who left before wallets were kept for this."""

    def work(db) -> Payment:
        asked = sold(db, now)
        answered(db, asked, now)
        leave(db, asked.contact_id, now)
        pay(db, passed_on(db), now, Outcome.REFUSED)
        db.execute(update(contacts).values(wallet="", wallet_provider=""))
        return passed_on(db)

    failed = await records.write(work)
    assert await records.write(lambda db: again(db, failed, now)) == "passed_on"
    out = await records.read(passed_on)
    assert (out.payee_msisdn, out.held) == ("", ANOTHERS)
    assert await records.write(lambda db: clearance.clear(db, out.reference, USUAL, now)) is None
    # Two people decide by these words: there is no other owner of a number.
    assert "no number for money" in (await records.read(passed_on)).reason
    done = await records.write(lambda db: settling_by_hand.settle(
        db, out.reference, "succeeded", reason="paid in cash", by="amina", second="eric",
        rules=USUAL, now=now))  # fmt: skip
    assert done == "settled" and (await records.read(books.check)).faults == []


def brought(db, contact_id: int, now, how) -> int:
    """Goods of theirs are delivered, and meanwhile they are gone."""
    offer_id = cast.accepted(db, contact_id, now)
    if how == "left":
        # Before staff noted that the goods came: nothing was owed them yet.
        leave(db, contact_id, now)
    for trigger in ("hand_over", "ship", "deliver"):
        offers.move(db, Actor("hub", "hub", f"{trigger}-{offer_id}"), offer_id, trigger, now)
    if how == "number another's":
        taking_off.take_off(db, people.by_id(db, contact_id), "vera", "k", now)
    return offer_id


@pytest.mark.parametrize("how", ["left", "number another's"])
async def test_delivered_goods_of_who_has_no_wallet_are_paid_by_two_people(
    records, now, how: str
) -> None:
    def stops(db, out: Payment) -> tuple[str, str]:
        assert clearance.clear(db, out.reference, USUAL, now) is None
        return out.payee_msisdn, passed_on(db).state

    def ended(db, out: Payment, end: settling_by_hand.End) -> str:
        return settling_by_hand.settle(
            db, out.reference, end, reason="told us", by="amina", second="eric", rules=USUAL,
            now=now,
        )  # fmt: skip

    offer_id = await records.write(lambda db: brought(db, cast.farmer(db, "x", now), now, how))
    out = await records.write(lambda db: delivered.pay(db, offer_id, "RWF", USUAL, now))
    assert (out.amount_rwf, out.held) == (cast.AMOUNT_RWF, ANOTHERS)
    assert await records.write(lambda db: stops(db, out)) == ("", "flagged")
    # Not found at first, and at last paid in cash.
    assert await records.write(lambda db: ended(db, out, "failed")) == "settled"
    assert await records.write(lambda db: again(db, out, now)) == "passed_on"
    out = await records.read(passed_on)
    assert await records.write(lambda db: stops(db, out)) == ("", "flagged")
    assert await records.write(lambda db: ended(db, out, "succeeded")) == "settled"
    state = select(offer_rows.c.state).where(offer_rows.c.id == offer_id)
    assert await records.read(lambda db: db.execute(state).scalar()) == "paid"
    assert (await records.read(books.check)).faults == []


async def test_nowhere_to_go_comes_before_what_two_people_could_release(records, now) -> None:
    def work(db) -> Payment:
        contact_id = cast.farmer(db, "x", now)
        offer_id = cast.delivered(db, contact_id, now)
        verifying.report_sim(db, cast.FARMER, "amina", now)
        leave(db, contact_id, now)
        db.execute(update(contacts).values(wallet="", wallet_provider=""))
        return delivered.pay(db, offer_id, "RWF", USUAL, now)

    assert (await records.write(work)).held == ANOTHERS


async def test_who_must_be_verified_and_leaves_is_paid_by_two_people(records, now) -> None:
    def work(db) -> tuple[Payment, Payment]:
        asked = sold(db, now)
        offer_id = cast.accepted(db, asked.contact_id, now)
        carry(db, offer_id, "hand_over")
        verifying.report_sim(db, cast.FARMER, "amina", now)
        leave(db, asked.contact_id, now)
        carry(db, offer_id, "ship", "deliver")
        answered(db, asked, now)
        return passed_on(db), delivered.pay(db, offer_id, "RWF", USUAL, now)

    def carry(db, offer_id: int, *triggers: str) -> None:
        for trigger in triggers:
            offers.move(db, Actor("hub", "hub", f"{trigger}-{offer_id}"), offer_id, trigger, now)

    made = await records.write(work)
    assert [(one.held, one.payee_msisdn) for one in made] == [(UNVERIFIED, cast.FARMER)] * 2
    for one in made:
        assert await records.write(
            lambda db, one=one: clearance.clear(db, one.reference, USUAL, now)
        ) is None  # fmt: skip
        await records.write(lambda db, one=one: pay(db, one, now))
    count = select(func.count()).where(contacts.c.verify_since.is_not(None))
    assert await records.read(lambda db: db.execute(count).scalar()) == 0
    assert await wallets(records) == [""]
