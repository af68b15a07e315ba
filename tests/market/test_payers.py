"""Whose phone is asked to pay a bill, and when nobody is. Both stores."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from bot.i18n import load_catalogues
from bot.market import Actor, bills, collecting, payments, people, verifying, wallet_changes
from bot.market.collecting import CollectionRules, NotCollected
from bot.sender import Sender, SenderRules
from bot.storage.schema import payments as rows
from tests.market.bills import RULES, bill, collect
from tests.market.money import PAYEE
from tests.test_outage import RULES as PAYOUTS
from tests.test_outage import Inbox, Operator
from tests.test_told_in_an_outage import Collector

AIRTEL_ONE = "+250738000004"
ONLY_MTN = CollectionRules(frozenset({"mtn-momo"}))


def moved(db, made, now, wallet: str = AIRTEL_ONE) -> None:
    actor = Actor("contact", "ussd", "key-1", made.contact_id)
    assert wallet_changes.change(db, actor, wallet, "", now) == "changed"


async def test_after_a_change_of_the_number_people_pay_from_their_own(records, now) -> None:
    made = await records.write(lambda db: bill(db, now))
    await records.write(lambda db: moved(db, made, now))
    asked = await records.write(
        lambda db: collecting.collect(db, made.id, made.contact_id, RULES, now)
    )
    assert (asked.payee_msisdn, asked.provider) == (PAYEE, "mtn-momo")


async def test_a_wallet_the_hub_does_not_collect_from_is_refused_and_the_bill_stays(
    records, now
) -> None:
    made, later = await records.write(lambda db: bill(db, now)), now + timedelta(hours=73)
    await records.write(lambda db: moved(db, made, now))
    with pytest.raises(NotCollected, match="provider"):
        await records.write(
            lambda db: collecting.collect(db, made.id, made.contact_id, ONLY_MTN, later)
        )
    assert await records.read(lambda db: bills.to_pay(db, made.contact_id)) == [made]


async def test_a_number_that_must_be_verified_is_asked_for_nothing(records, now) -> None:
    made = await records.write(lambda db: bill(db, now))
    await records.write(lambda db: verifying.report_sim(db, PAYEE, "mtn", now))
    with pytest.raises(NotCollected, match="verify"):
        await records.write(lambda db: collecting.collect(db, made.id, made.contact_id, RULES, now))
    assert await records.read(lambda db: db.execute(select(rows.c.id)).all()) == []


async def test_what_can_never_leave_fails_and_its_bill_is_free_again(records) -> None:
    load_catalogues()
    then, inbox = datetime.now(UTC) - timedelta(minutes=1), Inbox()
    asked = await records.write(lambda db: collect(db, then))
    await Sender(records, inbox, {"mtn-momo": Operator()}, SenderRules(), PAYOUTS).carry_out()
    failed = await records.read(lambda db: payments.by_reference(db, asked.reference))
    assert (failed.state, failed.asks) == ("failed", 0)
    (left,) = await records.read(lambda db: bills.to_pay(db, asked.contact_id))
    assert left.id == asked.bill_id
    assert (await records.read(lambda db: people.by_id(db, asked.contact_id))) is not None


@pytest.mark.parametrize(("asked_before", "ends"), [(False, "failed"), (True, "flagged")])
async def test_who_has_left_is_asked_for_nothing_that_waited(
    records, asked_before: bool, ends: str
) -> None:
    load_catalogues()
    then, there = datetime.now(UTC) - timedelta(minutes=1), Collector()
    there.is_down = False
    asked = await records.write(lambda db: collect(db, then))

    def leave(db) -> None:
        if asked_before:
            # Nobody wrote down the answer, and the operator has nothing of it.
            payments.count_ask(db, asked, then)
        people.erase(db, asked.contact_id, then)

    await records.write(leave)
    sender = Sender(
        records, Inbox(), {"mtn-momo": Operator()}, SenderRules(), PAYOUTS, {"mtn-momo": there}
    )
    await sender.carry_out()
    after = await records.read(lambda db: payments.by_reference(db, asked.reference))
    assert there.orders == {} and after.state == ends
