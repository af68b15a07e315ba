"""An operator out of order: its payments are held, people told once, all released in order."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select, update

from bot.i18n import load_catalogues
from bot.look_ups import LookUps
from bot.market import books, outages, payments, people
from bot.market.limits import USUAL, PayoutRules
from bot.market.outages import OutageRules
from bot.payments.provider import Answer, CallbackHint, Outcome
from bot.sender import Sender, SenderRules
from bot.sms.provider import Sent, SmsAnswer
from bot.storage.schema import operators, outbox, tickets
from bot.storage.schema import payments as rows
from bot.wallet_watch import WalletWatch
from tests.market.money import pay, person
from tests.server import DEBTOR, FARMER, Running, running
from tests.test_collections import at_operator, nuisances, owing, the_collection
from tests.test_payout_loop import pay as pay_through_server
from tests.test_payout_loop import settled

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MANY = 100
RULES = PayoutRules(person_day_rwf=10**9)
NOBODY = Answer(Outcome.UNKNOWN, "HTTP 503", down=True)


class Operator:
    """Takes money once for its reference; when it is down, what it took it does not say."""

    name = "mtn-momo"

    def __init__(self) -> None:
        self.is_down, self.takes_silently = False, False
        self.taken: list[str] = []
        self.asked_while_down = self.asked_twice = 0
        self.orders = {}

    async def ask(self, order) -> Answer:
        if self.is_down:
            self.asked_while_down += 1
            if self.takes_silently:
                self._take(order)
            return NOBODY
        if order.reference in self.orders:
            self.asked_twice += 1
            return Answer(Outcome.UNKNOWN, "RESOURCE_ALREADY_EXIST")
        self._take(order)
        return Answer(Outcome.ACCEPTED)

    def _take(self, order) -> None:
        assert order.reference not in self.orders
        self.taken.append(order.reference)
        self.orders[order.reference] = order

    async def look_up(self, reference: str) -> Answer:
        if self.is_down:
            return NOBODY
        order = self.orders.get(reference)
        if order is None:
            return Answer(Outcome.NOT_THERE)
        return Answer(Outcome.SUCCEEDED, "", order.amount_rwf, "RWF", order.payee_msisdn, "7")

    def read_callback(self, _headers, _body) -> CallbackHint:
        return CallbackHint()


class Inbox:
    """Every SMS arrives, and is kept."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str]] = []

    async def send(self, message) -> SmsAnswer:
        self.got.append((message.to, message.text))
        return SmsAnswer(Sent.SENT)


class Hub:
    """A process: sender, poller and watch, which can be begun anew at any moment."""

    def __init__(self, records, there: Operator, inbox: Inbox) -> None:
        by_name = {there.name: there}
        outage = OutageRules(release_batch=10, release_s=1.0)
        self.sender = Sender(records, inbox, by_name, SenderRules(), RULES, outage=outage)
        self.look_ups = LookUps(records, by_name, self.sender.wake, outage=outage, payouts=USUAL)
        self.watch = WalletWatch(records, by_name, {}, self.sender.wake, outage)

    async def round(self) -> None:
        await self.watch.watch()
        while await self.sender.carry_out() + await self.look_ups.ask_due():
            pass


def number(of: int) -> str:
    return f"+2507880001{of:02}"


async def made(records, how_many: int, first: int, people_are: list[int]) -> None:
    def write(db) -> None:
        for one in range(first, first + how_many):
            whose = one % len(people_are)
            pay(db, people_are[whose], datetime.now(UTC), 1_000 + one, order_code=f"KW-{one}",
                payee_msisdn=number(whose), rules=RULES)  # fmt: skip

    await records.write(write)


