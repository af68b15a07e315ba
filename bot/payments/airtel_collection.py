"""Airtel Money collection: a prompt on a buyer's phone, a refund, and the hub's balance.

Source: Airtel's developer pages, as collected in the project's wire facts, sections 4.3 and 4.4.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import aiohttp

from bot.i18n.ticket_sentences import TicketSentence
from bot.payments.airtel_codes import read_asked, read_enquiry
from bot.payments.airtel_line import OUTSIDE, AirtelConfig, AirtelLine, national
from bot.payments.collecting import CollectionOrder, RefundOrder
from bot.payments.notes import plain
from bot.payments.out_of_order import no_answer
from bot.payments.provider import AIRTEL_MONEY, Answer, Outcome, Term

_PAY = "/merchant/{v}/payments/"
_ENQUIRE = "/standard/v1/payments"
_REFUND = "/standard/{v}/payments/refund"
_BALANCE = "/standard/v1/users/balance"


class AirtelCollection:
    """The collection client. "Accepted" is "the prompt was sent": only a look-up tells."""

    name = AIRTEL_MONEY

    def __init__(self, config: AirtelConfig, http: aiohttp.ClientSession) -> None:
        self._config = config
        self._line = AirtelLine(config, http)

    async def collect(self, order: CollectionOrder) -> Answer:
        """Send the prompt, under our reference."""
        msisdn = national(order.payer_msisdn)
        if not msisdn:
            return Answer(Outcome.REFUSED, reason="NOT_FOR_AIRTEL")
        place = {"country": self._config.country, "currency": self._config.currency}
        body = {
            "reference": plain(f"Isoko {order.order_code}"),
            "subscriber": {**place, "msisdn": msisdn},
            "transaction": {"amount": order.amount_rwf, **place, "id": order.reference},
        }
        return await self._ask(_PAY, body, order.reference)

    async def look_up(self, reference: str) -> Answer:
        """What became of a collection; Airtel advises to wait three minutes before the first."""
        try:
            status, data = await self._line.get(f"{_ENQUIRE}/{reference}")
        except OUTSIDE as error:
            return no_answer(error)
        return _of_a_payer(read_enquiry(status, data, reference, can_expire=True))

    async def refund(self, order: RefundOrder) -> Answer:
        """Give back the whole of a collection, named by Airtel's own id of it."""
        if not order.collection_txn_id:
            # Without it no page says what would be given back. Nothing has left.
            return Answer(Outcome.REFUSED, reason="NO_AIRTEL_ID")
        body = {"transaction": {"airtel_money_id": order.collection_txn_id}}
        return await self._ask(_REFUND, body, "")

    async def look_up_refund(self, reference: str) -> Answer:
        """No page of Airtel's has a look-up of a refund."""
        return Answer(Outcome.NEVER_TOLD, reason=TicketSentence.NEVER_TOLD)

    async def balance_rwf(self) -> int | None:
        """The hub's money with Airtel, in whole francs; None when Airtel does not tell."""
        try:
            status, data = await self._line.get(_BALANCE)
        except OUTSIDE:
            return None
        return _balance(data, self._config.currency) if status == 200 else None

    async def _ask(self, path: str, body: dict[str, Any], our_id: str) -> Answer:
        try:
            status, data = await self._line.post(path, body)
        except OUTSIDE as error:
            return no_answer(error)
        return read_asked(status, data, our_id)


def _of_a_payer(answer: Answer) -> Answer:
    """The number that an enquiry names, or leaves out, is here the payer's."""
    untold: frozenset[Term] = answer.untold - {"payee_msisdn"}
    if "payee_msisdn" in answer.untold:
        untold |= {"payer_msisdn"}
    return replace(answer, payer_msisdn=answer.payee_msisdn, payee_msisdn="", untold=untold)


def _balance(data: Any, currency: str) -> int | None:
    told = data.get("data") if isinstance(data, dict) else None
    if not isinstance(told, dict) or told.get("currency") != currency:
        return None
    match = re.fullmatch(r"([0-9]{1,12})(?:\.0+)?", str(told.get("balance")))
    return int(match[1]) if match else None
