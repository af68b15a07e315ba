"""What speaks to Telegram, put together: the client, the sender, the introduction."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry

from bot.storage.records import Records
from bot.telegram.client import Client
from bot.telegram.config import TelegramConfig
from bot.telegram.introduction import Introduction
from bot.telegram.sending import ChatRules, TelegramSender


class Chats:
    """One bot and all that it says."""

    def __init__(
        self,
        config: TelegramConfig,
        records: Records,
        by_sms_instead: Callable[[], None],
        registry: CollectorRegistry,
    ) -> None:
        self.config = config
        self.client = Client(config)
        self.sender = TelegramSender(records, self.client, ChatRules(), by_sms_instead, registry)
        self.introduction = Introduction(self.client, config)

    async def close(self) -> None:
        """Let go of every connection, once nothing is said any more."""
        await self.client.close()
