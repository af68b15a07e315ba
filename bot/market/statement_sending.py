"""A statement on its way to the chat of its person, who has shown the PIN for it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from bot.market import news
from bot.storage import outbox

Form = Literal["pdf", "csv"]


def send_statement(
    db: Connection, contact_id: int, form: Form, key: str, timezone: str, now: datetime
) -> bool:
    """Let it go to the person's chat, once for each `key`; False when there is no chat."""
    link = news.open_link(db, contact_id)
    if link is None:
        return False
    payload = {
        "chat_id": link.chat_id,
        "method": "sendDocument",
        "args": {"document": {"statement": form, "timezone": timezone}},
        # Who unlinks the chat before it leaves is sent nothing.
        "contact_id": contact_id,
    }
    outbox.put(db, "telegram", f"statement:{form}:{key}", payload, now)
    return True


def has_chat(db: Connection, contact_id: int) -> bool:
    """Whether there is a chat to which a statement could go."""
    return news.open_link(db, contact_id) is not None
