"""The line to MTN MoMo: its headers, the token of one product, and what its answers say.

Source: MTN's developer pages, as collected in the project's wire facts, sections 3.2 to 3.5.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp

from bot.payments.answer_json import answer_json
from bot.payments.momo_codes import Party, read_asked, read_looked_up
from bot.payments.momo_token import momo_token
from bot.payments.out_of_order import no_answer
from bot.payments.provider import Answer
from bot.payments.shared_token import TokenRefused

Product = Literal["collection", "disbursement"]

# What goes wrong outside; for a payment each is "unknown", never "failed".
OUTSIDE = (TokenRefused, aiohttp.ClientError, TimeoutError, OSError)
_E164 = re.compile(r"\+([1-9][0-9]{7,14})")


@dataclass(frozen=True, slots=True)
class MomoConfig:
    """What MTN gave us for one product, and where it answers; each product has its own key."""

    base_url: str
    subscription_key: str = field(repr=False)
    api_user: str
    api_key: str = field(repr=False)
    target_environment: str
    currency: str
    callback_url: str
    timeout_s: float


def party_id(msisdn: str) -> str:
    """An E.164 number as MTN wants it, without the plus; "" when it is none."""
    match = _E164.fullmatch(msisdn)
    return match[1] if match else ""


class MomoLine:
    """Calls one product of MTN. All who share a line share its token."""

    def __init__(self, product: Product, config: MomoConfig, http: aiohttp.ClientSession) -> None:
        self.config = config
        self._root, self._http = f"{config.base_url}/{product}", http
        self._timeout = aiohttp.ClientTimeout(total=config.timeout_s)
        self._token = momo_token(
            http,
            f"{self._root}/token/",
            aiohttp.encode_basic_auth(config.api_user, config.api_key),
            config.subscription_key,
            self._timeout,
        )

    async def ask(
        self, path: str, reference: str, callback_token: str, body: dict[str, Any]
    ) -> Answer:
        """POST something that moves money, under its own reference."""
        headers = {"X-Reference-Id": reference}
        if self.config.callback_url and callback_token:
            headers["X-Callback-Url"] = f"{self.config.callback_url}/{callback_token}"
        try:
            status, data = await self._call("POST", path, headers, body)
        except OUTSIDE as error:
            return no_answer(error)
        return read_asked(status, data)

    async def look_up(self, path: str, reference: str, party: Party) -> Answer:
        """GET what became of it; `party` is whom the answer names."""
        try:
            status, data = await self.get(f"{path}/{reference}")
        except OUTSIDE as error:
            return no_answer(error)
        return read_looked_up(status, data, party)

    async def get(self, path: str) -> tuple[int, Any]:
        """The HTTP status and the JSON of an enquiry; None where it is no JSON. Raises OUTSIDE."""
        return await self._call("GET", path, {}, None)

    async def _call(
        self, method: str, path: str, headers: dict[str, str], body: dict[str, Any] | None
    ) -> tuple[int, Any]:
        """Call with a token; when it is refused, once more with a new one."""
        status, data, token = 0, None, ""
        for _ in range(2):
            token = await self._token.get(refused=token)
            common = {
                "Authorization": f"Bearer {token}",
                "X-Target-Environment": self.config.target_environment,
                "Ocp-Apim-Subscription-Key": self.config.subscription_key,
            }
            async with self._http.request(
                method,
                f"{self._root}/v1_0{path}",
                headers={**common, **headers},
                json=body,
                timeout=self._timeout,
                # A captive page must not be sent our keys, nor be taken for an answer.
                allow_redirects=False,
            ) as response:
                status, data = response.status, await answer_json(response)
            if status != 401:
                break
        return status, data
