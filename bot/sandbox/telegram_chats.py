"""The chats of the pretended Telegram: every message as the person sees it now."""

from __future__ import annotations

import itertools
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.telegram_bodies import Refused, Upload, bad

BOT = {
    "id": 1,
    "is_bot": True,
    "first_name": "Isoko",
    "username": "isoko_bot",
    "can_join_groups": False,
    "can_read_all_group_messages": False,
    "supports_inline_queries": False,
}
_TYPING_S = 5.0


@dataclass(slots=True)
class Chat:
    """One person's chat with the bot."""

    user: dict[str, Any]
    phone: str = ""
    started: bool = False
    blocked: bool = False
    # Grows with all that changes in what is seen.
    version: int = 0
    messages: dict[int, dict[str, Any]] = field(default_factory=dict)
    keyboard: dict[str, Any] | None = None
    # What the API said above the chat after a press, the newest last.
    toasts: list[dict[str, Any]] = field(default_factory=list)
    typing_until: float = 0.0
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def id(self) -> int:
        """A private chat has the number of its person."""
        return int(self.user["id"])

    def as_chat(self) -> dict[str, Any]:
        """The chat in the Bot API's form."""
        return {"id": self.id, "first_name": self.user["first_name"], "type": "private"}

    def add(self, sender: dict[str, Any], **content: Any) -> dict[str, Any]:
        """A new message in the chat."""
        message = {
            "message_id": next(self.ids),
            "from": sender,
            "chat": self.as_chat(),
            "date": int(time.time()),
            **{name: value for name, value in content.items() if value},
        }
        self.messages[message["message_id"]] = message
        self.version += 1
        return message

    def is_typing(self) -> bool:
        """Whether the bot is seen writing."""
        return time.monotonic() < self.typing_until

    def show_typing(self) -> None:
        """Show that the bot writes; the next message ends it."""
        self.typing_until = time.monotonic() + _TYPING_S
        self.version += 1


class Chats:
    """Every chat, what is in it, and the files that were sent."""

    def __init__(self) -> None:
        self._chats: dict[int, Chat] = {}
        self.files: dict[str, Upload] = {}
        # Presses that wait for answerCallbackQuery: in which chat.
        self.presses: dict[str, int] = {}

    def of_person(self, person: dict[str, Any]) -> Chat:
        """The chat of a person (`id`, `first_name`, `language_code`, `phone`), made if new."""
        user_id = int(person["id"])
        chat = self._chats.get(user_id)
        if chat is None:
            user = {
                "id": user_id,
                "is_bot": False,
                "first_name": str(person.get("first_name") or "Somebody"),
                "language_code": str(person.get("language_code") or "en"),
            }
            chat = self._chats[user_id] = Chat(user, str(person.get("phone", "")))
        return chat

    def known(self, user_id: int) -> Chat | None:
        """The chat of a person who was seen before."""
        return self._chats.get(user_id)

    def to_send_to(self, chat_id: int) -> Chat:
        """The chat, if the bot may write there."""
        chat = self._chats.get(chat_id)
        if chat is None or not chat.started:
            raise bad("chat not found")
        if chat.blocked:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        return chat

    def ours(self, chat: Chat, message_id: int, to: str) -> dict[str, Any]:
        """A message of the bot, to be edited."""
        message = chat.messages.get(message_id)
        if message is None:
            raise bad(f"message to {to} not found")
        if message["from"] is not BOT:
            raise bad(f"message can't be {to}ed")
        return message

    def send(self, chat: Chat, markup: dict[str, Any] | None, **content: Any) -> dict[str, Any]:
        """A message of the bot; a keyboard under the text field is the chat's from then on."""
        inline = markup if markup and "inline_keyboard" in markup else None
        if markup and markup.get("remove_keyboard"):
            chat.keyboard = None
        elif markup and "keyboard" in markup:
            chat.keyboard = markup
        chat.typing_until = 0.0
        return chat.add(BOT, reply_markup=inline, **content)

    def edit(
        self, chat: Chat, message: dict[str, Any], markup: dict[str, Any] | None, **content: str
    ) -> dict[str, Any]:
        """Change a message where it stands; no keyboard given is none kept."""
        before = {name: message.get(name) for name in content}
        if before == content and message.get("reply_markup") == markup:
            raise bad(
                "message is not modified: specified new message content and reply markup are "
                "exactly the same as a current content and reply markup of the message"
            )
        message.update(content, edit_date=int(time.time()))
        message.pop("reply_markup", None)
        if markup:
            message["reply_markup"] = markup
        chat.version += 1
        return message

    def keep_file(self, upload: Upload) -> str:
        """Keep what was uploaded; its file_id."""
        file_id = f"AgAC{secrets.token_urlsafe(24)}"
        self.files[file_id] = upload
        return file_id
