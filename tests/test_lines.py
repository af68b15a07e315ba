"""What one payment or one product of an operator does not answer stops nothing else. Both stores."""

import asyncio
from datetime import UTC, datetime, timedelta

import time_machine
from sqlalchemy import select, update

from bot.look_ups import LookUps
from bot.market import books, outages, settlement
from bot.market.limits import USUAL
from bot.market.outages import OutageRules
from bot.payments.provider import Answer, Outcome
from bot.sender import Sender, SenderRules
from bot.storage.schema import payments as rows
from bot.storage.schema import tickets
from bot.wallet_watch import WalletWatch
from tests.market import bills as owing
from tests.market.money import person
from tests.patience import patient_s
from tests.test_outage import NOBODY, RULES, START, Hub, Inbox, Operator, made, number


class Poisoned(Operator):
    """Never answers about some payments; to all others as ever."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: set[str] = set()

    async def ask(self, order) -> Answer:
        return NOBODY if order.reference in self.bad else await super().ask(order)

    async def look_up(self, reference: str) -> Answer:
        return NOBODY if reference in self.bad else await super().look_up(reference)


class Refused:
    """Its keys are wrong: it gives no token, until they are right."""

    name, is_right = "mtn-momo", False

    async def collect(self, _order) -> Answer:
        if self.is_right:
            return Answer(Outcome.ACCEPTED)
        return Answer(Outcome.UNKNOWN, "TokenRefused", down=True)

    async def look_up(self, _reference: str) -> Answer:
        if self.is_right:
            return Answer(Outcome.NOT_THERE)
        return Answer(Outcome.UNKNOWN, "TokenRefused", down=True)


async def some(records, how_many: int) -> list[int]:
    return await records.write(lambda db: [person(db, START, number(n)) for n in range(how_many)])


async def ends(records) -> list[str]:
    query = select(rows.c.state).order_by(rows.c.id)
    return await records.read(lambda db: list(db.execute(query).scalars()))


async def tickets_of(records, category: str) -> int:
    query = select(tickets.c.id).where(tickets.c.category == category)
    return len(await records.read(lambda db: db.execute(query).all()))


async def test_M13_payments_that_are_never_answered_stop_nobody_else(records) -> None:
    """One alone is no outage; six shut the operator, and are then passed by."""
    for bad in (1, 6):
        there, inbox = Poisoned(), Inbox()
        with time_machine.travel(START, tick=False) as clock:
            who = await some(records, 20)
            before = len(await ends(records))
            await made(records, bad, before, who)
            query = select(rows.c.reference).order_by(rows.c.id).offset(before)
            there.bad = set(await records.read(lambda db, q=query: db.execute(q).scalars().all()))
            hub = Hub(records, there, inbox)
            for _round in range(40):
                await hub.round()
                if bad == 1:
                    assert await records.read(outages.standing) == []
                clock.shift(30)
            await made(records, 19, before + bad, who)
            # Of those that leave together the last may find the line shut by the others: it is asked
            # a quarter of an hour later, and its half hour runs from there.
            for _round in range(60):
                await hub.round()
                clock.shift(45)
        assert (await ends(records))[before:] == ["unknown"] * bad + ["succeeded"] * 19
        for reference in there.bad:
            there.orders.pop(reference, None)
    assert await tickets_of(records, "payment_unknown") == 7
    assert (await records.read(books.check)).faults == []


async def test_a_wrong_key_of_the_collecting_product_stops_no_payout(records) -> None:
    there, inbox, keyless = Operator(), Inbox(), {"mtn-momo": Refused()}
    by_name, rules = {"mtn-momo": there}, OutageRules(failures=1)
    with time_machine.travel(START, tick=False) as clock:
        await records.write(lambda db: owing.collect(db, START))
        who = await some(records, 5)
        clock.shift(10)
        sender = Sender(records, inbox, by_name, SenderRules(), RULES, keyless, rules)
        look_ups = LookUps(
            records, by_name, sender.wake, collectors=keyless, outage=rules, payouts=USUAL
        )
        watch = WalletWatch(records, by_name, keyless, sender.wake, rules)

        async def some_time() -> None:
            for _round in range(20):
                await sender.carry_out()
                await look_ups.ask_due()
                await watch.watch()
                clock.shift(120)

        await some_time()
        assert [one.provider for one in await records.read(outages.standing)] == ["mtn-momo:in"]
        await made(records, 5, 0, who)
        await some_time()
        # Its collection is for staff, although nobody is asked about it while the line is down.
        assert await tickets_of(records, "payment_unknown") == 1
        keyless["mtn-momo"].is_right = True
        await some_time()
    assert (await ends(records))[1:] == ["succeeded"] * 5
    assert await records.read(outages.standing) == []


async def test_M08_what_nobody_knows_has_its_ticket_in_an_outage_too(records) -> None:
    there, inbox = Operator(), Inbox()
    with time_machine.travel(START, tick=False) as clock:
        await made(records, 6, 0, await some(records, 6))
        hub, there.is_down = Hub(records, there, inbox), True
        for _round in range(28):
            await hub.round()
            clock.shift(60)
        assert [one.state for one in await records.read(outages.standing)] == ["down"]
        assert await tickets_of(records, "payment_unknown") == 0
        for _round in range(4):
            await hub.round()
            clock.shift(60)
    asked = [state for state in await ends(records) if state != "created"]
    assert await tickets_of(records, "payment_unknown") == len(asked) > 0


async def test_answers_and_a_recovery_at_once_are_no_deadlock(records) -> None:

    now, rules = datetime.now(UTC), OutageRules(failures=1, probe_s=0.0)
    await made(records, 30, 0, await some(records, 20))
    references = await records.read(lambda db: list(db.execute(select(rows.c.reference)).scalars()))
    lost = Answer(Outcome.UNKNOWN)
    for reference in references:
        await records.write(lambda db, r=reference: settlement.record_asked(db, r, lost, now))

    def answered(db, reference: str) -> None:
        later = now + timedelta(seconds=1)
        payment = settlement.record_answer(db, reference, NOBODY, later, rules=USUAL)
        outages.note(db, payment, NOBODY, rules, later)

    async def recover() -> None:
        for _round in range(20):
            await records.write(lambda db: outages.ask_about_unsure(db, "mtn-momo", now))
            await records.write(lambda db: outages.works_again(db, "mtn-momo", now))

    work = [records.write(lambda db, r=r: answered(db, r)) for r in references * 3]
    await asyncio.gather(recover(), recover(), *work)


class Slow(Operator):
    """Answers a look-up only once it is let go, and says which were asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.let_go = asyncio.Event()

    async def look_up(self, reference: str) -> Answer:
        self.asked.append(reference)
        await self.let_go.wait()
        return await super().look_up(reference)


async def test_a_callback_for_a_busy_line_is_asked_at_once_after_its_batch(records) -> None:
    there, now = Slow(), datetime.now(UTC)
    await made(records, 2, 0, await some(records, 2))
    query = select(rows.c.reference).order_by(rows.c.id)
    first, second = await records.read(lambda db: list(db.execute(query).scalars()))

    async def due(reference: str, at: datetime, state: str = "unknown") -> None:
        change = update(rows).where(rows.c.reference == reference)
        await records.write(
            lambda db: db.execute(change.values(look_up_at=at, state=state)).rowcount
        )

    await due(first, now)
    await due(second, now + timedelta(minutes=5))
    # No round comes by itself in this test.
    look_ups = LookUps(records, {there.name: there}, lambda: None, poll_s=600, payouts=USUAL)
    task = asyncio.create_task(look_ups.run())
    async with asyncio.timeout(patient_s(20)):
        while there.asked != [first]:
            await asyncio.sleep(0.01)
        await due(second, now)
        look_ups.wake()
        # The round that it brings finds the line busy.
        while look_ups._woken.is_set():
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        there.let_go.set()
        while second not in there.asked:
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert there.asked.index(second) > there.asked.index(first)
