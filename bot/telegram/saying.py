"""What an update is answered with: outbox rows, each with a key of its own, in their order."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from bot.storage import outbox

# A toast over the chat; longer texts are refused.
_TOAST_MAX = 200


@dataclass(slots=True)
class Saying:
    """The calls of the Bot API that answer one update, and which message shows the screen."""

    update_id: int
    chat_id: int
    calls: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    # None: no screen was shown. 0: in a new message, whose number only Telegram knows.
    shown_in: int | None = None
    outcome: str = ""

    def screen(self, text: str, keyboard: dict[str, Any], message_id: int = 0) -> None:
        """Show a screen, in a new message or in that of the pressed button."""
        args: dict[str, Any] = {"text": text, "reply_markup": keyboard}
        self.shown_in = message_id
        if message_id:
            self._add("editMessageText", {"message_id": message_id, **args})
        else:
            self._add("sendMessage", args)

    def say(self, text: str) -> None:
        """Say something beside the screen, which stays as it is."""
        self._add("sendMessage", {"text": text})

    def toast(self, press_id: str, text: str = "") -> None:
        """End the waiting sign on a pressed button."""
        said = {"text": text[:_TOAST_MAX]} if text else {}
        self._add("answerCallbackQuery", {"callback_query_id": press_id, **said})

    def take_buttons(self, message_id: int) -> None:
        """Take the buttons off an old message, once however often they are pressed."""
        args = {"message_id": message_id, "reply_markup": {"inline_keyboard": []}}
        key = f"telegram:old:{self.chat_id}:{message_id}"
        self.calls.append((key, "editMessageReplyMarkup", args))

    def take_back(self, message_id: int) -> None:
        """Delete what the person wrote, for it was a secret."""
        self._add("deleteMessage", {"message_id": message_id})

    def copied(self) -> Saying:
        """It as it stands now, for `as_before`."""
        return Saying(self.update_id, self.chat_id, list(self.calls), self.shown_in, self.outcome)

    def as_before(self, before: Saying) -> None:
        """Say what was said when `before` was copied, and nothing of what came after."""
        self.calls, self.shown_in = list(before.calls), before.shown_in
        self.outcome = before.outcome

    def put(self, db: Connection, now: datetime) -> None:
        """Write all of it to the outbox."""
        for key, method, args in self.calls:
            payload = {"chat_id": self.chat_id, "method": method, "args": args}
            outbox.put(db, "telegram", key, payload, now)

    def _add(self, method: str, args: dict[str, Any]) -> None:
        self.calls.append((f"telegram:{self.update_id}:{len(self.calls)}", method, args))
