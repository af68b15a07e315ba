"""MTN MoMo disbursement: money to a farmer's wallet.

Source: MTN's developer pages, as collected in the project's wire facts, section 3.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from bot.payments.momo_token import momo_token
from bot.payments.provider import (
    MTN_MOMO,
    Answer,
    CallbackHint,
    Outcome,
    PayoutOrder,
)
from bot.payments.shared_token import TokenRefused

_TRANSFER = "/disbursement/v1_0/transfer"
_NOTE = re.compile(r"[^A-Za-z0-9 ]")
_OUTSIDE = (aiohttp.ClientError, TimeoutError, OSError)
# Refusals that say for certain that no money will move for this reference.
_REFUSALS = {
    "NOT_ALLOWED",
    "NOT_ALLOWED_TARGET_ENVIRONMENT",
    "INVALID_CALLBACK_URL_HOST",
    "INVALID_CURRENCY",
    "PAYEE_NOT_FOUND",
    "VALIDATION_ERROR",
}


@dataclass(frozen=True, slots=True)
class MomoConfig:
    """What MTN gave us, and where it answers."""

    base_url: str
    subscription_key: str
    api_user: str
    api_key: str
    target_environment: str
    currency: str
    callback_url: str
    timeout_s: float


class MtnMomo:
    """The disbursement client. 202 is "accepted", not "paid": only a look-up tells."""

    name = MTN_MOMO

    def __init__(self, config: MomoConfig, http: aiohttp.ClientSession) -> None:
        self._config, self._http = config, http
        self._timeout = aiohttp.ClientTimeout(total=config.timeout_s)
        self._token = momo_token(
            http,
            f"{config.base_url}/disbursement/token/",
            aiohttp.encode_basic_auth(config.api_user, config.api_key),
            config.subscription_key,
            self._timeout,
        )

    async def ask(self, payout: PayoutOrder) -> Answer:
        """POST the transfer under its own reference."""
        note = _NOTE.sub(" ", f"Isoko {payout.order_code}")
        body = {
            "amount": str(payout.amount_rwf),
            "currency": payout.currency,
            "externalId": payout.order_code,
            "payee": {"partyIdType": "MSISDN", "partyId": payout.payee_msisdn.lstrip("+")},
            "payerMessage": note,
            "payeeNote": note,
        }
        headers = {"X-Reference-Id": payout.reference}
        if self._config.callback_url:
            headers["X-Callback-Url"] = f"{self._config.callback_url}/{payout.callback_token}"
        try:
            status, data = await self._call("POST", _TRANSFER, headers, body)
        except (TokenRefused, *_OUTSIDE) as error:
            return Answer(Outcome.UNKNOWN, reason=type(error).__name__)
        if status == 202:
            return Answer(Outcome.ACCEPTED)
        return _refusal(status, data)

    async def look_up(self, reference: str) -> Answer:
        """GET the transfer; 404 is "not there", which right after asking may still change."""
        try:
            status, data = await self._call("GET", f"{_TRANSFER}/{reference}", {}, None)
        except (TokenRefused, *_OUTSIDE) as error:
            return Answer(Outcome.UNKNOWN, reason=type(error).__name__)
        if status == 404:
            return Answer(Outcome.NOT_THERE)
        if status != 200 or not isinstance(data, dict):
            return Answer(Outcome.UNKNOWN, reason=f"HTTP {status}")
        return _read_status(data)

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackHint:
        """The order code and status a callback claims; it is not signed, so it proves nothing."""
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            return CallbackHint()
        if not isinstance(data, dict):
            return CallbackHint()
        return CallbackHint(_text(data.get("externalId"))[:40], _text(data.get("status"))[:20])

    async def _call(
        self, method: str, path: str, headers: dict[str, str], body: dict[str, Any] | None
    ) -> tuple[int, Any]:
        """Call with a token; when it is refused, once more with a new one."""
        status, data, token = 0, None, ""
        for _ in range(2):
            token = await self._token.get(refused=token)
            common = {
                "Authorization": f"Bearer {token}",
                "X-Target-Environment": self._config.target_environment,
                "Ocp-Apim-Subscription-Key": self._config.subscription_key,
            }
            async with self._http.request(
                method,
                f"{self._config.base_url}{path}",
                headers={**common, **headers},
                json=body,
                timeout=self._timeout,
                # A captive page must not be sent our keys, nor be taken for an answer.
                allow_redirects=False,
            ) as response:
                status, data = response.status, _json(await response.text(errors="replace"))
            if status != 401:
                break
        return status, data


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None


def _refusal(status: int, data: Any) -> Answer:
    code = _text(data.get("code")) if isinstance(data, dict) else ""
    # A 400 without MTN's own code, and any 403, may come from something in between.
    certain = (status == 400 and code) or code in _REFUSALS
    # This reference was asked before, so only a look-up tells what became of it.
    there = status == 409 or code == "RESOURCE_ALREADY_EXIST"
    outcome = Outcome.REFUSED if certain and not there else Outcome.UNKNOWN
    return Answer(outcome, reason=code or f"HTTP {status}")


def _read_status(data: dict[str, Any]) -> Answer:
    known = {"SUCCESSFUL": Outcome.SUCCEEDED, "FAILED": Outcome.REFUSED}
    # PENDING, CREATED and any word we do not know: not decided yet.
    outcome = known.get(str(data.get("status", "")).upper(), Outcome.PENDING)
    payee = data.get("payee")
    party = _text(payee.get("partyId")) if isinstance(payee, dict) else ""
    return Answer(
        outcome,
        reason=_reason(data.get("reason")),
        amount_rwf=_whole(data.get("amount")),
        currency=_text(data.get("currency")),
        payee_msisdn=f"+{party}" if party else "",
        provider_txn_id=_text(data.get("financialTransactionId")),
    )


def _reason(reason: Any) -> str:
    # Documented as an object; since 2024 often a bare string.
    return _text(reason.get("code") if isinstance(reason, dict) else reason)


def _text(value: Any) -> str:
    return "" if value is None else str(value)[:80]


def _whole(amount: Any) -> int | None:
    match = re.fullmatch(r"([0-9]{1,12})(?:\.0+)?", str(amount))
    return int(match.group(1)) if match else None
