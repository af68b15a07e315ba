"""MTN MoMo disbursement: money to a farmer's wallet.

Source: MTN's developer pages, as collected in the project's wire facts, section 3.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import aiohttp

from bot.payments.momo_codes import text_of
from bot.payments.momo_line import MomoConfig, MomoLine
from bot.payments.notes import plain
from bot.payments.provider import MTN_MOMO, Answer, CallbackHint, PayoutOrder

_TRANSFER = "/transfer"


class MtnMomo:
    """The disbursement client. 202 is "accepted", not "paid": only a look-up tells.

    `line` is for whoever else calls this product, so that one token serves all.
    """

    name = MTN_MOMO

    def __init__(self, config: MomoConfig, http: aiohttp.ClientSession) -> None:
        self.line = MomoLine("disbursement", config, http)

    async def ask(self, payout: PayoutOrder) -> Answer:
        """POST the transfer under its own reference."""
        note = plain(f"Isoko {payout.order_code}")
        body = {
            "amount": str(payout.amount_rwf),
            "currency": payout.currency,
            "externalId": payout.order_code,
            "payee": {"partyIdType": "MSISDN", "partyId": payout.payee_msisdn.lstrip("+")},
            "payerMessage": note,
            "payeeNote": note,
        }
        return await self.line.ask(_TRANSFER, payout.reference, payout.callback_token, body)

    async def look_up(self, reference: str) -> Answer:
        """GET the transfer; 404 is "not there", which right after asking may still change."""
        return await self.line.look_up(_TRANSFER, reference, "payee")

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackHint:
        """The order code and status a callback claims; it is not signed, so it proves nothing."""
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            return CallbackHint()
        if not isinstance(data, dict):
            return CallbackHint()
        return CallbackHint(text_of(data.get("externalId"))[:40], text_of(data.get("status"))[:20])
