"""What a call to the Bot API brings, in any of its forms, and what the API refuses in it.

Source: the Bot API as restated by python-telegram-bot, as collected in the project's wire facts,
section 6.1.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.web_request import FileField

_TEXT_MAX, _CAPTION_MAX, _DATA_MAX_BYTES, _BUTTONS_MAX, _ROW_MAX = 4096, 1024, 64, 100, 8
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_ACTIONS = ("callback_data", "url", "web_app", "login_url", "switch_inline_query", "copy_text")


class Refused(Exception):
    """The API says no: an HTTP status, its words, and parameters such as `retry_after`."""

    def __init__(self, status: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.status, self.description, self.parameters = status, description, parameters


def bad(words: str) -> Refused:
    """A 400 with the API's own beginning."""
    return Refused(400, f"Bad Request: {words}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a call."""

    name: str
    content_type: str
    data: bytes


async def arguments(request: web.Request) -> dict[str, Any]:
    """The arguments of a call: from the query, a form, a multipart form or JSON."""
    found: dict[str, Any] = dict(request.query)
    if request.method == "POST" and request.content_type == "application/json":
        try:
            body = await request.json()
        except (ValueError, RecursionError):
            raise bad("can't parse JSON object") from None
        if not isinstance(body, dict):
            raise bad("object expected")
        return found | body
    if request.method == "POST":
        for name, value in (await request.post()).items():
            if isinstance(value, FileField):
                data = value.file.read()
                found[name] = Upload(value.filename, value.content_type, data)
            else:
                found[name] = value
    return found


def number(args: dict[str, Any], name: str) -> int:
    """A whole number among the arguments."""
    try:
        return int(args.get(name, ""))
    except (TypeError, ValueError):
        raise bad(f"{name} is not specified or no number") from None


def is_true(args: dict[str, Any], name: str) -> bool:
    """A switch among the arguments."""
    return args.get(name) in (True, "true", "True", "1", 1)


def parsed(args: dict[str, Any], name: str) -> Any:
    """An object among the arguments: given as such, or as JSON in a form; None without."""
    value = args.get(name)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value else None
    except (ValueError, RecursionError):
        raise bad(f"can't parse {name} JSON object") from None


def text_of(args: dict[str, Any]) -> str:
    """The text of a message, as the API takes it."""
    text = str(args.get("text", "")).strip()
    if not text:
        raise bad("message text is empty")
    if _units(text) > _TEXT_MAX:
        raise bad("message is too long")
    _plain(args)
    return text


def caption_of(args: dict[str, Any]) -> str:
    """The words under a photo or a document."""
    caption = str(args.get("caption", "")).strip()
    if _units(caption) > _CAPTION_MAX:
        raise bad("message caption is too long")
    _plain(args)
    return caption


def _plain(args: dict[str, Any]) -> None:
    # Marked-up text is not pretended here: better refused than shown wrongly.
    if args.get("parse_mode"):
        raise bad("the sandbox takes plain text only, without parse_mode")


def _units(text: str) -> int:
    """Telegram counts as UTF-16 does."""
    return len(text.encode("utf-16-le")) // 2


def markup_of(args: dict[str, Any]) -> dict[str, Any] | None:
    """The keyboard of a message, checked."""
    markup = parsed(args, "reply_markup")
    if markup is None or markup == {}:
        return None
    if not isinstance(markup, dict):
        raise bad("object expected as reply markup")
    for name in ("inline_keyboard", "keyboard"):
        if name in markup:
            _check_rows(markup[name], inline=name == "inline_keyboard")
    # A keyboard without buttons is none.
    return None if markup.get("inline_keyboard") in ([], [[]]) else markup


def _check_rows(rows: Any, *, inline: bool) -> None:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad("can't parse keyboard: an array of arrays is expected")
    if sum(len(row) for row in rows) > _BUTTONS_MAX:
        raise bad("reply markup is too long")
    if any(len(row) > _ROW_MAX for row in rows):
        raise bad("too many buttons in a row")
    for button in (button for row in rows for button in row):
        _check_button({"text": button} if isinstance(button, str) else button, inline=inline)


def _check_button(button: Any, *, inline: bool) -> None:
    if not isinstance(button, dict) or not str(button.get("text", "")).strip():
        raise bad("can't parse keyboard button: text is empty")
    if not inline:
        return
    if sum(name in button for name in _ACTIONS) != 1:
        raise bad("text buttons are unallowed in the inline keyboard")
    data = button.get("callback_data")
    if data is not None and not 1 <= len(str(data).encode()) <= _DATA_MAX_BYTES:
        raise bad("BUTTON_DATA_INVALID")


def commands_of(args: dict[str, Any]) -> list[dict[str, str]]:
    """A list of commands, checked."""
    listed = parsed(args, "commands")
    if not isinstance(listed, list) or len(listed) > 100:
        raise bad("BOT_COMMANDS_TOO_MUCH" if isinstance(listed, list) else "commands are empty")
    for one in listed:
        if not isinstance(one, dict) or not _COMMAND.fullmatch(str(one.get("command", ""))):
            raise bad("BOT_COMMAND_INVALID")
        if not 1 <= len(str(one.get("description", ""))) <= 256:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    return listed
