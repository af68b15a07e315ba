"""MTN MoMo collection: a prompt on a buyer's phone, a refund, and the hub's balances.

Source: MTN's developer pages, as collected in the project's wire facts, sections 3.3 and 3.4.
"""

from __future__ import annotations

from typing import Any

from bot.payments import momo_accounts
from bot.payments.collecting import CollectionOrder, RefundOrder
from bot.payments.momo_line import MomoLine, party_id
from bot.payments.notes import plain
from bot.payments.provider import MTN_MOMO, Answer, Outcome

_PAY = "/requesttopay"
_REFUND = "/refund"


class MomoCollection:
    """The collection client. 202 is "the prompt was sent": only a look-up tells.

    Refunds belong to MTN's disbursement, so it speaks to both products; `disbursement` is the
    payout client's own line, so that they share a token.
    """

    name = MTN_MOMO

    def __init__(self, collection: MomoLine, disbursement: MomoLine) -> None:
        self._line, self._payouts = collection, disbursement

    async def collect(self, order: CollectionOrder) -> Answer:
        """Send the prompt, under our reference, a UUID v4; the payer has about five minutes."""
        number = party_id(order.payer_msisdn)
        if not number:
            # Nothing has left, nor ever can under this reference.
            return Answer(Outcome.REFUSED, reason="NOT_FOR_MTN")
        body = {
            **_terms(order.amount_rwf, self._line.config.currency, order.order_code),
            "payer": {"partyIdType": "MSISDN", "partyId": number},
        }
        return await self._line.ask(_PAY, order.reference, order.callback_token, body)

    async def look_up(self, reference: str) -> Answer:
        """What became of a collection; 404 right after asking may still change."""
        return await self._line.look_up(_PAY, reference, "payer")

    async def refund(self, order: RefundOrder) -> Answer:
        """Give a collection back, named by our reference of it; 202 is not yet "given back"."""
        body = {
            **_terms(order.amount_rwf, self._payouts.config.currency, order.order_code),
            "referenceIdToRefund": order.collection_reference,
        }
        return await self._payouts.ask(_REFUND, order.reference, "", body)

    async def look_up_refund(self, reference: str) -> Answer:
        """What became of a refund, by the refund's own reference."""
        return await self._payouts.look_up(_REFUND, reference, "payee")

    async def balance_rwf(self) -> int | None:
        """What was collected and is still with MTN, in whole francs; None when not told."""
        return await momo_accounts.balance_rwf(self._line)

    async def payout_balance_rwf(self) -> int | None:
        """What payouts and refunds are paid from, in whole francs; None when not told."""
        return await momo_accounts.balance_rwf(self._payouts)

    async def is_active(self, msisdn: str) -> bool | None:
        """Whether this E.164 number has a wallet that is active; None when MTN does not tell."""
        return await momo_accounts.is_active(self._line, msisdn)


def _terms(amount_rwf: int, currency: str, order_code: str) -> dict[str, Any]:
    note = plain(f"Isoko {order_code}")
    return {
        "amount": str(amount_rwf),
        "currency": currency,
        "externalId": order_code,
        "payerMessage": note,
        "payeeNote": note,
    }
