"""What MTN MoMo's states and codes mean; a code that no page explains is never a failure.

Source: MTN's developer pages, as collected in the project's wire facts, section 3.5.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

from bot.payments.out_of_order import is_down, turned_away
from bot.payments.provider import Answer, Outcome

Party = Literal["payer", "payee"]

# Refusals that say for certain that no money will move for this reference.
_REFUSED_AT_ONCE: Final = frozenset({
    "BAD_REQUEST", "INVALID_CALLBACK_URL_HOST", "INVALID_CURRENCY", "NOT_ALLOWED",
    "NOT_ALLOWED_TARGET_ENVIRONMENT", "PAYEE_NOT_FOUND", "PAYER_NOT_FOUND", "VALIDATION_ERROR",
})  # fmt: skip
# Known not to tell what became of this reference: a look-up decides.
_ASK: Final = frozenset({
    "INTERNAL_PROCESSING_ERROR", "RESOURCE_ALREADY_EXIST", "RESOURCE_NOT_FOUND",
    "SERVICE_UNAVAILABLE", "TRANSACTION_NOT_FOUND",
})  # fmt: skip
_NOT_THERE: Final = ("RESOURCE_NOT_FOUND", "TRANSACTION_NOT_FOUND")
_ENDED: Final = frozenset({
    "APPROVAL_REJECTED", "COULD_NOT_PERFORM_TRANSACTION", "EXPIRED",
    "LOW_BALANCE_OR_PAYEE_LIMIT_REACHED_OR_NOT_ALLOWED", "NOT_ENOUGH_FUNDS",
    "PAYEE_LIMIT_REACHED", "PAYEE_NOT_ALLOWED_TO_RECEIVE", "PAYER_LIMIT_REACHED",
    "PAYMENT_NOT_APPROVED", "SENDER_ACCOUNT_NOT_ACTIVE", "TRANSACTION_CANCELED",
    "TRANSFER_TYPE_UNKNOWN",
})  # fmt: skip
_DOCUMENTED: Final = _REFUSED_AT_ONCE | _ASK | _ENDED
# "FAILED" is the testing page's word for its first number.
_REASONS: Final = _DOCUMENTED | {"", "FAILED"}
_GOING = ("PENDING", "CREATED")


def read_asked(http_status: int, data: Any) -> Answer:
    """What the answer to asking tells: accepted, refused, or unknown. Never "paid"."""
    if http_status == 202:
        return Answer(Outcome.ACCEPTED)
    code = code_of(data)
    if not code:
        # A 400 without MTN's own code, and any 403, may come from something in between.
        down = is_down(http_status)
        away = turned_away(http_status)
        return Answer(Outcome.UNKNOWN, reason=f"HTTP {http_status}", down=down, turned_away=away)
    if code not in _DOCUMENTED:
        return Answer(Outcome.UNKNOWN, reason=code, strange=True)
    certain = code in _REFUSED_AT_ONCE or (http_status == 400 and code not in _ASK)
    # 409: this reference was asked before, so only a look-up tells what became of it.
    refused = certain and http_status >= 400 and http_status != 409
    outcome = Outcome.REFUSED if refused else Outcome.UNKNOWN
    down, taken = _is_out_of_service(http_status, code), code == "RESOURCE_ALREADY_EXIST"
    away = down and turned_away(http_status)
    return Answer(outcome, reason=code, down=down, turned_away=away, taken=taken)


def read_looked_up(http_status: int, data: Any, party: Party) -> Answer:
    """What became of a payment: its state and its reason must say the same.

    MTN's own 404 is "not there", which right after asking may still change.
    """
    code = code_of(data)
    # A 404 without MTN's own code may come from something in between.
    if http_status == 404 and code in _NOT_THERE:
        return Answer(Outcome.NOT_THERE)
    if http_status != 200 or not isinstance(data, dict):
        strange = bool(code) and code not in _DOCUMENTED
        down = (not code and is_down(http_status)) or _is_out_of_service(http_status, code)
        why = code or f"HTTP {http_status}"
        return Answer(Outcome.UNKNOWN, reason=why, strange=strange, down=down)
    state, reason = text_of(data.get("status")).upper(), _reason(data.get("reason"))
    if state == "SUCCESSFUL" and not reason:
        return _told(Outcome.SUCCEEDED, "", data, party)
    if state == "FAILED" and reason in _REASONS:
        return _told(Outcome.REFUSED, reason, data, party)
    if state in ("SUCCESSFUL", "FAILED"):
        return Answer(Outcome.UNKNOWN, reason=f"{state} {reason}", strange=True)
    # A word we do not know is not decided yet, as MTN adds states; a person reads it still.
    return _told(Outcome.PENDING, reason, data, party, strange=state not in _GOING)


def code_of(data: Any) -> str:
    """The code of an MTN error body; "" where there is none."""
    return text_of(data.get("code")) if isinstance(data, dict) else ""


def text_of(value: Any) -> str:
    """A value as short text; "" for nothing."""
    return "" if value is None else str(value)[:80]


def whole(amount: Any) -> int | None:
    """An amount as whole units of its currency, or None where it is not whole."""
    match = re.fullmatch(r"([0-9]{1,12})(?:\.0+)?", str(amount))
    return int(match[1]) if match else None


def _is_out_of_service(http_status: int, code: str) -> bool:
    return http_status >= 500 and code == "SERVICE_UNAVAILABLE"


def _told(
    outcome: Outcome, reason: str, data: dict[str, Any], party: Party, *, strange: bool = False
) -> Answer:
    told = data.get(party)
    number = text_of(told.get("partyId")) if isinstance(told, dict) else ""
    msisdn = f"+{number}" if number else ""
    return Answer(
        outcome,
        reason=reason,
        amount_rwf=whole(data.get("amount")),
        currency=text_of(data.get("currency")),
        payee_msisdn=msisdn if party == "payee" else "",
        payer_msisdn=msisdn if party == "payer" else "",
        provider_txn_id=text_of(data.get("financialTransactionId")),
        strange=strange,
    )


def _reason(reason: Any) -> str:
    # Documented as an object; since 2024 often a bare string.
    return text_of(reason.get("code") if isinstance(reason, dict) else reason)
