"""A pretended Telegram at the real webhook: posts updates, and reads what waits to be sent."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, text

from bot.market import people
from bot.storage.schema import outbox, telegram_links, telegram_updates
from tests.server import Running

FIXTURES = Path(__file__).parent / "fixtures"
SECRET = "demo-telegram-secret"
HEADER = "X-Telegram-Bot-Api-Secret-Token"
PATH = "/telegram/webhook"
ALINE = 700100200
_numbers = count(900_000_000)


def fixture(name: str) -> dict[str, Any]:
    """An update as it was captured."""
    return json.loads((FIXTURES / f"telegram_update_{name}.json").read_text())


async def post(server: Running, update: Any, **headers: str) -> int:
    """Deliver an update, or raw bytes, with the right secret; the HTTP status."""
    body = update if isinstance(update, bytes) else json.dumps(update).encode()
    given = {HEADER: SECRET, "Content-Type": "application/json", **headers}
    async with server.client.post(PATH, data=body, headers=given) as answer:
        assert await answer.read() == b""
        return answer.status


async def rows(server: Running) -> list[Any]:
    """The updates as they are kept, the oldest first."""
    query = select(telegram_updates).order_by(telegram_updates.c.id)
    return list(await server.parts.market.records.read(lambda db: db.execute(query).all()))


async def said(server: Running) -> list[dict[str, Any]]:
    """What waits to be sent to chats, in its order."""
    query = select(outbox.c.payload).where(outbox.c.kind == "telegram").order_by(outbox.c.id)
    read = server.parts.market.records.read
    return list(await read(lambda db: db.execute(query).scalars().all()))


async def settle(server: Running, within_s: float = 20) -> list[Any]:
    """Wait until nothing waits to be applied; all updates."""
    async with asyncio.timeout(within_s):
        while any(row.state == "waiting" for row in await rows(server)):
            await asyncio.sleep(0.02)
    return await rows(server)


async def figure(server: Running, name: str) -> str:
    """A line of `/metrics`, "" when there is none."""
    async with server.client.get("/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next((line.rpartition(" ")[2] for line in lines if line.startswith(f"{name} ")), "")


async def link(server: Running, msisdn: str, user_id: int = ALINE) -> None:
    """Link an account with a person, as a phone that confirmed it does."""

    def work(db) -> None:
        contact = people.by_msisdn(db, msisdn)
        now = datetime.now(UTC)
        row = {"user_id": user_id, "chat_id": user_id, "msisdn": msisdn, "contact_id": contact.id}
        db.execute(insert(telegram_links).values(**row, made_at=now, confirmed_at=now))

    await server.parts.market.records.write(work)


class Chat:
    """One account's private chat. `buttons` are those under the last screen, label by label."""

    def __init__(self, server: Running, user_id: int = ALINE, language: str = "en") -> None:
        self.server, self.user_id, self.language = server, user_id, language
        self.text, self.buttons, self.message_id = "", {}, 100
        self.toasts: list[str] = []
        self._seen = 0

    @property
    def sender(self) -> dict[str, Any]:
        return {
            "id": self.user_id,
            "is_bot": False,
            "first_name": "Aline",
            "language_code": self.language,
        }

    def message(self, **content: Any) -> dict[str, Any]:
        """An update with a message of this account."""
        self.message_id += 1
        return {
            "update_id": next(_numbers),
            "message": {
                "message_id": self.message_id,
                "from": self.sender,
                "chat": {"id": self.user_id, "type": "private"},
                "date": 1790590530,
                **content,
            },
        }

    def press_of(self, data: str, message_id: int | None = None) -> dict[str, Any]:
        """An update with a pressed button under a message."""
        under = {
            "message_id": message_id or self.message_id,
            "chat": {"id": self.user_id, "type": "private"},
            "date": 1,
        }
        press = {"id": str(next(_numbers)), "from": self.sender, "message": under, "data": data}
        return {"update_id": next(_numbers), "callback_query": press}

    async def types(self, words: str) -> str:
        """Type something; the text of the last screen."""
        return await self.sends(self.message(text=words))

    async def presses(self, label: str) -> str:
        """Press the button with this label."""
        assert label in self.buttons, (label, self.text, list(self.buttons))
        return await self.sends(self.press_of(self.buttons[label]))

    async def sends(self, *updates: dict[str, Any]) -> str:
        """Deliver updates and read what is answered."""
        for update in updates:
            assert await post(self.server, update) == 200
        await settle(self.server)
        return await self.reads()

    async def reads(self) -> str:
        """Read what is new in this chat."""
        mine = [one for one in await said(self.server) if one["chat_id"] == self.user_id]
        new, self._seen = mine[self._seen :], len(mine)
        for one in new:
            args = one["args"]
            if one["method"] == "answerCallbackQuery":
                self.toasts.append(args.get("text", ""))
            elif one["method"] in ("sendMessage", "editMessageText"):
                if one["method"] == "sendMessage":
                    self.message_id += 1
                if "reply_markup" not in args:
                    # News between the screens, which stay as they are.
                    continue
                self.text = args["text"]
                board = args["reply_markup"].get("inline_keyboard", [])
                self.buttons = {b["text"]: b["callback_data"] for row in board for b in row}
        return self.text

    async def methods(self) -> list[str]:
        """All that was answered so far, by method."""
        return [one["method"] for one in await said(self.server) if one["chat_id"] == self.user_id]


async def everything(server: Running) -> str:
    """All that is kept of updates and audits, as text."""
    read = server.parts.market.records.read
    tables = ("telegram_updates", "audit", "transcripts")
    return await read(
        lambda db: "\n".join(
            repr(tuple(row)) for name in tables for row in db.execute(text(f"SELECT * FROM {name}"))
        )
    )
