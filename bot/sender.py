"""Carries news out of the outbox: SMS to people, payouts to operators; at least once, by lease.

What must leave in the order of its chat has a sender of its own, beside this one.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection

from bot.i18n.ticket_sentences import TicketSentence
from bot.market import (
    clearance,
    letters,
    news,
    outages,
    payment_talks,
    payments,
    people,
    retries,
    settlement,
)
from bot.market.limits import PayoutRules
from bot.market.lines import line_of
from bot.market.outages import USUAL_OUTAGE, OutageRules
from bot.market.payments import OPEN, Payment
from bot.operators import Operators
from bot.payments.collecting import CollectionProvider
from bot.payments.provider import Answer, Outcome, PaymentProvider
from bot.sms.provider import Sent, SmsMessage, SmsProvider
from bot.storage import outbox, outcomes
from bot.storage.outbox import OutboxRow
from bot.storage.records import Records, RecordsDown
from bot.storage.rounds import Batches, one_round, together
from bot.ussd.gsm7 import fold

log = structlog.get_logger(__name__)

_RETRY_FIRST_S, _RETRY_MAX_S = 5.0, 1800.0
# Whoever is told to stop finishes what is in hand: cut off, its news would leave twice.
_FINISH_S = 10.0
# While one letter asks for a payment, another of its letters waits so long.
_ANOTHER_ASKS = timedelta(seconds=5)
# It waits: it is neither done nor tried, and stands in the outbox as it should.
_WAITS = "waits"

# Takes one piece out: "" when it left, what is wrong otherwise, "retry …" when that may pass.
Carrier = Callable[[OutboxRow], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class SenderRules:
    """How often to look, how long a lease holds, when to give up."""

    poll_s: float = 0.5
    lease_s: float = 30.0
    batch: int = 50
    max_attempts: int = 12


@dataclass(frozen=True, slots=True)
class _Batch:
    """What leaves through one line: at once, or in turn where it was held back before."""

    new: list[OutboxRow] = field(default_factory=list)
    held: list[OutboxRow] = field(default_factory=list)


class Sender:
    """The relay of the outbox. Any number of them may run: a row is in one hand at a time."""

    def __init__(
        self,
        records: Records,
        sms: SmsProvider,
        providers: Mapping[str, PaymentProvider],
        rules: SenderRules,
        payouts: PayoutRules,
        collectors: Mapping[str, CollectionProvider] | None = None,
        outage: OutageRules = USUAL_OUTAGE,
    ) -> None:
        self._records, self._sms = records, sms
        self._beside: dict[str, Callable[[], None]] = {}
        self._carriers: dict[str, Carrier] = {
            "sms": self._send_sms,
            "payout": self._pay,
            "collection": self._pay,
            "refund": self._pay,
        }
        self._operators = Operators(providers, collectors or {})
        # What goes to chats is taken here too where nobody else sends it: it leaves as an SMS.
        self._kinds = (*self._carriers, "telegram")
        self._rules, self._payouts, self._outage = rules, payouts, outage
        self._woken = asyncio.Event()
        self._leaving = False
        self._batches = Batches("outbox")

    def leave_to(self, kind: str, wake: Callable[[], None]) -> None:
        """News of this kind has a sender of its own, to be woken by `wake`."""
        self._beside[kind] = wake
        self._kinds = tuple(one for one in self._kinds if one != kind)

    def wake(self) -> None:
        """News was just committed: look at once."""
        self._woken.set()
        for wake in self._beside.values():
            wake()

    async def run(self) -> None:
        """Carry news out until cancelled; what is in hand then is still finished."""
        try:
            while True:
                self._woken.clear()
                await self._uncut(one_round("outbox", self._begin_due))
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._rules.poll_s):
                        await self._woken.wait()
        finally:
            await self._batches.finish(_FINISH_S)

    async def _uncut(self, taking: Coroutine[Any, Any, None]) -> None:
        # What is being taken from the outbox now would lie in its lease, unsent.
        task = asyncio.create_task(taking)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            self._leaving = True
            await asyncio.wait([task], timeout=_FINISH_S)
            task.cancel()
            raise

    async def _begin_due(self) -> None:
        """Begin all that is due, but for lines on which an earlier batch is under way."""
        while not self._leaving:
            taken = await self._take()
            if not taken:
                return
            for line, batch in taken.items():
                self._batches.begin(line, partial(self._send_batch, batch))

    async def carry_out(self) -> int:
        """Take what is due and send it; returns how many pieces were taken."""
        taken = await self._take()
        await together(*(self._send_batch(batch) for batch in taken.values()))
        return sum(len(one.new) + len(one.held) for one in taken.values())

    async def _take(self) -> dict[str, _Batch]:
        """What is due, by the line through which it leaves; "" for what needs no operator."""
        taken: dict[str, _Batch] = {}
        busy = self._batches.busy
        # A look costs a hundredth of a transaction, and is in nobody's way.
        if not await self._records.read(partial(self._is_due, busy=busy)):
            return taken
        new, held = await self._records.write(partial(self._claim, busy=busy))
        for row in new:
            taken.setdefault(row.via, _Batch()).new.append(row)
        for row in held:
            taken.setdefault(row.via, _Batch()).held.append(row)
        return taken

    def _is_due(self, db: Connection, busy: tuple[str, ...]) -> bool:
        """Whether `_claim` may find anything."""
        now, closed = datetime.now(UTC), outages.shut(db)
        if closed and outages.is_release_due(db, self._outage, now, busy):
            return True
        not_via = (*closed, *busy)
        return any(outbox.is_due(db, kind, now, not_via) for kind in self._kinds)

    def _claim(
        self, db: Connection, busy: tuple[str, ...]
    ) -> tuple[list[OutboxRow], list[OutboxRow]]:
        """What is due; and what an operator that works again has kept waiting, the oldest first."""
        rules, now = self._rules, datetime.now(UTC)
        # Of this batch only: what runs out and is taken anew, even here, is in another hand.
        lease = secrets.token_hex(8)
        closed = outages.shut(db)
        not_via = (*closed, *busy)
        new = outbox.claim(db, lease, now, rules.lease_s, rules.batch, self._kinds, not_via)
        if not closed:
            return new, []
        outage, payouts = self._outage, self._payouts
        return new, outages.release(db, lease, outage, rules.lease_s, now, payouts, busy)

    async def _send_batch(self, batch: _Batch) -> None:
        await together(*(self._send(row) for row in batch.new), self._send_in_turn(batch.held))
        # There may be more of its line.
        self._woken.set()

    async def _send_in_turn(self, rows: list[OutboxRow]) -> None:
        for row in rows:
            await self._send(row)

    async def _send(self, row: OutboxRow) -> None:
        try:
            carry = self._carriers.get(row.kind)
            error = (
                await carry(row) if carry else TicketSentence.NOBODY_CARRIES.format(kind=row.kind)
            )
        except RecordsDown:
            # The lease runs out by itself; the next holder tries again.
            raise
        except Exception as fault:
            log.exception("news not sent", key=row.dedupe_key)
            error = TicketSentence.TRIED_OFTEN.format(fault=type(fault).__name__)
        if error != _WAITS:
            await self._end(row, error)

    async def _end(self, row: OutboxRow, error: str) -> None:
        now = datetime.now(UTC)
        work: Callable[[Connection], object]
        if not error:
            work = partial(outbox.done, row=row, now=now)
        elif error.startswith("retry") and row.attempts < self._rules.max_attempts:
            due_at = now + timedelta(seconds=_wait_s(row.attempts))
            work = partial(outbox.again, row=row, error=error, due_at=due_at)
        else:
            log.error("dead letter", key=row.dedupe_key, why=error)
            work = partial(_bury, row=row, error=error, now=now)
        await outcomes.keep(self._records, work, self._rules.lease_s)

    async def _send_sms(self, row: OutboxRow) -> str:
        """ "" when sent; what is wrong otherwise, "retry …" when it may pass."""
        contact_id, number = row.payload.get("contact_id"), row.payload.get("msisdn", "")
        if contact_id:
            contact = await self._records.read(lambda db: people.by_id(db, contact_id))
            if contact is None or not contact.msisdn:
                return "the person was erased, or the number is another's"
            number = contact.msisdn
        message = SmsMessage(number, fold(row.payload["text"]), row.dedupe_key)
        answer = await self._sms.send(message)
        if answer.outcome is Sent.SENT:
            return ""
        return f"{answer.outcome} {answer.reason}"

    async def _pay(self, row: OutboxRow) -> str:
        """ "" when the operator was asked, `_WAITS` when it must be asked later."""
        reference = row.payload["reference"]
        payment = await self._records.read(lambda db: payments.by_reference(db, reference))
        if payment is None or payment.state not in OPEN:
            return ""
        if not self._operators.know(payment):
            return TicketSentence.NO_PROVIDER.format(provider=payment.provider, kind=payment.kind)
        # Where someone has asked before, who may not have written down the answer: look first.
        if payment.asks or payment.state != "created":
            began = datetime.now(UTC)
            answer = await self._operators.look_up(payment)
            if answer.outcome is not Outcome.NOT_THERE:
                return await self._write_down(row, payment, answer, began, asked=False)
        return await self._ask(row, payment)

    async def _ask(self, row: OutboxRow, seen: Payment) -> str:
        """Ask for the money to move, exactly as it stood when it passed the gate."""
        payment, refunded, waits = await self._records.write(
            lambda db: self._pass_the_gate(db, row, seen)
        )
        if waits:
            return _WAITS
        if payment is None:
            log.warning("payment held back", reference=seen.reference, see="isoko payouts waiting")
            return ""
        began = datetime.now(UTC)
        answer = await self._operators.ask(payment, refunded)
        said = await self._write_down(row, payment, answer, began, asked=True)
        self.wake()
        return said

    def _pass_the_gate(
        self, db: Connection, row: OutboxRow, seen: Payment
    ) -> tuple[Payment | None, Payment | None, bool]:
        """The payment if it may leave, the collection it refunds; or whether it waits.

        What may leave is in our hands from here for a whole lease, and counted as asked for. `seen`
        is the payment as it stood when it was decided to ask without looking, or after looking.
        """
        now, reference = datetime.now(UTC), seen.reference
        payment = payments.locked(db, reference)
        if not outbox.hold(db, row, now + timedelta(seconds=self._rules.lease_s)):
            return None, None, True
        if payment.asks != seen.asks:
            # Another letter of it was quicker, and stays until its asking has come to an end.
            outbox.done(db, row, now, "asked for by another letter")
            return None, None, True
        if payment.asks and letters.in_another_hand(db, payment, row.id, now):
            # What the operator does not know yet may be on its way there: it is looked up again.
            outbox.give_back(db, row, "another letter asks for it now", now + _ANOTHER_ASKS)
            return None, None, True
        if outages.is_down(db, line_of(payment)):
            outbox.give_back(db, row, "the operator is out of order", now)
            return None, None, True
        cleared = clearance.clear(db, reference, self._payouts, now)
        if cleared is None:
            return None, None, False
        refunded = payments.with_id(db, payment.refunds_id) if payment.refunds_id else None
        return payments.count_ask(db, cleared, now), refunded, False

    async def _write_down(
        self, row: OutboxRow, payment: Payment, answer: Answer, began: datetime, *, asked: bool
    ) -> str:
        """Keep what the operator said, and judge the operator by it."""

        def record(db: Connection) -> str:
            now = datetime.now(UTC)
            reference = payment.reference
            if asked:
                after = settlement.record_asked(db, reference, answer, now, payment)
            else:
                rules = self._payouts
                after = settlement.record_answer(db, reference, answer, now, payment, rules=rules)
            payment_talks.keep(db, payment, "ask" if asked else "look_up", answer, began, now)
            outages.note(db, payment, answer, self._outage, now)
            if not answer.down or after.state not in OPEN:
                return ""
            # Nobody answered: it keeps its place before all that came later.
            wait = retries.wait(db, after, answer, now, asked=asked)
            outbox.give_back(db, row, answer.reason, now + wait)
            return _WAITS

        return await self._records.write(record)


def _bury(db: Connection, row: OutboxRow, error: str, now: datetime) -> None:
    if news.by_sms(db, row, now):
        return
    outbox.dead(db, row, error, now)
    if "reference" in row.payload:
        settlement.note_stuck(db, row.payload["reference"], error, now)


def _wait_s(attempts: int) -> float:
    """Twice as long each time, with jitter, so that many do not come back at once."""
    longest: float = min(_RETRY_MAX_S, _RETRY_FIRST_S * 2.0 ** (attempts - 1))
    return longest * random.uniform(0.7, 1.3)  # noqa: S311  jitter, not a secret
