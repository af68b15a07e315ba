"""The Bot API through python-telegram-bot; trouble outside is an answer, never an exception.

The token stands in every URL of the Bot API and in some errors of the library: neither its errors
nor their texts go further than this file.
"""

from __future__ import annotations

import logging
import os
from base64 import b64decode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

# Waits are spans of time, as they are announced to become; the library reads it as it is imported.
os.environ.setdefault("PTB_TIMEDELTA", "true")

import httpx
from telegram import InputFile
from telegram.error import (
    BadRequest,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)
from telegram.ext import AIORateLimiter, ExtBot
from telegram.request import HTTPXRequest

from bot.telegram.config import TelegramConfig

# httpx prints every URL, and with it the token; the library prints each 429 and 502.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)
logging.getLogger("telegram").setLevel(logging.CRITICAL)

_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
# What was to be is so already, or can never be: a repeat would not help, and people need not look.
_AS_GOOD_AS_DONE = {
    "editMessageText": ("message is not modified",),
    "editMessageCaption": ("message is not modified",),
    "editMessageReplyMarkup": ("message is not modified",),
    "answerCallbackQuery": ("query is too old", "query id is invalid"),
    "deleteMessage": ("message to delete not found", "message can't be deleted"),
}


class Said(StrEnum):
    """What came of a call. `UNSURE`: it may have been taken, and nobody said so."""

    DONE = "done"
    FLOOD = "flood"
    DOWN = "down"
    UNSURE = "unsure"
    BLOCKED = "blocked"
    REFUSED = "refused"
    LOCKED_OUT = "locked_out"


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome, why it is not `DONE`, and in how many seconds to come again after a flood.

    `message_id` is that of a message that was sent, 0 of everything else.
    """

    said: Said
    reason: str = ""
    wait_s: float = 0.0
    message_id: int = 0


class Client:
    """One bot. Calls that speak to a chat are held to `overall_per_s`, evenly."""

    def __init__(self, config: TelegramConfig) -> None:
        self._token = config.token
        # Reading the machine's certificates takes longer than all the rest.
        plain: dict[str, Any] = {"verify": False} if config.base_url.startswith("http:") else {}
        limits: dict[str, Any] = {
            "connect_timeout": config.timeout_s,
            "read_timeout": config.timeout_s,
            "write_timeout": config.timeout_s,
            "pool_timeout": config.timeout_s,
        }
        self._request = HTTPXRequest(config.connections, httpx_kwargs=plain, **limits)
        self._bot: ExtBot[Any] = ExtBot(
            config.token,
            base_url=config.base_url,
            request=self._request,
            get_updates_request=self._request,
            rate_limiter=AIORateLimiter(
                # Two at once, so that one that was late is caught up with: two more in a second.
                overall_max_rate=2,
                overall_time_period=2 / config.overall_per_s,
            ),
        )

    async def call(self, method: str, args: dict[str, Any]) -> Answer:
        """Call a method of the Bot API by its name there."""
        ways = self._ways()
        if method not in ways:
            return Answer(Said.REFUSED, f"no method {method[:40]}")
        try:
            made = await ways[method](**{name: _value(value) for name, value in args.items()})
        except TelegramError as error:
            return self._answer_to(method, error)
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            # Arguments that the library does not take.
            return Answer(Said.REFUSED, self._clean(f"{type(error).__name__} {error}"))
        return Answer(Said.DONE, message_id=getattr(made, "message_id", 0))

    async def close(self) -> None:
        """Let go of every connection."""
        await self._request.shutdown()

    def _ways(self) -> dict[str, Callable[..., Awaitable[Any]]]:
        bot = self._bot
        return {
            "sendMessage": bot.send_message,
            "sendPhoto": bot.send_photo,
            "sendDocument": bot.send_document,
            "sendChatAction": bot.send_chat_action,
            "editMessageText": bot.edit_message_text,
            "editMessageCaption": bot.edit_message_caption,
            "editMessageReplyMarkup": bot.edit_message_reply_markup,
            "answerCallbackQuery": bot.answer_callback_query,
            "deleteMessage": bot.delete_message,
            "setWebhook": bot.set_webhook,
            "deleteWebhook": bot.delete_webhook,
            "setMyCommands": bot.set_my_commands,
            "setChatMenuButton": bot.set_chat_menu_button,
        }

    def _answer_to(self, method: str, error: TelegramError) -> Answer:
        words = self._clean(error.message)
        if isinstance(error, RetryAfter):
            return Answer(Said.FLOOD, "429 too many requests", seconds(error.retry_after))
        if isinstance(error, Forbidden):
            return Answer(Said.BLOCKED, f"403 {words}")
        if isinstance(error, InvalidToken):
            return Answer(Said.LOCKED_OUT, "the token is refused")
        if isinstance(error, BadRequest):
            known = _AS_GOOD_AS_DONE.get(method, ())
            if any(part in words.lower() for part in known):
                return Answer(Said.DONE, words)
            return Answer(Said.REFUSED, f"400 {words}")
        if isinstance(error, NetworkError):
            return _of_network(error, words)
        return Answer(Said.REFUSED, f"{type(error).__name__} {words}")

    def _clean(self, words: str) -> str:
        return words.replace(self._token, "•••")[:120]


def seconds(span: int | float | timedelta) -> float:
    """A wait in seconds: the library gives a number today, and a span of time later."""
    return span.total_seconds() if isinstance(span, timedelta) else float(span)


def _of_network(error: NetworkError, words: str) -> Answer:
    cause = error.__cause__
    if isinstance(cause, httpx.HTTPError):
        said = Said.DOWN if isinstance(cause, _NEVER_LEFT) else Said.UNSURE
        return Answer(said, type(cause).__name__)
    # An HTTP status that Telegram's own side gives: it was not taken.
    return Answer(Said.DOWN, words.partition(". ")[0])


def _value(value: Any) -> Any:
    """A file to upload stands in a row as {"file": base64, "name": …}; all else is as it is."""
    if isinstance(value, dict) and value.keys() == {"file", "name"}:
        return InputFile(b64decode(value["file"]), filename=str(value["name"]))
    return value
