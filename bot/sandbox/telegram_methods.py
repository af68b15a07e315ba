"""The methods of the pretended Bot API: messages, files, commands.

Source: the Bot API as restated by python-telegram-bot, as collected in the project's wire facts,
section 6.1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.sandbox.telegram_bodies import (
    Upload,
    bad,
    caption_of,
    commands_of,
    is_true,
    markup_of,
    number,
    parsed,
    text_of,
)
from bot.sandbox.telegram_chats import BOT, Chats

_PHOTO_MAX, _DOCUMENT_MAX = 10 * 1024 * 1024, 50 * 1024 * 1024
_TOAST_MAX = 200
_QUERY_GONE = "query is too old and response timeout expired or query ID is invalid"
Args = dict[str, Any]


class Methods:
    """What the bot can do in its chats."""

    def __init__(self, chats: Chats) -> None:
        self._chats = chats
        # By language, "" for everybody else.
        self.commands: dict[str, list[dict[str, str]]] = {}
        self.menu_button: dict[str, Any] = {"type": "commands"}

    def by_name(self, name: str) -> Callable[[Args], Any] | None:
        """The method with this name in small letters, or None."""
        ways: dict[str, Callable[[Args], Any]] = {
            "getme": lambda _args: BOT,
            "sendmessage": self._send_message,
            "sendphoto": self._send_photo,
            "senddocument": self._send_document,
            "sendchataction": self._send_chat_action,
            "editmessagetext": self._edit_text,
            "editmessagecaption": self._edit_caption,
            "editmessagereplymarkup": self._edit_markup,
            "answercallbackquery": self._answer_press,
            "deletemessage": self._delete,
            "getfile": self._get_file,
            "setmycommands": self._set_commands,
            "getmycommands": lambda args: self.commands.get(str(args.get("language_code", "")), []),
            "deletemycommands": self._delete_commands,
            "setchatmenubutton": self._set_menu_button,
            "getchatmenubutton": lambda _args: self.menu_button,
        }
        return ways.get(name)

    def commands_for(self, language: str) -> list[dict[str, str]]:
        """The commands that a person sees, whose Telegram speaks this language."""
        return self.commands.get(language) or self.commands.get("", [])

    def must_reach(self, args: Args) -> None:
        """Refuse a chat that is not there, or that has blocked the bot."""
        self._chats.to_send_to(number(args, "chat_id"))

    def _send_message(self, args: Args) -> dict[str, Any]:
        chat = self._chats.to_send_to(number(args, "chat_id"))
        text, markup = text_of(args), markup_of(args)
        return self._chats.send(chat, markup, text=text)

    def _send_photo(self, args: Args) -> dict[str, Any]:
        chat = self._chats.to_send_to(number(args, "chat_id"))
        file_id, upload = self._file(args, "photo", _PHOTO_MAX)
        size = {
            "file_id": file_id,
            "file_unique_id": file_id[-12:],
            "width": 800,
            "height": 600,
            "file_size": len(upload.data),
        }
        caption, markup = caption_of(args), markup_of(args)
        return self._chats.send(chat, markup, photo=[size], caption=caption)

    def _send_document(self, args: Args) -> dict[str, Any]:
        chat = self._chats.to_send_to(number(args, "chat_id"))
        file_id, upload = self._file(args, "document", _DOCUMENT_MAX)
        document = {
            "file_id": file_id,
            "file_unique_id": file_id[-12:],
            "file_name": upload.name,
            "mime_type": upload.content_type,
            "file_size": len(upload.data),
        }
        caption, markup = caption_of(args), markup_of(args)
        return self._chats.send(chat, markup, document=document, caption=caption)

    def _file(self, args: Args, name: str, most: int) -> tuple[str, Upload]:
        given = args.get(name)
        # A form may hold the file under another name, which it then refers to.
        if isinstance(given, str) and given.startswith("attach://"):
            given = args.get(given.removeprefix("attach://"))
        if isinstance(given, str) and given in self._chats.files:
            return given, self._chats.files[given]
        if not isinstance(given, Upload):
            raise bad("wrong file identifier/HTTP URL specified")
        if not given.data:
            raise bad("file must be non-empty")
        if len(given.data) > most:
            raise bad("file is too big")
        return self._chats.keep_file(given), given

    def _send_chat_action(self, args: Args) -> bool:
        self._chats.to_send_to(number(args, "chat_id")).show_typing()
        return True

    def _edit_text(self, args: Args) -> dict[str, Any]:
        chat = self._chats.to_send_to(number(args, "chat_id"))
        message = self._chats.ours(chat, number(args, "message_id"), "edit")
        if "text" not in message:
            raise bad("there is no text in the message to edit")
        text, markup = text_of(args), markup_of(args)
        return self._chats.edit(chat, message, markup, text=text)

    def _edit_caption(self, args: Args) -> dict[str, Any]:
        chat = self._chats.to_send_to(number(args, "chat_id"))
        message = self._chats.ours(chat, number(args, "message_id"), "edit")
        caption, markup = caption_of(args), markup_of(args)
        return self._chats.edit(chat, message, markup, caption=caption)

    def _edit_markup(self, args: Args) -> dict[str, Any]:
        chat = self._chats.to_send_to(number(args, "chat_id"))
        message = self._chats.ours(chat, number(args, "message_id"), "edit")
        return self._chats.edit(chat, message, markup_of(args))

    def _answer_press(self, args: Args) -> bool:
        text = str(args.get("text", ""))
        if len(text) > _TOAST_MAX:
            raise bad("MESSAGE_TOO_LONG")
        chat = self._chats.known(self._chats.presses.pop(str(args.get("callback_query_id")), 0))
        if chat is None:
            raise bad(_QUERY_GONE)
        if text:
            chat.toasts.append({"text": text, "alert": is_true(args, "show_alert")})
        chat.version += 1
        return True

    def _delete(self, args: Args) -> bool:
        chat = self._chats.to_send_to(number(args, "chat_id"))
        if chat.messages.pop(number(args, "message_id"), None) is None:
            raise bad("message to delete not found")
        chat.version += 1
        return True

    def _get_file(self, args: Args) -> dict[str, Any]:
        file_id = str(args.get("file_id", ""))
        upload = self._chats.files.get(file_id)
        if upload is None:
            raise bad("invalid file_id")
        return {
            "file_id": file_id,
            "file_unique_id": file_id[-12:],
            "file_size": len(upload.data),
            "file_path": f"files/{file_id}",
        }

    def _set_commands(self, args: Args) -> bool:
        self.commands[str(args.get("language_code", ""))] = commands_of(args)
        return True

    def _delete_commands(self, args: Args) -> bool:
        self.commands.pop(str(args.get("language_code", "")), None)
        return True

    def _set_menu_button(self, args: Args) -> bool:
        self.menu_button = parsed(args, "menu_button") or {"type": "commands"}
        return True