@pytest.mark.parametrize("takes_silently", [False, True], ids=["nothing-arrives", "some-arrive"])
async def test_an_hour_without_the_operator_loses_and_doubles_nothing(
    records, takes_silently: bool
) -> None:
    load_catalogues()
    there, inbox = Operator(), Inbox()
    there.takes_silently = takes_silently
    with time_machine.travel(START, tick=False) as clock:
        everybody = await records.write(
            lambda db: [person(db, START, number(one)) for one in range(20)]
        )
        hub, there.is_down, first = Hub(records, there, inbox), True, 0
        while datetime.now(UTC) < START + HOUR:
            if first < MANY:
                await made(records, 4, first, everybody)
                first += 4
            await hub.round()
            clock.shift(60)
            # Another process takes over: what is known of the outage is in the records.
            hub = Hub(records, there, inbox)
        (held,) = await records.read(outages.standing)
        assert (held.state, held.waiting) == ("down", MANY) and held.since < START + HOUR / 6
        # Few were asked before it was noticed, and none again.
        assert there.asked_while_down <= 10
        states = await records.read(lambda db: set(db.execute(select(rows.c.state)).scalars()))
        assert states <= {"created", "unknown"}
        assert len(inbox.got) == len({who for who, _text in inbox.got}) == 20
        assert all("MoMo does not work now" in text for _who, text in inbox.got)
        there.is_down, released_at, silently = False, [], len(there.taken)
        while await records.read(outages.standing) or len(there.taken) < MANY:
            before = len(there.taken)
            await hub.round()
            released_at.append(len(there.taken) - before)
            clock.shift(1)
            assert datetime.now(UTC) < START + HOUR + timedelta(minutes=10)
        clock.shift(60)
        await hub.round()
    assert max(released_at) <= 10
    assert len(there.taken) == MANY and there.asked_twice == 0
    query = select(rows.c.reference, rows.c.state).order_by(rows.c.id)
    ends = await records.read(lambda db: db.execute(query).all())
    # What arrived unsaid was asked for together; all that was released left in order.
    in_order = [one.reference for one in ends]
    assert there.taken[silently:] == [one for one in in_order if one in there.taken[silently:]]
    assert set(there.taken) == set(in_order) and silently <= 10 * takes_silently
    assert {one.state for one in ends} == {"succeeded"}
    back = [who for who, text in inbox.got if "MoMo works again" in text]
    assert len(back) == len(set(back)) == 20
    assert len([text for _who, text in inbox.got if "arrived on MoMo" in text]) == MANY
    assert (await records.read(books.check)).faults == []
    left = select(func.count()).where(outbox.c.state != "sent")
    assert await records.read(lambda db: db.execute(left).scalar()) == 0


async def test_it_comes_and_goes_and_people_hear_of_one_outage(records) -> None:
    """An operator that falls down again while it is taken up again: the same outage, held anew."""
    load_catalogues()
    there, inbox = Operator(), Inbox()
    with time_machine.travel(START, tick=False) as clock:
        everybody = await records.write(lambda db: [person(db, START, number(0))])
        await made(records, 30, 0, everybody)
        hub, there.is_down = Hub(records, there, inbox), True
        for _round in range(120):
            await hub.round()
            there.is_down = not (40 < _round < 43 or _round > 100)
            clock.shift(20 if _round < 100 else 2)
        for _round in range(60):
            await hub.round()
            clock.shift(60)
    assert len([text for _who, text in inbox.got if "does not work" in text]) == 1
    assert len([text for _who, text in inbox.got if "MoMo works again" in text]) == 1
    assert len(there.taken) == 30 and len(set(there.taken)) == 30
    ends = await records.read(lambda db: set(db.execute(select(rows.c.state)).scalars()))
    assert ends == {"succeeded"} and (await records.read(books.check)).faults == []


async def test_of_what_is_released_nothing_more_is_asked_once_it_falls_again(records) -> None:
    load_catalogues()
    there, inbox = Operator(), Inbox()
    with time_machine.travel(START, tick=False) as clock:
        everybody = await records.write(lambda db: [person(db, START, number(0))])
        hub, there.is_down = Hub(records, there, inbox), True
        await made(records, 5, 0, everybody)
        await hub.round()
        await made(records, 5, 5, everybody)
        clock.shift(30)
        there.is_down = False
        await hub.watch.watch()
        (recovering,) = await records.read(outages.standing)
        assert (recovering.state, recovering.waiting) == ("recovering", 10)
        there.is_down, before = True, there.asked_while_down
        assert await hub.sender.carry_out() >= 10
    assert there.asked_while_down == before == 5
    (held,) = await records.read(outages.standing)
    assert (held.state, held.waiting) == ("down", 10)


async def test_four_bad_answers_are_no_outage_and_one_good_one_begins_anew(records, now) -> None:
    def note(db, answer: Answer) -> tuple[str, ...]:
        outages.judge(db, "mtn-momo", str(uuid.uuid4()), answer, OutageRules(), now)
        return outages.down(db)

    fine = Answer(Outcome.NOT_THERE)
    said = [NOBODY] * 4 + [fine] + [NOBODY] * 4 + [Answer(Outcome.REFUSED, "X")] + [NOBODY] * 5
    found = [await records.write(lambda db, a=answer: note(db, a)) for answer in said]
    assert found == [()] * 14 + [("mtn-momo",)]
    other = await records.read(lambda db: outages.is_down(db, "airtel-money"))
    assert not other


async def test_many_processes_judge_at_once_and_one_of_them_probes(records, now) -> None:
    def note(db) -> None:
        outages.judge(db, "mtn-momo", str(uuid.uuid4()), NOBODY, OutageRules(), now)

    await asyncio.gather(*(records.write(note) for _process in range(20)))
    (row,) = await records.read(lambda db: db.execute(select(operators)).mappings().all())
    assert (row["state"], row["outage"]) == ("down", 1) and row["failures"] >= 5
    later = now + timedelta(seconds=31)
    probes = await asyncio.gather(
        *(records.write(lambda db: outages.due_probes(db, OutageRules(), later)) for _ in range(8))
    )
    assert sorted(probes) == [[]] * 7 + [["mtn-momo"]]


_QUICK = {"ISOKO_OUTAGE__PROBE_S": "0.3", "ISOKO_OUTAGE__RELEASE_S": "0.1",
          "ISOKO_OUTAGE__FAILURES": "2"}  # fmt: skip


