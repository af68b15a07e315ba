"""The people on the pretended Telegram: what the demo's chat and tests do as them."""

from __future__ import annotations

import secrets
import time
from base64 import b64decode
from typing import Any

from aiohttp import web

from bot.sandbox.telegram_bodies import Upload
from bot.sandbox.telegram_chats import BOT, Chat, Chats
from bot.sandbox.telegram_delivery import Delivery
from bot.sandbox.telegram_methods import Methods


class People:
    """Write, press, share, block; and see the chat."""

    def __init__(self, chats: Chats, delivery: Delivery, methods: Methods) -> None:
        self._chats, self._delivery, self._methods = chats, delivery, methods

    def mount(self, app: web.Application) -> None:
        """Add what the demo page asks to `app`."""
        app.router.add_get("/sandbox/telegram/chat.json", self.see)
        app.router.add_get("/sandbox/telegram/files/{file_id}", self.file)
        app.router.add_post("/sandbox/telegram/do", self.do)

    def says(self, person: dict[str, Any], text: str, **more: Any) -> dict[str, Any]:
        """Write a message; the first one starts the chat."""
        chat = self._chats.of_person(person)
        self._come_back(chat)
        if text.startswith("/"):
            length = len(text.split(maxsplit=1)[0])
            more["entities"] = [{"offset": 0, "length": length, "type": "bot_command"}]
        return self._sent(chat, text=text, **more)

    def shares_contact(
        self, person: dict[str, Any], phone: str = "", user_id: int | None = None
    ) -> dict[str, Any]:
        """Share a contact: one's own, unless another number and id are given."""
        chat = self._chats.of_person(person)
        self._come_back(chat)
        contact = {
            "phone_number": (phone or chat.phone).removeprefix("+"),
            "first_name": chat.user["first_name"],
            "user_id": chat.id if user_id is None else user_id,
        }
        if chat.keyboard and chat.keyboard.get("one_time_keyboard"):
            chat.keyboard = None
        return self._sent(chat, contact=contact)

    def sends_photo(self, person: dict[str, Any], data: bytes, caption: str = "") -> dict[str, Any]:
        """Send a photo."""
        chat = self._chats.of_person(person)
        self._come_back(chat)
        file_id = self._chats.keep_file(Upload("photo.jpg", "image/jpeg", data))
        size = {"file_id": file_id, "file_unique_id": file_id[-12:], "width": 800, "height": 600}
        photo = [{**size, "file_size": len(data)}]
        return self._sent(chat, photo=photo, caption=caption)

    def sends_document(self, person: dict[str, Any], data: bytes, name: str) -> dict[str, Any]:
        """Send a file as it is, such as a list."""
        chat = self._chats.of_person(person)
        self._come_back(chat)
        file_id = self._chats.keep_file(Upload(name, "application/octet-stream", data))
        document = {"file_id": file_id, "file_unique_id": file_id[-12:], "file_name": name}
        return self._sent(chat, document={**document, "file_size": len(data)})

    def presses(self, person: dict[str, Any], message_id: int, data: str) -> str:
        """Press a button under a message, be it there or not any more; the press's id."""
        chat = self._chats.of_person(person)
        press_id = str(secrets.randbelow(10**18) + 10**18)
        self._chats.presses[press_id] = chat.id
        gone = {"message_id": message_id, "chat": chat.as_chat(), "date": 0}
        query = {
            "id": press_id,
            "from": chat.user,
            "message": dict(chat.messages.get(message_id, gone)),
            "chat_instance": str(-chat.id),
            "data": data,
        }
        self._delivery.add("callback_query", query)
        return press_id

    def blocks(self, person: dict[str, Any], blocked: bool = True) -> None:
        """Block the bot, or let it write again."""
        chat = self._chats.of_person(person)
        if chat.blocked == blocked:
            return
        chat.blocked = blocked
        chat.version += 1
        status = ("member", "kicked") if blocked else ("kicked", "member")
        old, new = ({"user": BOT, "status": one} for one in status)
        change = {
            "chat": chat.as_chat(),
            "from": chat.user,
            "date": int(time.time()),
            "old_chat_member": old,
            "new_chat_member": {**new, "until_date": 0} if blocked else new,
        }
        self._delivery.add("my_chat_member", change)

    def _come_back(self, chat: Chat) -> None:
        chat.started = True
        if chat.blocked:
            self.blocks(chat.user, blocked=False)

    def _sent(self, chat: Chat, **content: Any) -> dict[str, Any]:
        message = chat.add(chat.user, **content)
        self._delivery.add("message", dict(message))
        return message

    async def do(self, request: web.Request) -> web.Response:
        """What a person does: {"person": {…}, "what": "say" | "press" | …, and its details}."""
        try:
            asked = await request.json()
            self._do(asked["person"], asked["what"], asked)
        except (KeyError, TypeError, ValueError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
        return web.json_response({"ok": True})

    def _do(self, person: dict[str, Any], what: str, asked: dict[str, Any]) -> None:
        if what == "say":
            self.says(person, str(asked["text"])[:4096])
        elif what == "press":
            self.presses(person, int(asked["message_id"]), str(asked["data"]))
        elif what == "contact":
            self.shares_contact(person)
        elif what == "photo":
            self.sends_photo(person, b64decode(asked["data"]), str(asked.get("caption", "")))
        elif what == "document":
            self.sends_document(person, b64decode(asked["data"]), str(asked["name"])[:60])
        elif what == "block":
            self.blocks(person, bool(asked["blocked"]))
        else:
            raise ValueError(f"nobody does {what!r}")

    async def see(self, request: web.Request) -> web.Response:
        """The chat as `user` sees it; nothing but its version when that is still `seen`."""
        user = request.query.get("user", "")
        chat = self._chats.known(int(user)) if user.isdecimal() else None
        if chat is None:
            return web.json_response({"version": 0, "messages": [], "started": False})
        typing = chat.is_typing()
        if request.query.get("seen") == f"{chat.version}" and not typing:
            return web.json_response({"version": chat.version, "typing": False})
        return web.json_response(
            {
                "version": chat.version,
                "started": chat.started,
                "blocked": chat.blocked,
                "typing": typing,
                "messages": list(chat.messages.values())[-200:],
                "keyboard": chat.keyboard,
                "commands": self._methods.commands_for(chat.user["language_code"]),
                "toasts": len(chat.toasts),
                "toast": chat.toasts[-1] if chat.toasts else None,
            }
        )

    async def file(self, request: web.Request) -> web.Response:
        """A photo or document of a chat, for the page."""
        upload = self._chats.files.get(request.match_info["file_id"])
        if upload is None:
            raise web.HTTPNotFound
        kind = upload.content_type
        shown = kind if kind in ("image/jpeg", "image/png", "application/pdf") else ""
        return web.Response(
            body=upload.data,
            content_type=shown or "application/octet-stream",
            headers={"X-Content-Type-Options": "nosniff"},
        )
