"""Every operator by what it is asked for: to pay out, to collect, to give back."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace

from bot.i18n.ticket_sentences import TicketSentence
from bot.market.lines import collects, provider_on
from bot.market.payments import Payment
from bot.payments.collecting import CollectionOrder, CollectionProvider, RefundOrder
from bot.payments.provider import Answer, Outcome, PaymentProvider, PayoutOrder


class Operators:
    """Takes a payment of any kind to its operator. Trouble outside is an `Outcome`."""

    def __init__(
        self,
        providers: Mapping[str, PaymentProvider],
        collectors: Mapping[str, CollectionProvider],
    ) -> None:
        self._providers, self._collectors = providers, collectors

    def know(self, payment: Payment) -> bool:
        """Whether there is an operator for this kind of payment."""
        served = self._providers if payment.kind == "payout" else self._collectors
        return payment.provider in served

    async def ask(self, payment: Payment, refunded: Payment | None = None) -> Answer:
        """Ask for it; `refunded` is the collection that a refund gives back."""
        if payment.kind == "collection":
            return await self._collectors[payment.provider].collect(_collection(payment))
        if payment.kind == "refund" and refunded is not None:
            return await self._give_back(payment, refunded)
        return await self._providers[payment.provider].ask(_payout(payment))

    async def look_up(self, payment: Payment) -> Answer:
        """What became of it."""
        if payment.kind == "payout":
            return await self._providers[payment.provider].look_up(payment.reference)
        collector = self._collectors[payment.provider]
        if payment.kind == "collection":
            return await collector.look_up(payment.reference)
        return await collector.look_up_refund(payment.reference)

    async def probe(self, line: str) -> Answer | None:
        """Ask a line about a payment that was never made; None when nobody serves it.

        That it is not there is an answer as good as another, and no real payment can spoil it.
        """
        served = self._collectors if collects(line) else self._providers
        there = served.get(provider_on(line))
        return None if there is None else await there.look_up(str(uuid.uuid4()))

    async def _give_back(self, payment: Payment, refunded: Payment) -> Answer:
        collector = self._collectors[payment.provider]
        answer = await collector.refund(_refund(payment, refunded))
        if answer.outcome is Outcome.REFUSED or answer.down:
            return answer
        later = await collector.look_up_refund(payment.reference)
        if later.outcome is not Outcome.NEVER_TOLD:
            return answer
        said = answer.reason or answer.outcome
        why = TicketSentence.NEVER_TOLD_SAID.format(never=later.reason, answer=said)
        return replace(later, reason=why)


def _payout(payment: Payment) -> PayoutOrder:
    return PayoutOrder(
        payment.reference,
        payment.callback_token,
        payment.amount_rwf,
        payment.currency,
        payment.payee_msisdn,
        payment.order_code,
    )


def _collection(payment: Payment) -> CollectionOrder:
    return CollectionOrder(
        payment.reference,
        payment.amount_rwf,
        payment.payee_msisdn,
        payment.order_code,
        payment.callback_token,
    )


def _refund(payment: Payment, refunded: Payment) -> RefundOrder:
    return RefundOrder(
        payment.reference,
        refunded.reference,
        refunded.provider_txn_id,
        payment.amount_rwf,
        payment.order_code,
    )
