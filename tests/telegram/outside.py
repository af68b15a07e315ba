"""The pretended Telegram over real HTTP, and a sender that speaks to it, for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry
from sqlalchemy import Connection, func, insert, select

from bot.sandbox.server import Sandbox, start_sandbox
from bot.sandbox.telegram import TOKEN, PretendedTelegram
from bot.storage import outbox
from bot.storage.records import Records
from bot.storage.schema import outbox as rows
from bot.storage.schema import telegram_links
from bot.telegram.client import Client
from bot.telegram.config import TelegramConfig
from bot.telegram.sending import ChatRules, TelegramSender

ALINE = {"id": 700100200, "first_name": "Aline", "language_code": "fr", "phone": "+250788000001"}


@dataclass(slots=True)
class Outside:
    """What a test needs of both sides."""

    box: Sandbox
    telegram: PretendedTelegram
    client: Client
    records: Records
    registry: CollectorRegistry
    sms_woken: int = 0

    def sender(self, rules: ChatRules | None = None) -> TelegramSender:
        """A sender such as a restarted server has: it remembers nothing."""
        self.registry = CollectorRegistry()
        return TelegramSender(
            self.records, self.client, rules or ChatRules(), self._woken, self.registry
        )

    def calls(self, outcome: str) -> float:
        """How many calls ended so, by the figure of the newest sender."""
        return (
            self.registry.get_sample_value("isoko_telegram_calls_total", {"outcome": outcome}) or 0
        )

    def seen_by(self, person: dict[str, Any]) -> list[str]:
        """The texts that the bot has in this person's chat."""
        chat = self.telegram.chats.known(person["id"])
        assert chat is not None
        return [one["text"] for one in chat.messages.values() if one["from"]["is_bot"]]

    async def put(self, *texts: str, chat_id: int = ALINE["id"], **more: Any) -> None:
        """Answers that wait to leave, in this order."""

        def work(db: Connection) -> None:
            for text in texts:
                payload = {"chat_id": chat_id, "method": "sendMessage", "args": {"text": text}}
                outbox.put(db, "telegram", f"telegram:{chat_id}:{text}", payload | more, now())

        await self.records.write(work)

    async def row(self) -> Any:
        """The oldest row of the outbox."""
        query = select(rows).order_by(rows.c.id).limit(1)
        return await self.records.read(lambda db: db.execute(query).one())

    async def left(self) -> int:
        """How many rows still wait."""
        waiting = select(func.count()).where(rows.c.state == "waiting")
        return await self.records.read(lambda db: db.execute(waiting).scalar() or 0)

    @property
    def client_url(self) -> str:
        """Where the Bot API answers."""
        return f"{self.box.url}/bot"

    def _woken(self) -> None:
        self.sms_woken += 1


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


def linked(db: Connection, contact_id: int, person: dict[str, Any] = ALINE) -> None:
    """A confirmed link between a person and an account."""
    link = {"user_id": person["id"], "chat_id": person["id"], "msisdn": person["phone"],
            "contact_id": contact_id, "made_at": now(), "confirmed_at": now()}  # fmt: skip
    db.execute(insert(telegram_links).values(link))


@asynccontextmanager
async def outside(
    records: Records, overall_per_s: float = 26.0, timeout_s: float = 1.0
) -> AsyncIterator[Outside]:
    """The sandbox with Aline's chat in it."""
    box = await start_sandbox("127.0.0.1", 0)
    config = TelegramConfig(
        f"{box.url}/bot", TOKEN, f"{box.url}/nowhere", "secret", "webhook", timeout_s, overall_per_s
    )
    client = Client(config)
    try:
        box.telegram.people.says(ALINE, "/start")
        yield Outside(box, box.telegram, client, records, CollectorRegistry())
    finally:
        await client.close()
        await box.stop()
