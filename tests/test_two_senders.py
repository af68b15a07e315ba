"""Two processes and one payment: what is paid is never booked as failed. Both stores."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from bot.look_ups import LookUps
from bot.market import books, outages, payments
from bot.market.limits import USUAL
from bot.market.outages import OutageRules
from bot.payments.provider import Answer, Outcome
from bot.sender import Sender, SenderRules
from bot.storage.schema import outbox as letters
from bot.storage.schema import payments as rows
from bot.storage.schema import tickets
from bot.wallet_watch import WalletWatch
from tests.market.money import person
from tests.test_outage import NOBODY, RULES, Inbox, Operator, made, number


class Slow(Operator):
    """Takes its time over what it takes, and refuses at once what it is asked for again."""

    def __init__(self, slow_s: float) -> None:
        super().__init__()
        self.slow_s, self.refused = slow_s, 0

    async def ask(self, order) -> Answer:
        if order.reference in self.orders:
            self.refused += 1
            return Answer(Outcome.REFUSED, "NOT_ALLOWED")
        self.orders[order.reference] = order
        await asyncio.sleep(self.slow_s)
        self.taken.append(order.reference)
        return Answer(Outcome.ACCEPTED)

    async def look_up(self, reference: str) -> Answer:
        # What it is still busy with, it does not know yet.
        if reference not in self.taken:
            return Answer(Outcome.NOT_THERE)
        return await super().look_up(reference)


@pytest.mark.parametrize(("slow_s", "lease_s", "again"), [(0.15, 0.3, False), (0.6, 0.2, True)],
                         ids=["earlier-rows-slow", "one-ask-longer-than-a-lease"])  # fmt: skip
async def test_M05_O04_a_lease_that_runs_out_fails_nothing_that_was_paid(
    records, slow_s: float, lease_s: float, again: bool
) -> None:
    there, inbox, now = Slow(slow_s), Inbox(), datetime.now(UTC)
    rules = OutageRules(failures=5, probe_s=0.01, release_batch=10, release_s=0.01)
    who = await records.write(lambda db: [person(db, now, number(one)) for one in range(5)])
    await made(records, 5, 0, who)
    refs = await records.read(lambda db: list(db.execute(select(rows.c.reference)).scalars()))

    def fall(db) -> None:
        for reference in refs:
            outages.judge(db, "mtn-momo", reference, NOBODY, rules, now)

    await records.write(fall)
    operators = {"mtn-momo": there}

    async def process() -> None:
        sender = Sender(
            records, inbox, operators, SenderRules(lease_s=lease_s), RULES, outage=rules
        )
        watch = WalletWatch(records, operators, {}, sender.wake, rules)
        for _round in range(30):
            await watch.watch()
            await sender.carry_out()
            await asyncio.sleep(0.02)

    # Released in turn: while the first are slow, the leases of the last run out.
    await asyncio.gather(process(), process())
    assert len(there.taken) == 5 and bool(there.refused) == again
    states = select(rows.c.state)
    assert "failed" not in await records.read(lambda db: set(db.execute(states).scalars()))
    long_ago = now - timedelta(seconds=1)
    await records.write(lambda db: db.execute(update(rows).values(look_up_at=long_ago)))
    await LookUps(records, operators, lambda: None, payouts=USUAL).ask_due()
    assert await records.read(lambda db: set(db.execute(states).scalars())) == {"succeeded"}
    assert (await records.read(books.check)).faults == []


async def test_M05_two_letters_of_a_payment_in_one_hand_ask_for_it_once(records, now) -> None:
    """Such as one that an outage kept and the one of a release: neither finds that it was asked."""
    there = Slow(0.1)
    who = await records.write(lambda db: [person(db, now, number(0))])
    await made(records, 1, 0, who)

    def release(db) -> None:
        payment = payments.as_payment(db.execute(select(rows)).mappings().one())
        payments.send(db, payment, "released", payment.created_at)

    await records.write(release)
    sender = Sender(records, Inbox(), {"mtn-momo": there}, SenderRules(), RULES)
    assert await sender.carry_out() == 2
    asks = await records.read(lambda db: db.execute(select(rows.c.asks)).scalar())
    assert (asks, there.refused, len(there.taken)) == (1, 0, 1)
    waits = select(letters.c.id).where(letters.c.state == "waiting", letters.c.kind == "payout")
    assert await records.read(lambda db: db.execute(waits).all()) == []


async def test_M05_while_one_letter_asks_for_a_payment_another_waits(records, now) -> None:
    """In two hands: what the operator does not know yet is on its way there."""
    there = Slow(0.6)
    who = await records.write(lambda db: [person(db, now, number(0))])
    await made(records, 1, 0, who)
    one, other = (
        Sender(records, Inbox(), {"mtn-momo": there}, SenderRules(), RULES) for _one in range(2)
    )
    asking = asyncio.create_task(one.carry_out())
    while not there.orders:
        await asyncio.sleep(0.01)

    def release(db) -> None:
        payment = payments.as_payment(db.execute(select(rows)).mappings().one())
        payments.send(db, payment, "released", payment.created_at)

    await records.write(release)
    await other.carry_out()
    assert (there.refused, there.taken) == (0, [])
    await asking
    due = update(letters).where(letters.c.state == "waiting").values(due_at=now)
    await records.write(lambda db: db.execute(due))
    await other.carry_out()
    asks = await records.read(lambda db: db.execute(select(rows.c.asks)).scalar())
    assert (asks, there.refused, len(there.taken)) == (1, 0, 1)


async def test_what_was_asked_for_and_is_a_dead_letter_is_looked_up(records, now) -> None:
    there = Breaks()
    who = await records.write(lambda db: [person(db, now, number(0))])
    await made(records, 1, 0, who)
    sender = Sender(records, Inbox(), {"mtn-momo": there}, SenderRules(max_attempts=1), RULES)
    await sender.carry_out()
    one = await records.read(lambda db: db.execute(select(rows)).mappings().one())
    assert (one["state"], one["asks"]) == ("unknown", 1) and one["look_up_at"] is not None
    category = select(tickets.c.category)
    assert await records.read(lambda db: db.execute(category).scalar()) == "payment_missing"
    await records.write(lambda db: db.execute(update(rows).values(look_up_at=now)))
    await LookUps(records, {"mtn-momo": there}, lambda: None, payouts=USUAL).ask_due()
    states = select(rows.c.state)
    assert await records.read(lambda db: db.execute(states).scalar()) == "succeeded"


class Breaks(Operator):
    """Takes what it is asked for, and what it says breaks us."""

    async def ask(self, order) -> Answer:
        self._take(order)
        raise ValueError("not as the page says")
