"""What the pretended MoMo takes for a right body, as strict as the documented one.

Source: MTN's developer pages, as collected in the project's wire facts, sections 3.3 to 3.6.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from bot.sandbox.momo_access import bad_reference, error
from bot.sandbox.momo_transfers import PARTY

# By target environment.
CURRENCY = {"sandbox": "EUR", "mtnrwanda": "RWF"}
_AMOUNT = re.compile(r"[1-9][0-9]{0,11}")
_MSISDN = re.compile(r"[1-9][0-9]{7,14}")
_NOTE = re.compile(r"[A-Za-z0-9 ]{0,160}")


def wrong_with(
    user: dict[str, Any], kind: str, body: dict[str, Any], callback_url: str
) -> web.Response | None:
    """The refusal of a body, or None.

    Raises KeyError, TypeError or AttributeError for one that has another shape.
    """
    if not _AMOUNT.fullmatch(body["amount"]):
        return error(400, "VALIDATION_ERROR", "amount must be a string of digits")
    if not isinstance(body["externalId"], str):
        return error(400, "VALIDATION_ERROR", "externalId must be a string")
    refused = _wrong_name(kind, body)
    if refused is not None:
        return refused
    if body["currency"] != CURRENCY[user["env"]]:
        return error(500, "INVALID_CURRENCY", "Currency not supported.")
    if user["host"] and callback_url and urlsplit(callback_url).hostname != user["host"]:
        message = "Callback URL with different host name then configured for API User."
        return error(500, "INVALID_CALLBACK_URL_HOST", message)
    for text in (body.get("payerMessage", ""), body.get("payeeNote", "")):
        if not _NOTE.fullmatch(text):
            return error(400, "VALIDATION_ERROR", "notes hold letters, digits and blanks")
    return None


def _wrong_name(kind: str, body: dict[str, Any]) -> web.Response | None:
    """A refund names a payment; the others name a wallet."""
    if kind == "refund":
        if bad_reference(body["referenceIdToRefund"]) is None:
            return None
        return error(400, "VALIDATION_ERROR", "referenceIdToRefund must be a UUID v4")
    party = body[PARTY[kind]]
    if party["partyIdType"] == "MSISDN" and _MSISDN.fullmatch(party["partyId"]):
        return None
    return error(400, "VALIDATION_ERROR", "partyId must be digits with country code")
