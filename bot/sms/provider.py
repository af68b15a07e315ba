"""What an SMS provider is to us."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Sent(StrEnum):
    """What came of a message."""

    SENT = "sent"
    REFUSED = "refused"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class SmsMessage:
    """One message: `to` in E.164, `text` already in GSM-7."""

    to: str
    text: str
    dedupe_key: str


@dataclass(frozen=True, slots=True)
class SmsAnswer:
    """The outcome, the provider's id of the message, and the reason when it was not taken."""

    outcome: Sent
    provider_id: str = ""
    reason: str = ""


class SmsProvider(Protocol):
    """Sends a message. Trouble outside is an outcome, never an exception."""

    async def send(self, message: SmsMessage) -> SmsAnswer:
        """Hand one message over."""
        ...
