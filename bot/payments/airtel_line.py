"""The line to Airtel Money: its headers, its token, its key, and signed messages where asked for.

Source: Airtel's developer pages, as collected in the project's wire facts, sections 4.1 to 4.5.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from bot.payments.airtel_codes import is_our_fault
from bot.payments.airtel_signing import encrypted_pin, read_public_key, signed, wire_json
from bot.payments.airtel_token import airtel_token
from bot.payments.answer_json import answer_json
from bot.payments.out_of_order import NothingSent
from bot.payments.shared_token import TokenRefused
from bot.payments.single_flight import SingleFlight

_KEY_HELD_MAX_S, _KEY_HELD_MIN_S = 3600.0, 60.0
_NATIONAL = re.compile(r"\+250(7[0-9]{8})")


class NoKey(NothingSent):
    """Airtel gave no public key, so that neither a PIN nor a signature can be made."""


# What goes wrong outside; for a payment each is "unknown", never "failed".
OUTSIDE = (TokenRefused, NoKey, aiohttp.ClientError, TimeoutError, OSError)


@dataclass(frozen=True, slots=True)
class AirtelConfig:
    """What Airtel gave us, and where it answers. `sign_messages` chooses v2, signed, over v1."""

    base_url: str
    client_id: str
    client_secret: str = field(repr=False)
    pin: str = field(repr=False)
    callback_secret: str = field(repr=False)
    country: str
    currency: str
    sign_messages: bool
    timeout_s: float


def national(msisdn: str) -> str:
    """An E.164 number as Airtel wants it, without country code; "" when it is not Rwandan."""
    match = _NATIONAL.fullmatch(msisdn)
    return match[1] if match else ""


class AirtelLine:
    """Calls Airtel. Raises the exceptions of OUTSIDE and no other."""

    def __init__(self, config: AirtelConfig, http: aiohttp.ClientSession) -> None:
        self._config, self._http = config, http
        self._timeout = aiohttp.ClientTimeout(total=config.timeout_s)
        self._token = airtel_token(
            http, config.base_url, config.client_id, config.client_secret, self._timeout
        )
        self._new_key = SingleFlight(self._fetch_key)
        self._key: RSAPublicKey | None = None
        self._key_until = 0.0

    async def get(self, path: str) -> tuple[int, Any]:
        """The HTTP status and the JSON of an enquiry; None where it is no JSON."""
        return await self._call("GET", path, b"", {})

    async def post(
        self, path: str, body: dict[str, Any], *, with_pin: bool = False
    ) -> tuple[int, Any]:
        """The same for a message. `{v}` in `path` becomes v1, or v2 where messages are signed.

        `with_pin` puts our encrypted PIN into the body.
        """
        signs = self._config.sign_messages
        path = path.format(v="v2" if signs else "v1")
        status, data = 0, None
        key: RSAPublicKey | None = None
        for _ in range(2):
            key = await self._public_key(refused=key) if signs or with_pin else None
            if key is not None and with_pin:
                body = {**body, "pin": encrypted_pin(self._config.pin, key)}
            sent = wire_json(body)
            headers = signed(sent, key) if key is not None and signs else {}
            status, data = await self._call("POST", path, sent, headers)
            # An unreadable signature has done nothing, so the same message may go once more.
            if not (signs and is_our_fault(data)):
                break
        return status, data

    async def _call(
        self, method: str, path: str, body: bytes, more: dict[str, str]
    ) -> tuple[int, Any]:
        """Call with a token; when it is refused, once more with a new one."""
        status, data, token = 0, None, ""
        for _ in range(2):
            token = await self._token.get(refused=token)
            headers = {
                "Authorization": f"Bearer {token}",
                "X-Country": self._config.country,
                "X-Currency": self._config.currency,
                "Accept": "*/*",
                "Content-Type": "application/json",
            }
            async with self._http.request(
                method,
                f"{self._config.base_url}{path}",
                headers={**headers, **more},
                data=body or None,
                timeout=self._timeout,
                # A captive page must not be sent our PIN, nor be taken for an answer.
                allow_redirects=False,
            ) as response:
                status, data = response.status, await answer_json(response)
            if status != 401:
                break
        return status, data

    async def _public_key(self, refused: RSAPublicKey | None) -> RSAPublicKey:
        """A key other than `refused`, fetched once for all who wait; or an error of OUTSIDE."""
        known = self._key
        if known is not None and known is not refused and time.monotonic() < self._key_until:
            return known
        return await self._new_key.get()

    async def _fetch_key(self) -> RSAPublicKey:
        _, data = await self._call("GET", "/v1/rsa/encryption-keys", b"", {})
        try:
            key = read_public_key(data["data"]["key"])
            held_s = _held_s(str(data["data"].get("valid_upto")), datetime.now(UTC))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise NoKey("the answer holds no key") from None
        self._key, self._key_until = key, time.monotonic() + held_s
        return key


def _held_s(valid_upto: str, now: datetime) -> float:
    """How long a key may be held. Its end is told in no zone, so its last day counts as over."""
    try:
        end = datetime.strptime(valid_upto, "%d-%m-%Y %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return _KEY_HELD_MIN_S
    left_s = (end - now).total_seconds() - 86400
    return max(_KEY_HELD_MIN_S, min(_KEY_HELD_MAX_S, left_s))
