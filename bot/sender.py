"""Carries news out of the outbox: SMS to people, payouts to operators; at least once, by lease."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Connection

from bot.market import clearance, payments, people, settlement
from bot.market.limits import PayoutRules
from bot.payments.provider import Outcome, PaymentProvider, PayoutOrder
from bot.sms.provider import Sent, SmsMessage, SmsProvider
from bot.storage import outbox
from bot.storage.outbox import OutboxRow
from bot.storage.records import Records, RecordsDown
from bot.storage.rounds import one_round
from bot.ussd.gsm7 import fold

log = structlog.get_logger(__name__)

_RETRY_FIRST_S, _RETRY_MAX_S = 5.0, 1800.0


@dataclass(frozen=True, slots=True)
class SenderRules:
    """How often to look, how long a lease holds, when to give up."""

    poll_s: float = 0.5
    lease_s: float = 30.0
    batch: int = 50
    max_attempts: int = 12


class Sender:
    """The relay of the outbox. Any number of them may run: a row is in one hand at a time."""

    def __init__(
        self,
        records: Records,
        sms: SmsProvider,
        providers: Mapping[str, PaymentProvider],
        rules: SenderRules,
        payouts: PayoutRules,
    ) -> None:
        self._records, self._sms, self._providers = records, sms, providers
        self._rules, self._payouts = rules, payouts
        self._lease = secrets.token_hex(8)
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """News was just committed: look at once."""
        self._woken.set()

    async def run(self) -> None:
        """Carry news out until cancelled."""
        while True:
            await one_round("outbox", self._carry_out_all)
            self._woken.clear()
            try:
                async with asyncio.timeout(self._rules.poll_s):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def _carry_out_all(self) -> None:
        while await self.carry_out():
            pass

    async def carry_out(self) -> int:
        """Take what is due and send it; returns how many pieces were taken."""
        rules, now = self._rules, datetime.now(UTC)
        rows = await self._records.write(
            lambda db: outbox.claim(db, self._lease, now, rules.lease_s, rules.batch)
        )
        await asyncio.gather(*(self._send(row) for row in rows))
        return len(rows)

    async def _send(self, row: OutboxRow) -> None:
        try:
            error = await (self._send_sms(row) if row.kind == "sms" else self._pay(row))
        except RecordsDown:
            # The lease runs out by itself; the next holder tries again.
            raise
        except Exception as fault:
            log.exception("news not sent", key=row.dedupe_key)
            error = f"retry {type(fault).__name__}"
        await self._end(row, error)

    async def _end(self, row: OutboxRow, error: str) -> None:
        now = datetime.now(UTC)
        if not error:
            await self._records.write(lambda db: outbox.done(db, row, now))
        elif error.startswith("retry") and row.attempts < self._rules.max_attempts:
            due_at = now + timedelta(seconds=_wait_s(row.attempts))
            await self._records.write(lambda db: outbox.again(db, row, error, due_at))
        else:
            log.error("dead letter", key=row.dedupe_key, why=error)
            await self._records.write(lambda db: _bury(db, row, error, now))

    async def _send_sms(self, row: OutboxRow) -> str:
        """ "" when sent; what is wrong otherwise, "retry …" when it may pass."""
        contact_id, number = row.payload.get("contact_id"), row.payload.get("msisdn", "")
        if contact_id:
            contact = await self._records.read(lambda db: people.by_id(db, contact_id))
            if contact is None:
                return "the person was erased"
            number = contact.msisdn
        message = SmsMessage(number, fold(row.payload["text"]), row.dedupe_key)
        answer = await self._sms.send(message)
        if answer.outcome is Sent.SENT:
            return ""
        return f"{answer.outcome} {answer.reason}"

    async def _pay(self, row: OutboxRow) -> str:
        reference = row.payload["reference"]
        payment = await self._records.read(lambda db: payments.by_reference(db, reference))
        if payment is None or payment.state not in ("created", "sent", "unknown"):
            return ""
        provider = self._providers.get(payment.provider)
        if provider is None:
            return f"no provider {payment.provider}"
        # Where someone may have asked before who could not write down the answer: look first.
        first = payment.state == "created" and row.attempts <= 1
        if first or not await self._heard_of(provider, reference):
            await self._ask(provider, reference)
        return ""

    async def _heard_of(self, provider: PaymentProvider, reference: str) -> bool:
        """Whether the operator knows this payment; then its answer is written down."""
        answer = await provider.look_up(reference)
        if answer.outcome is Outcome.NOT_THERE:
            return False
        await self._records.write(
            lambda db: settlement.record_answer(db, reference, answer, datetime.now(UTC))
        )
        return True

    async def _ask(self, provider: PaymentProvider, reference: str) -> None:
        """Ask for the money to be sent, exactly as it stood when it passed the gate."""
        now = datetime.now(UTC)
        payment = await self._records.write(
            lambda db: clearance.clear(db, reference, self._payouts, now)
        )
        if payment is None:
            log.warning("payout held back", reference=reference, see="isoko payouts waiting")
            return
        order = PayoutOrder(
            reference,
            payment.callback_token,
            payment.amount_rwf,
            payment.currency,
            payment.payee_msisdn,
            payment.order_code,
        )
        answer = await provider.ask(order)
        await self._records.write(
            lambda db: settlement.record_asked(db, reference, answer, datetime.now(UTC))
        )
        self.wake()


def _bury(db: Connection, row: OutboxRow, error: str, now: datetime) -> None:
    outbox.dead(db, row, error, now)
    if row.kind == "payout":
        settlement.note_stuck(db, row.payload["reference"], error, now)


def _wait_s(attempts: int) -> float:
    """Twice as long each time, with jitter, so that many do not come back at once."""
    longest: float = min(_RETRY_MAX_S, _RETRY_FIRST_S * 2.0 ** (attempts - 1))
    return longest * random.uniform(0.7, 1.3)  # noqa: S311  jitter, not a secret
