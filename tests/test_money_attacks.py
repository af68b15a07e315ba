"""Attacks on payments, named by their row of the attack list: kills, floods, edits, clocks."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import ClientSession, TCPConnector
from sqlalchemy import func, select, update
from structlog.testing import capture_logs

from bot.i18n import load_catalogues
from bot.look_ups import LookUps
from bot.market import books, clearance, payments, settlement
from bot.market.limits import USUAL
from bot.payments.provider import Answer, CallbackHint, Outcome, PayoutOrder
from bot.sender import Sender, SenderRules
from bot.storage import outbox as news_out
from bot.storage.schema import inbox, ledger_entries, outbox, tickets
from bot.storage.schema import payments as rows
from tests.market.money import PAYEE, answer, pay, person, settle
from tests.mortal import Fate, Killed, MortalRecords
from tests.real_postgres import RealPostgres
from tests.real_valkey import RealValkey
from tests.server import FARMER, Running, running
from tests.test_callbacks_alone import comes_to
from tests.test_payout_loop import count_at_operator, operator, settled
from tests.test_payout_loop import pay as pay_through_server

both_stores = pytest.mark.usefixtures("either_store")


class Operator:
    """An operator that keeps what it took, whatever becomes of us."""

    name = "mtn-momo"

    def __init__(self) -> None:
        self.taken: dict[str, PayoutOrder] = {}
        self.asked = 0
        self.fate = Fate(-1, after=False)

    async def ask(self, order: PayoutOrder) -> Answer:
        return await self.fate.meet(self._ask(order))

    async def look_up(self, reference: str) -> Answer:
        return await self.fate.meet(self._look_up(reference))

    def read_callback(self, _headers, _body) -> CallbackHint:
        return CallbackHint()

    async def _ask(self, order: PayoutOrder) -> Answer:
        self.asked += 1
        if order.reference in self.taken:
            return Answer(Outcome.UNKNOWN, "RESOURCE_ALREADY_EXIST")
        self.taken[order.reference] = order
        return Answer(Outcome.ACCEPTED)

    async def _look_up(self, reference: str) -> Answer:
        order = self.taken.get(reference)
        if order is None:
            return Answer(Outcome.NOT_THERE)
        return Answer(Outcome.SUCCEEDED, "", order.amount_rwf, order.currency,
                      order.payee_msisdn, "7000000001")  # fmt: skip


async def one_life(records, there: Operator, fate: Fate) -> bool:
    """A process sends and asks until nothing is left to do. False when it was killed."""
    there.fate = fate
    mortal, providers = MortalRecords(records, fate), {there.name: there}
    sender = Sender(mortal, None, providers, SenderRules(lease_s=0.0), USUAL)
    look_ups = LookUps(mortal, providers, sender.wake, payouts=USUAL)
    try:
        for _round in range(3):
            # SMS are another test's; the time that a look-up waits has passed.
            await records.write(lambda db: db.execute(
                update(outbox).where(outbox.c.kind == "sms").values(state="sent")))  # fmt: skip
            await records.write(lambda db: db.execute(
                update(rows).where(rows.c.look_up_at.is_not(None))
                .values(look_up_at=datetime.now(UTC) - timedelta(seconds=1))))  # fmt: skip
            await sender.carry_out()
            await look_ups.ask_due()
    except Killed:
        return False
    return True


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_M14_killed_at_any_step_a_payout_ends_exactly_once(records, after: bool) -> None:
    load_catalogues()
    contact_id = await records.write(lambda db: person(db, datetime.now(UTC)))
    kills = 0
    for step in range(40):
        there = Operator()
        made = await records.write(lambda db: pay(db, contact_id, datetime.now(UTC), 1_000))
        finished = await one_life(records, there, Fate(step, after))
        kills += not finished
        assert await one_life(records, there, Fate(-2, after=False))
        end = await records.read(lambda db, r=made.reference: payments.by_reference(db, r))
        assert end.state == "succeeded" and list(there.taken) == [made.reference]
        assert (await records.read(books.check)).faults == []
        if finished:
            break
    assert finished and kills >= 8


@both_stores
async def test_M06_a_thousand_callbacks_at_once_are_one_posting(
    server: Running, monkeypatch
) -> None:
    # No poll is due: it is the thousand that settle it.
    monkeypatch.setattr(settlement, "LOOK_UP_AFTER_S", (1200,))
    operator(server, settle_after_s=0.5, lost_callback=True)
    payment = await pay_through_server(server)
    await comes_to(server, payment.reference, "sent")
    url = server.client.make_url(f"/payments/mtn-momo/callback/{payment.callback_token}")
    body = {"externalId": "KW-77", "status": "SUCCESSFUL", "amount": "60000"}
    await asyncio.sleep(0.6)
    # Each on a connection of its own.
    async with ClientSession(connector=TCPConnector(limit=0)) as callers:

        async def call_back() -> int:
            async with callers.post(url, json=body) as response:
                return response.status

        assert set(await asyncio.gather(*(call_back() for _ in range(1000)))) == {200}
    await comes_to(server, payment.reference, "succeeded")
    records = server.parts.market.records
    cause = ledger_entries.c.cause.like(f"payment:{payment.reference}:%")
    query = select(func.count()).where(cause)
    assert await records.read(lambda db: db.execute(query).scalar()) == 2
    assert (await records.read(books.check)).faults == []
    kept = select(func.count()).select_from(inbox)
    assert await records.read(lambda db: db.execute(kept).scalar()) == 1
    assert len([text for text in await server.inbox(FARMER) if "KW-77" in text]) == 1


async def test_M06_poll_and_callbacks_that_race_are_one_posting(records, now) -> None:
    payment = await records.write(lambda db: pay(db, person(db, now), now))
    said = answer(payment)
    racing = [
        records.write(
            lambda db: settlement.record_answer(db, payment.reference, said, now, rules=USUAL)
        )
        for _ in range(40)
    ]
    assert {one.state for one in await asyncio.gather(*racing)} == {"succeeded"}
    found = await records.read(books.check)
    assert (found.entries, found.lines, found.faults) == (2, 4, [])


@both_stores
async def test_M13_while_the_operator_is_down_payouts_wait_and_none_is_doubled(
    server: Running, monkeypatch
) -> None:
    operator(server, answer_503=True)
    made = [await pay_through_server(server, 10_000 + n) for n in range(3)]
    await asyncio.sleep(0.5)
    records = server.parts.market.records
    for payment in made:
        now = await records.read(lambda db, p=payment: payments.by_reference(db, p.reference))
        assert now.state in ("created", "unknown")
    operator(server)
    # A quarter of an hour later, what it never heard of is asked again.
    monkeypatch.setattr(settlement, "_NEVER_ARRIVED", timedelta())
    for payment in made:
        await settled(server, payment.reference, "succeeded")
    assert await count_at_operator(server) == 3
    assert (await records.read(books.check)).faults == []


@both_stores
async def test_M15_a_payout_edited_before_it_leaves_never_reaches_the_operator(
    server: Running,
) -> None:
    operator(server)
    records, now = server.parts.market.records, server.parts.engine._clock()

    def make_and_edit(db):
        payment = pay(db, 1, now)
        db.execute(update(rows).where(rows.c.id == payment.id).values(payee_msisdn="+250788000666"))
        return payment

    payment = await records.write(make_and_edit)
    server.parts.sender.wake()
    flagged = await settled(server, payment.reference, "flagged")
    assert "not what was approved" in flagged.reason and await count_at_operator(server) == 0
    query = select(tickets.c.msisdn).where(tickets.c.category == "payment_flagged")
    assert await records.read(lambda db: db.execute(query).scalars().all()) == [FARMER]


async def test_M12_a_reason_nobody_knows_is_failed_and_looked_at_by_people(records, now) -> None:
    def write(db):
        refused = settle(db, pay(db, person(db, now), now), now, Outcome.REFUSED, reason="NEW_2027")
        again = pay(db, refused.contact_id, now)
        return refused, again

    refused, again = await records.write(write)
    assert refused.state == "failed" and refused.reason == "NEW_2027"
    assert again.reference != refused.reference
    query = select(tickets.c.text).where(tickets.c.category == "payment_missing")
    assert await records.read(lambda db: db.execute(query).scalars().all()) == ["NEW_2027"]


@pytest.mark.parametrize("jump", [timedelta(days=3650), timedelta(days=-3)])
async def test_M17_a_clock_that_jumps_fails_nothing_and_pays_nothing_twice(
    records, now, jump
) -> None:
    def made(db):
        payment = pay(db, person(db, now), now)
        settlement.record_asked(db, payment.reference, Answer(Outcome.ACCEPTED), now)
        return payment

    payment = await records.write(made)
    then = now + jump
    due = await records.write(lambda db: settlement.due_look_ups(db, then, 30.0, 10))
    # Either way it is asked, and the answer counts, not the clock.
    assert len(due) == 1
    nothing_there = Answer(Outcome.NOT_THERE)
    for said in (nothing_there, Answer(Outcome.PENDING), Answer(Outcome.UNKNOWN)):
        kept = await records.write(
            lambda db, a=said: settlement.record_answer(db, payment.reference, a, then, rules=USUAL)
        )
        assert kept.state == "sent" and kept.reference == payment.reference
    # It is not old by the clock alone: nothing is asked for again, and staff are not called.
    await records.write(lambda db: settlement.ask_staff_of_old(db, then))
    again = select(func.count()).where(outbox.c.kind == "payout")
    assert await records.read(lambda db: db.execute(again).scalar()) == 1
    assert await unknown_tickets(records) == 0
    told = Answer(Outcome.SUCCEEDED, "", 60_000, "RWF", PAYEE, "7000000001")
    end = await records.write(
        lambda db: settlement.record_answer(db, payment.reference, told, then, rules=USUAL)
    )
    assert end.state == "succeeded" and (await records.read(books.check)).faults == []


async def test_M17_a_callback_is_heard_on_a_clock_set_back(records, now) -> None:
    payment = await records.write(lambda db: pay(db, person(db, now), now))
    earlier = now - timedelta(days=3)
    assert await records.write(
        lambda db: settlement.look_up_now(db, payment.callback_token, earlier)
    )
    due = await records.write(lambda db: settlement.due_look_ups(db, earlier, 30.0, 10))
    assert [one.id for one in due] == [payment.id]


async def test_M08_what_nobody_knows_for_half_an_hour_is_for_staff_once(records, now) -> None:
    def unknown_for(db, minutes: int):
        later = now + timedelta(minutes=minutes)
        return settlement.record_answer(
            db, payment.reference, Answer(Outcome.UNKNOWN), later, rules=USUAL
        )

    def tickets_open(db) -> int:
        query = select(func.count()).where(tickets.c.category == "payment_unknown")
        return db.execute(query).scalar()

    payment = await records.write(lambda db: pay(db, person(db, now), now))
    lost = Answer(Outcome.UNKNOWN, reason="TimeoutError")
    await records.write(lambda db: settlement.record_asked(db, payment.reference, lost, now))
    for minutes in (0, 1, 6):
        await records.write(lambda db, minutes=minutes: unknown_for(db, minutes))
    assert await records.read(tickets_open) == 0
    for minutes in (30, 60, 90):
        still = await records.write(lambda db, minutes=minutes: unknown_for(db, minutes))
    assert still.state == "unknown" and await records.read(tickets_open) == 1
    late = now + timedelta(hours=2)
    paid = await records.write(
        lambda db: settlement.record_answer(
            db, payment.reference, answer(payment), late, rules=USUAL
        )
    )
    assert paid.state == "succeeded"
    assert (await records.read(books.check)).faults == []


async def test_M08_I5_look_ups_come_at_5_s_15_s_1_min_5_min_and_30_min_then_within_30_min(
    records, now
) -> None:
    payment = await records.write(lambda db: pay(db, person(db, now), now))
    taken, clock = Answer(Outcome.ACCEPTED), now
    await records.write(lambda db: settlement.record_asked(db, payment.reference, taken, now))
    ages = []
    for _look_up in range(6):
        clock = await records.read(lambda db: db.execute(select(rows.c.look_up_at)).scalar())
        ages.append(int((clock - now).total_seconds()))
        pending, at = Answer(Outcome.PENDING), clock
        await records.write(
            lambda db, at=at, pending=pending: settlement.record_answer(
                db, payment.reference, pending, at, rules=USUAL
            )
        )
    assert ages == [5, 15, 60, 300, 1800, 3300]


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
async def test_M02_guessed_callbacks_are_kept_and_called_out(
    tmp_path, postgres: RealPostgres, valkey: RealValkey, store: str
) -> None:
    """Three guesses before a restart and two processes after it are one attack, on PostgreSQL."""
    shared = {"ISOKO_DATABASE_URL": postgres.new_database(), "ISOKO_REDIS_URL": valkey.url}
    url = shared if store == "postgres" else {}

    async def guess(server: Running, which: str, provider: str = "mtn-momo") -> None:
        path = f"/payments/{provider}/callback/{which}"
        async with server.client.post(path, json={"transaction": {"id": which}}) as response:
            assert response.status == 200

    with capture_logs() as said:
        async with running(tmp_path, **url) as server:
            for which in ("a", "b", "c", "c"):
                await guess(server, which)
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(running(tmp_path, **url))
            folder = tmp_path / "second"
            second = await stack.enter_async_context(running(folder, **url)) if url else first
            await guess(first, "d")
            # Without its hash it is forged.
            await guess(second, "e", "airtel-money")
            assert [line for line in said if "guessing" in line["event"]] == []
            await guess(first, "f")
            await guess(second, "g")
            kept = select(inbox.c.outcome).where(inbox.c.source.in_(("mtn-momo", "airtel-money")))
            records = first.parts.market.records
            found = await records.read(lambda db: db.execute(kept).scalars().all())
    assert sorted(one.partition(":")[0] for one in found) == ["forged"] + ["orphan"] * 6
    assert [line["in_1_h"] for line in said if "guessing" in line["event"]] == [6, 7]


async def test_M12_refused_when_asked_again_is_not_failed_while_the_first_may_be_paid(
    records, now
) -> None:
    made_at, refused = now - timedelta(hours=5), Answer(Outcome.REFUSED, "NOT_ENOUGH_FUNDS")
    payment = await records.write(lambda db: pay(db, person(db, made_at), made_at))
    reference, taken = payment.reference, Answer(Outcome.ACCEPTED)
    await records.write(lambda db: settlement.record_asked(db, reference, taken, now))
    not_there, soon = Answer(Outcome.NOT_THERE), now + timedelta(seconds=5)
    await records.write(
        lambda db: settlement.record_answer(db, reference, not_there, soon, rules=USUAL)
    )
    query = select(func.count()).where(outbox.c.kind == "payout")
    assert await records.read(lambda db: db.execute(query).scalar()) == 1
    count = select(func.count()).select_from(tickets)
    assert await records.read(lambda db: db.execute(count).scalar()) == 0
    still = await records.write(lambda db: settlement.record_asked(db, reference, refused, soon))
    assert still.state == "sent"
    paid = await records.write(
        lambda db: settlement.record_answer(db, reference, answer(payment), soon, rules=USUAL)
    )
    assert paid.state == "succeeded"


async def test_a_payout_that_cannot_leave_has_a_ticket_and_leaves_when_released_again(
    records, now
) -> None:
    load_catalogues()
    large = USUAL.release_above_rwf + 1
    payment = await records.write(lambda db: pay(db, person(db, now), now, large))
    nobody = Sender(records, None, {}, SenderRules(lease_s=0.0), USUAL)
    for name in ("amina", "beata"):
        await records.write(
            lambda db, name=name: clearance.release(db, payment.reference, name, USUAL, now)
        )
    await records.write(lambda db: db.execute(
        update(outbox).where(outbox.c.kind == "sms").values(state="sent")))  # fmt: skip
    await nobody.carry_out()
    count = select(func.count()).where(tickets.c.category == "payment_missing")
    assert await records.read(lambda db: db.execute(count).scalar()) == 1
    there = Operator()
    sender = Sender(records, None, {there.name: there}, SenderRules(lease_s=0.0), USUAL)
    said = await records.write(
        lambda db: clearance.release(db, payment.reference, "claire", USUAL, now)
    )
    assert said[0] == "released"
    await sender.carry_out()
    assert list(there.taken) == [payment.reference]


@both_stores
async def test_M01_a_callback_of_strange_signs_is_a_200(server: Running) -> None:
    body = b'{"transaction":{"id":"x\\u0000","status_code":"\\ud800"}}'
    path = "/payments/airtel-money/callback/x"
    async with server.client.post(path, data=body) as response:
        assert response.status == 200


class SlowOperator(Operator):
    """Whatever is to happen happens while it thinks of its answer."""

    meanwhile = None

    async def _ask(self, order: PayoutOrder) -> Answer:
        await self._happen()
        return await super()._ask(order)

    async def _look_up(self, reference: str) -> Answer:
        await self._happen()
        return Answer(Outcome.PENDING)

    async def _happen(self) -> None:
        if self.meanwhile is not None:
            await self.meanwhile()


@pytest.mark.parametrize("step", ["asking", "looking up"])
async def test_M07_a_callback_while_the_operator_answers_is_not_overwritten(
    records, now, step
) -> None:
    there, called = SlowOperator(), []
    payment = await records.write(lambda db: pay(db, person(db, now), now))

    async def call_back() -> None:
        called.append(datetime.now(UTC))
        await records.write(
            lambda db: settlement.look_up_now(db, payment.callback_token, called[-1])
        )

    async def next_look_up() -> datetime:
        return await records.read(lambda db: db.execute(select(rows.c.look_up_at)).scalar())

    sender = Sender(records, None, {there.name: there}, SenderRules(), USUAL)
    look_ups = LookUps(records, {there.name: there}, sender.wake, payouts=USUAL)
    there.meanwhile = call_back if step == "asking" else None
    await sender.carry_out()
    if step == "looking up":
        assert await next_look_up() > datetime.now(UTC)
        late = {"look_up_at": datetime.now(UTC), "look_ups": 4}
        await records.write(lambda db: db.execute(update(rows).values(late)))
        there.meanwhile = call_back
        assert await look_ups.ask_due() == 1
    assert await next_look_up() == called[0]
    # The hint is used up: what is pending then waits for its turn.
    there.meanwhile = None
    assert await look_ups.ask_due() == 1 and await look_ups.ask_due() == 0
    assert await next_look_up() > datetime.now(UTC)


async def held_for_hours(records) -> payments.Payment:
    """A payout that waited for five hours until two people released it."""
    long_ago, large = datetime.now(UTC) - timedelta(hours=5), USUAL.release_above_rwf + 1
    payment = await records.write(lambda db: pay(db, person(db, long_ago), long_ago, large))
    await records.write(lambda db: db.execute(update(outbox).values(state="sent")))
    for name in ("amina", "beata"):
        await records.write(
            lambda db, name=name: clearance.release(
                db, payment.reference, name, USUAL, datetime.now(UTC)
            )
        )
    return payment


async def unknown_tickets(records) -> int:
    query = select(func.count()).where(tickets.c.category == "payment_unknown")
    return await records.read(lambda db: db.execute(query).scalar())


async def test_M14_a_payout_held_for_hours_whose_asking_died_is_not_old(records) -> None:
    load_catalogues()
    payment, there = await held_for_hours(records), SlowOperator()

    async def die() -> None:
        raise Killed

    there.meanwhile = die
    sender = Sender(records, None, {there.name: there}, SenderRules(lease_s=0.0), USUAL)
    with pytest.raises(Killed):
        await sender.carry_out()
    asked = await records.read(lambda db: payments.by_reference(db, payment.reference))
    assert (asked.state, asked.asks) == ("created", 1)
    # The next process looks first: the operator has it, and has not decided.
    there.meanwhile = None
    await sender.carry_out()
    assert await unknown_tickets(records) == 0
    late, pending = datetime.now(UTC) + timedelta(minutes=30), Answer(Outcome.PENDING)
    await records.write(lambda db: db.execute(update(rows).values(look_ups=3)))
    await records.write(
        lambda db: settlement.record_answer(db, payment.reference, pending, late, rules=USUAL)
    )
    assert await unknown_tickets(records) == 1


async def test_M07_a_callback_for_a_payout_that_people_hold_makes_no_ticket(records) -> None:
    load_catalogues()
    long_ago, large = datetime.now(UTC) - timedelta(hours=5), USUAL.release_above_rwf + 1
    payment, there = await records.write(
        lambda db: pay(db, person(db, long_ago), long_ago, large)
    ), Operator()  # fmt: skip
    await records.write(
        lambda db: settlement.look_up_now(db, payment.callback_token, datetime.now(UTC))
    )
    assert await LookUps(records, {there.name: there}, lambda: None, payouts=USUAL).ask_due() == 1
    assert await unknown_tickets(records) == 0 and there.taken == {}


async def test_M17_a_clock_set_back_neither_silences_the_poller_nor_hurries_it(records) -> None:
    there, days = Operator(), timedelta(days=3)
    payment = await records.write(
        lambda db: pay(db, person(db, datetime.now(UTC)), datetime.now(UTC))
    )
    await Sender(records, None, {there.name: there}, SenderRules(), USUAL).carry_out()
    look_ups = LookUps(records, {there.name: there}, lambda: None, payouts=USUAL)

    async def due_in(wait: timedelta) -> int:
        when = datetime.now(UTC) + wait
        await records.write(lambda db: db.execute(update(rows).values(look_up_at=when)))
        return await look_ups.ask_due()

    # The longest wait of the schedule, also on a clock some seconds ahead, is waited for.
    assert await due_in(timedelta(minutes=25, seconds=30)) == 0
    assert await due_in(days) == 1
    paid = await records.read(lambda db: payments.by_reference(db, payment.reference))
    assert paid.state == "succeeded"


async def test_M17_a_lease_of_a_clock_set_back_holds_nothing(records) -> None:
    there, now = Operator(), datetime.now(UTC)
    payment = await records.write(lambda db: pay(db, person(db, now), now))
    sender = Sender(records, None, {there.name: there}, SenderRules(), USUAL)

    async def sent_when_leased_for(wait: timedelta) -> list[str]:
        taken = {"lease": "another", "lease_until": datetime.now(UTC) + wait}
        await records.write(lambda db: db.execute(update(outbox).values(taken)))
        await sender.carry_out()
        return list(there.taken)

    assert await sent_when_leased_for(timedelta(seconds=29)) == []
    assert await sent_when_leased_for(timedelta(days=3)) == [payment.reference]


async def test_M17_a_chat_is_not_silenced_by_a_lease_of_a_clock_set_back(records, now) -> None:
    def leased_for(db, wait: timedelta) -> int:
        db.execute(update(outbox).values(lease="another", lease_until=now + wait))
        return len(news_out.claim_in_turn(db, "telegram", "mine", now, 30.0, 10))

    chat = {"chat_id": 7, "text": "x"}
    await records.write(lambda db: news_out.put(db, "telegram", "key", chat, now))
    assert await records.write(lambda db: leased_for(db, timedelta(seconds=29))) == 0
    assert await records.write(lambda db: leased_for(db, timedelta(days=3))) == 1