async def standing(server: Running):
    return await server.parts.market.records.read(outages.standing)


async def until(server: Running, state: str) -> None:
    for _round in range(150):
        if [one.state for one in await standing(server)] == ([state] if state else []):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(await standing(server))


@pytest.mark.parametrize("trouble", [{"answer_503": True}, {"html_200": True}, {"outage": True},
                                     {"hang_s": 1.0}])  # fmt: skip
async def test_each_trouble_of_the_line_is_an_outage_that_ends_by_itself(
    tmp_path, trouble: dict
) -> None:
    async with running(tmp_path, ISOKO_MOMO__TIMEOUT_S="0.3", **_QUICK) as server:
        nuisances(server, **trouble)
        made = [await pay_through_server(server, 10_000 + one) for one in range(4)]
        await until(server, "down")
        async with server.client.get("/readyz") as response:
            assert response.status == 200
        await asyncio.sleep(1.2)
        async with server.client.get("/metrics") as response:
            figures = await response.text()
        if "hang_s" not in trouble:
            assert 'isoko_wallet_down{provider="mtn-momo"} 1.0' in figures
        assert 'isoko_wallet_down{provider="airtel-money"} 0.0' in figures
        nuisances(server)
        for payment in made:
            await settled(server, payment.reference, "succeeded")
        await until(server, "")
        assert len(at_operator(server)) == 4
        assert (await server.parts.market.records.read(books.check)).faults == []


async def test_a_payment_is_held_said_so_before_the_yes_and_on_redial_and_then_goes_on(
    tmp_path,
) -> None:
    async with owing(tmp_path, **_QUICK) as (server, phone):
        nuisances(server, answer_503=True)
        rules, now = OutageRules(failures=1, probe_s=0.3), server.parts.engine._clock()
        for line in ("mtn-momo", "mtn-momo:in"):
            await server.parts.market.records.write(
                lambda db, line=line: outages.judge(db, line, "x", NOBODY, rules, now)
            )
        await pay_through_server(server, 10_000)
        await phone.dials()
        await phone.types("3")
        screen = await phone.picks("Pay KW-1041")
        assert "MoMo does not work now: its request comes later, by itself." in screen
        said = await phone.types("1")
        held = (
            "MoMo does not work now. The payment of order KW-1041 waits and goes on by itself. "
            "You will get an SMS."
        )
        assert phone.ended and said == held
        await phone.dials()
        await phone.types("3")
        assert (await phone.picks("Your payment: KW-1041")).startswith(held)
        reference = await the_collection(server)
        records = server.parts.market.records
        row = await records.read(lambda db: payments.by_reference(db, reference))
        assert row.state == "created"
        for _round in range(60):
            if any("does not work now" in sms for sms in await server.inbox(DEBTOR)):
                break
            await asyncio.sleep(0.1)
        nuisances(server)
        await settled(server, reference, "succeeded")
        told = await server.inbox(DEBTOR)
        assert [sum(words in sms for sms in told) for words in
                ("does not work now", "works again. It now asks you to pay", "you paid")] == [1, 1, 1]  # fmt: skip
        assert any("ntikora ubu" in sms for sms in await server.inbox(FARMER))
        assert (await records.read(books.check)).faults == []


async def test_an_outage_is_in_the_records_after_a_restart(tmp_path) -> None:
    slow = _QUICK | {"ISOKO_OUTAGE__PROBE_S": "600"}
    async with running(tmp_path, **slow) as server:
        nuisances(server, outage=True)
        await pay_through_server(server)
        await pay_through_server(server)
        await until(server, "down")
    async with running(tmp_path, **slow) as server:
        nuisances(server)
        held = await pay_through_server(server)
        await asyncio.sleep(0.8)
        records = server.parts.market.records
        after = await records.read(lambda db: payments.by_reference(db, held.reference))
        assert after.state == "created" and at_operator(server) == []
        assert [one.waiting for one in await standing(server)] == [3]
        await records.write(
            lambda db: db.execute(update(operators).values(next_at=server.parts.engine._clock()))
        )
        await settled(server, held.reference, "succeeded")
        # The first two may have arrived before the outage was noticed: they are looked up first.
        await until(server, "")
        open_ones = select(tickets.c.id).where(tickets.c.category == "payment_unknown")
        assert await records.read(lambda db: db.execute(open_ones).first()) is None


async def test_who_left_is_not_told(records) -> None:
    load_catalogues()
    there, inbox = Operator(), Inbox()
    with time_machine.travel(START, tick=False):
        everybody = await records.write(lambda db: [person(db, START, number(0))])
        await made(records, 6, 0, everybody)
        await records.write(lambda db: people.erase(db, everybody[0], START))
        there.is_down = True
        await Hub(records, there, inbox).round()
        await Hub(records, there, inbox).round()
    assert inbox.got == [] and [one.waiting for one in await records.read(outages.standing)] == [6]
