"""What Telegram is told of us at the start: where updates go, and which commands there are."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from bot.telegram.client import Answer, Client, Said
from bot.telegram.command_list import command_lists
from bot.telegram.config import TelegramConfig

log = structlog.get_logger(__name__)

# What the door reads; all else is not even sent to us.
UPDATES = ("message", "edited_message", "callback_query", "my_chat_member", "channel_post")
_WAIT_FIRST_S, _WAIT_MAX_S = 1.0, 300.0
# Told anew from time to time: somebody may have set the webhook elsewhere by hand.
_EVERY_S = 3600.0


class Introduction:
    """Tells Telegram, again and again until it has heard."""

    def __init__(self, client: Client, config: TelegramConfig) -> None:
        self._client, self._config = client, config

    async def run(self) -> None:
        """Tell until cancelled; meanwhile the server serves, and Telegram keeps what is new."""
        wait_s = _WAIT_FIRST_S
        while True:
            answer = await self.tell()
            if answer.said is Said.DONE:
                wait_s = _WAIT_FIRST_S
                await asyncio.sleep(_EVERY_S)
                continue
            log.warning("telegram does not know us yet", why=answer.reason)
            await asyncio.sleep(max(wait_s, answer.wait_s))
            wait_s = min(2 * wait_s, _WAIT_MAX_S)

    async def tell(self) -> Answer:
        """Tell everything once; the first answer that is not a yes, else the last."""
        answer = Answer(Said.DONE)
        for method, args in self._calls():
            answer = await self._client.call(method, args)
            if answer.said is not Said.DONE:
                return answer
        return answer

    def _calls(self) -> list[tuple[str, dict[str, Any]]]:
        config = self._config
        webhook = {
            "url": config.webhook_url,
            "secret_token": config.webhook_secret,
            "allowed_updates": list(UPDATES),
            "max_connections": 40,
        }
        by_webhook = config.mode == "webhook"
        where = ("setWebhook", webhook) if by_webhook else ("deleteWebhook", {})
        return [where, *(("setMyCommands", one) for one in command_lists())]
