"""Airtel Money disbursement: money to a farmer's wallet.

Source: Airtel's developer pages, as collected in the project's wire facts, section 4.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import aiohttp

from bot.payments.airtel_codes import read_asked, read_enquiry, text_of
from bot.payments.airtel_line import OUTSIDE, AirtelConfig, AirtelLine, national
from bot.payments.airtel_signing import is_rightly_hashed
from bot.payments.notes import plain
from bot.payments.out_of_order import no_answer
from bot.payments.provider import AIRTEL_MONEY, Answer, CallbackHint, Outcome, PayoutOrder

_PAY_OUT = "/standard/{v}/disbursements/"
_ENQUIRE = "/standard/v1/disbursements"


class AirtelMoney:
    """The disbursement client. Airtel may say "paid" at once; still only a look-up tells."""

    name = AIRTEL_MONEY

    def __init__(self, config: AirtelConfig, http: aiohttp.ClientSession) -> None:
        self._config = config
        self._line = AirtelLine(config, http)

    async def ask(self, payout: PayoutOrder) -> Answer:
        """POST the payout; our reference is Airtel's transaction id, which it takes once."""
        msisdn = national(payout.payee_msisdn)
        if not msisdn or payout.currency != self._config.currency:
            # Nothing has left, nor ever can under this reference.
            return Answer(Outcome.REFUSED, reason="NOT_FOR_AIRTEL")
        body = {
            "payee": {"msisdn": msisdn, "wallet_type": "NORMAL"},
            "reference": plain(f"Isoko {payout.order_code}"),
            "pin": "",
            "transaction": {"amount": payout.amount_rwf, "id": payout.reference, "type": "B2C"},
        }
        try:
            status, data = await self._line.post(_PAY_OUT, body, with_pin=True)
        except OUTSIDE as error:
            return no_answer(error)
        return read_asked(status, data, payout.reference)

    async def look_up(self, reference: str) -> Answer:
        """GET the payout by our reference."""
        try:
            status, data = await self._line.get(f"{_ENQUIRE}/{reference}")
        except OUTSIDE as error:
            return no_answer(error)
        return read_enquiry(status, data, reference, can_expire=False)

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackHint:
        """Our reference and the status a callback claims.

        Where the portal's private key is set, a callback without its right hash is forged.
        """
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            data = None
        secret = self._config.callback_secret
        if not isinstance(data, dict):
            return CallbackHint(forged=bool(secret))
        transaction = data.get("transaction")
        transaction = transaction if isinstance(transaction, dict) else {}
        reference = text_of(transaction.get("id"))[:40]
        try:
            forged = bool(secret) and not is_rightly_hashed(data, secret)
        except RecursionError:
            forged = True
        status = text_of(transaction.get("status_code"))[:20]
        return CallbackHint(reference, status, reference, forged)
