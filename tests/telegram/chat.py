"""A pretended chat: shares contacts and types, in the hands of one Telegram account."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from bot.conversation import Inbound, Language, Reply
from bot.market import telegram_links
from bot.storage.schema import outbox
from bot.telegram import sharing
from bot.ussd.feature_phone import FeaturePhone
from tests.server import Running

# A screen of a chat holds all of it.
LAYOUT = FeaturePhone(4096)
NEIGHBOUR = 700100300


def contact_message(phone_number: str, user_id: int, contact_user_id: int | None = None) -> Any:
    """A message with a contact, as the button sends it, or with somebody else's card."""
    sender = {"id": user_id, "is_bot": False, "first_name": "Aline"}
    contact = {"phone_number": phone_number.lstrip("+"), "first_name": "Aline"}
    contact["user_id"] = contact_user_id or user_id
    chat = {"id": user_id, "first_name": "Aline", "type": "private"}
    return {"message_id": 1, "from": sender, "chat": chat, "date": 1, "contact": contact}


class Chat:
    """One account's private chat with a running server. `last` is the last screen."""

    def __init__(self, server: Running, user_id: int = 700100200) -> None:
        self._server, self.user_id, self._update = server, user_id, 880000000 + user_id % 1000
        self.records = server.parts.market.records
        self.last = ""

    async def shares(self, message: Any, language: Language = "en") -> str:
        """Send a message with a contact, as the door takes it; what came of it."""
        shared = sharing.contact_in(message)
        assert shared is not None
        market, key = self._server.parts.market, f"telegram:{self._next()}:0"
        now = datetime.now(UTC)
        return await self.records.write(
            lambda db: sharing.receive(
                db, market.link_codes, market.hub, shared, language, key, now
            )
        )

    async def shares_own(self, msisdn: str) -> str:
        """Share the account's own number; the code that the chat shows then."""
        assert await self.shares(contact_message(msisdn, self.user_id)) == "asked"
        found = re.search(r"minutes: ([0-9]{6})", (await self.messages())[-1])
        assert found, await self.messages()
        return found[1]

    async def messages(self) -> list[str]:
        """What was written to this chat, the oldest first."""
        query = select(outbox.c.payload).where(outbox.c.kind == "telegram").order_by(outbox.c.id)
        written = await self.records.read(lambda db: db.execute(query).scalars().all())
        return [one["args"]["text"] for one in written if one["chat_id"] == self.user_id]

    async def opens(self) -> str:
        """`/start`: the first screen."""
        return (await self._hop("dial", "")).text

    async def types(self, *entries: str) -> str:
        """Answer one screen after the other; the last screen."""
        for entry in entries:
            self.last = (await self._hop("input", entry)).text
        return self.last

    async def _hop(self, kind: Any, typed: str) -> Reply:
        link = await self.records.read(lambda db: telegram_links.of_user(db, self.user_id))
        update = self._next()
        inbound = Inbound(
            channel="telegram",
            gateway="telegram",
            session_id=f"{self.user_id}.{link.id if link else 0}",
            msisdn=link.msisdn if link else f"tg:{self.user_id}",
            kind=kind,
            typed=typed,
            hop_id=str(update),
        )
        return await self._server.parts.engine.handle(inbound, LAYOUT)

    def _next(self) -> int:
        self._update += 1
        return self._update
