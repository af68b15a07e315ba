"""What people hear of an outage is true of their own payment. Both stores."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from bot.flows.pay import truth_of
from bot.i18n import load_catalogues, speaking
from bot.look_ups import LookUps
from bot.market import Actor, clearance, outages, payments, settlement, wallet_changes
from bot.market.limits import USUAL
from bot.market.outages import OutageRules
from bot.payments.provider import Answer, Outcome
from bot.sender import Sender, SenderRules
from bot.storage.schema import outbox as outbox_rows
from bot.storage.schema import tickets
from bot.wallet_watch import WalletWatch
from tests.market import bills as owing
from tests.market.money import pay, person
from tests.test_outage import NOBODY, RULES, START, Hub, Inbox, Operator, made, number


class Collector:
    """Takes the money although it does not say so while it is down."""

    name, is_down = "mtn-momo", True

    def __init__(self) -> None:
        self.orders = {}

    async def collect(self, order) -> Answer:
        self.orders[order.reference] = order
        return NOBODY if self.is_down else Answer(Outcome.ACCEPTED)

    async def look_up(self, reference: str) -> Answer:
        order = self.orders.get(reference)
        if self.is_down or order is None:
            return NOBODY if self.is_down else Answer(Outcome.NOT_THERE)
        return Answer(Outcome.SUCCEEDED, "", order.amount_rwf, "RWF",
                      payer_msisdn=order.payer_msisdn, provider_txn_id="7")  # fmt: skip


async def test_who_has_paid_is_not_asked_to_pay(records) -> None:
    there, inbox, rules = Collector(), Inbox(), OutageRules(failures=1)
    by_name, collectors = {"mtn-momo": Operator()}, {"mtn-momo": there}
    with time_machine.travel(START, tick=False) as clock:
        await records.write(lambda db: owing.collect(db, START))
        clock.shift(5)
        sender = Sender(records, inbox, by_name, SenderRules(), RULES, collectors, rules)
        look_ups = LookUps(
            records, by_name, sender.wake, collectors=collectors, outage=rules, payouts=USUAL
        )
        watch = WalletWatch(records, by_name, collectors, sender.wake, rules)
        for _round in range(4):
            await sender.carry_out()
            await watch.watch()
            clock.shift(10)
        assert [one.state for one in await records.read(outages.standing)] == ["down"]
        there.is_down = False
        clock.shift(60)
        for _round in range(6):
            await watch.watch()
            await look_ups.ask_due()
            await sender.carry_out()
            clock.shift(2)
    texts = [text for _who, text in inbox.got]
    assert any("you paid" in text for text in texts)
    assert not any("asks you to pay" in text for text in texts)


async def test_what_people_hold_is_not_promised_to_leave_by_itself(records) -> None:
    there, inbox, wallet = Operator(), Inbox(), "+250788000190"
    with time_machine.travel(START, tick=False) as clock:
        who = await records.write(lambda db: [person(db, START, number(n)) for n in range(6)])
        hub, there.is_down = Hub(records, there, inbox), True
        await made(records, 10, 0, who[:5])
        for _round in range(5):
            await hub.round()
            clock.shift(30)
        actor, now = Actor("contact", "ussd", "k", who[5]), datetime.now(UTC)
        await records.write(lambda db: wallet_changes.change(db, actor, wallet, "", now))
        held = await records.write(lambda db: pay(
            db, who[5], now, 9_000, order_code="KW-HELD", payee_msisdn=wallet, rules=RULES))  # fmt: skip
        assert await records.read(lambda db: clearance.needs_release(db, held, RULES))
        await hub.round()
        there.is_down = False
        for _round in range(40):
            await hub.round()
            clock.shift(5)
    about = [text for _who, text in inbox.got if "KW-HELD" in text]
    assert about and all("is held" in text for text in about)
    after = await records.read(lambda db: payments.by_reference(db, held.reference))
    assert after.state == "created"


async def test_who_is_let_go_or_asked_again_in_an_outage_is_told_too(records) -> None:
    there, inbox = Operator(), Inbox()
    with time_machine.travel(START, tick=False) as clock:
        who = await records.write(lambda db: [person(db, START, number(n)) for n in range(8)])
        hub, there.is_down = Hub(records, there, inbox), True
        amount_rwf, now = RULES.release_above_rwf + 1, datetime.now(UTC)

        def held_ones(db) -> list[payments.Payment]:
            return [pay(db, who[n], now, amount_rwf, order_code=f"KW-L{n}", rules=RULES,
                        payee_msisdn=number(n)) for n in (5, 6)]  # fmt: skip

        def let_go(db, payment) -> None:
            for by in ("amina", "eric"):
                clearance.release(db, payment.reference, by, RULES, datetime.now(UTC))

        early, late = await records.write(held_ones)
        await hub.round()
        # The one before the operator falls; the other in the outage, when it was passed over.
        await records.write(lambda db: let_go(db, early))
        again = await records.write(lambda db: pay(
            db, who[7], now, 1_000, order_code="KW-A", payee_msisdn=number(7), rules=RULES))  # fmt: skip
        first = outbox_rows.c.dedupe_key == f"payout:{again.reference}"
        await records.write(
            lambda db: db.execute(update(outbox_rows).where(first).values(state="sent"))
        )
        await records.write(lambda db: payments.send(db, again, "4", datetime.now(UTC)))
        await made(records, 10, 0, who[:5])
        for _round in range(5):
            await hub.round()
            clock.shift(30)
        assert [one.state for one in await records.read(outages.standing)] == ["down"]
        await records.write(lambda db: let_go(db, late))
        await hub.round()
    told = [to for to, text in inbox.got if "MoMo does not work now" in text]
    assert sorted(told) == [number(n) for n in range(8)]


@pytest.mark.parametrize("wrote_down", [False, True])
async def test_I05_what_was_asked_for_and_not_written_down_is_for_staff_and_not_said_to_wait(
    records, now, wrote_down: bool
) -> None:
    """The process died behind its question, or the records were away; then the line fell."""
    load_catalogues()
    rules, later = OutageRules(failures=1), now + timedelta(minutes=30)

    def write(db) -> tuple[str, int]:
        asked = payments.count_ask(db, owing.collect(db, now), now)
        if wrote_down:
            settlement.record_asked(db, asked.reference, Answer(Outcome.UNKNOWN), now)
        outages.note(db, asked, NOBODY, rules, now)
        outages.tell_who_waits(db, now)
        with speaking("en"):
            said = truth_of(payments.must_have(db, asked.reference), is_down=True)
        early = settlement.ask_staff_of_old(db, now)
        return said, early + settlement.ask_staff_of_old(db, later)

    said, asked_of_staff = await records.write(write)
    assert "Do not pay again" in said and asked_of_staff == 1
    told = select(outbox_rows.c.payload).where(outbox_rows.c.dedupe_key.startswith("down:"))
    assert await records.read(lambda db: db.execute(told).all()) == []
    kinds = select(tickets.c.category)
    assert await records.read(lambda db: db.execute(kinds).scalars().all()) == ["payment_unknown"]


async def test_what_nobody_was_asked_for_is_said_to_wait(records, now) -> None:
    load_catalogues()

    def write(db) -> str:
        asked = owing.collect(db, now)
        outages.note(db, asked, NOBODY, OutageRules(failures=1), now)
        outages.tell_who_waits(db, now)
        with speaking("en"):
            return truth_of(asked, is_down=True)

    assert "waits and goes on by itself" in await records.write(write)
    told = select(outbox_rows.c.payload).where(outbox_rows.c.dedupe_key.startswith("down:"))
    assert len(await records.read(lambda db: db.execute(told).all())) == 1
