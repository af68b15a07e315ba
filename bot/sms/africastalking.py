"""SMS through Africa's Talking.

Source: the provider's SMS pages, as collected in the project's wire facts, section 5.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp

from bot.sms.provider import Sent, SmsAnswer, SmsMessage

_SENT = {100, 101, 102}
_REFUSED = {402, 403, 404, 406}


@dataclass(frozen=True, slots=True)
class SmsConfig:
    """Where the API answers, and who we are to it."""

    base_url: str
    username: str
    api_key: str
    sender: str
    timeout_s: float


class AfricasTalkingSms:
    """The client; a 201 may still hide that the one recipient was refused."""

    def __init__(self, config: SmsConfig, http: aiohttp.ClientSession) -> None:
        self._config, self._http = config, http
        self._timeout = aiohttp.ClientTimeout(total=config.timeout_s)

    async def send(self, message: SmsMessage) -> SmsAnswer:
        """POST one message to one number."""
        form = {
            "username": self._config.username,
            "to": message.to,
            "message": message.text,
            "from": self._config.sender,
            "bulkSMSMode": "1",
            "enqueue": "1",
        }
        headers = {"apiKey": self._config.api_key, "Accept": "application/json"}
        url = f"{self._config.base_url}/version1/messaging"
        try:
            async with self._http.post(
                url, data=form, headers=headers, timeout=self._timeout, allow_redirects=False
            ) as response:
                if response.status != 201:
                    return SmsAnswer(Sent.RETRY, reason=f"HTTP {response.status}")
                return _read(await response.json(content_type=None))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, RecursionError) as error:
            return SmsAnswer(Sent.RETRY, reason=type(error).__name__)


def _read(data: Any) -> SmsAnswer:
    try:
        answer = data["SMSMessageData"]
        recipients = answer["Recipients"]
        if not recipients:
            reason = str(answer.get("Message", ""))[:80]
            known = reason == "InvalidSenderId"
            return SmsAnswer(Sent.REFUSED if known else Sent.RETRY, reason=reason)
        code, status = int(recipients[0]["statusCode"]), str(recipients[0].get("status", ""))
    except (KeyError, TypeError, ValueError, AttributeError):
        return SmsAnswer(Sent.RETRY, reason="the answer cannot be read")
    if code in _SENT:
        return SmsAnswer(Sent.SENT, provider_id=str(recipients[0].get("messageId", "")))
    outcome = Sent.REFUSED if code in _REFUSED else Sent.RETRY
    return SmsAnswer(outcome, reason=f"{code} {status}"[:80])
