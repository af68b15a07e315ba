"""An update, from its body to its reply that waits to be sent: ours beside python-telegram-bot's.

Both get the same bytes in one process, whose loop and collector are set as the server sets them.
The HTTP in front of them is left out of both. Ours is then kept safe
through a power cut, applied once, and its reply too; the library's has called its sender, which
answers at once and keeps nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("PTB_TIMEDELTA", "true")

import uvloop
from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.table import Table
from telegram import Update
from telegram.ext import (
    Application,
    ContextTypes,
    ConversationHandler,
    MessageHandler,
    filters,
)
from telegram.request import BaseRequest

from bot.engine import Engine
from bot.engine.watch import NoWatch
from bot.flows import FLOWS
from bot.history import Marks
from bot.i18n import load_catalogues
from bot.runner import spare_the_interpreter
from bot.settings import load_settings
from bot.storage.opening import open_records, upgrade
from bot.storage.sessions.memory import MemorySessions
from bot.telegram.door import open_updates
from bot.telegram.updates import UpdateRules, Updates
from bot.wiring import limits_of, market_of

_CHATS, _EACH = 64, 20
_WORDS = ("/menu", "1", "0", "8", "0")
_ME = {"id": 1, "is_bot": True, "first_name": "Isoko", "username": "isoko_bot"}


def measure_updates(console: Console, rounds: int) -> None:
    """Print the CPU of an update on each side, in turn."""
    # Both in the loop that the server runs in.
    ours, theirs = uvloop.run(_measure(rounds))
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    table = Table(
        "an update", "us of CPU", "of the library's, by round",
        title=f"{_CHATS} chats, {_EACH} updates each: from the body to the reply queued",
    )  # fmt: skip
    words = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    table.add_row("ours: kept, applied once, reply kept", f"{statistics.median(ours):.0f}", words)
    name = "python-telegram-bot's ConversationHandler, a reply"
    table.add_row(name, f"{statistics.median(theirs):.0f}", "1")
    console.print(table)


async def _measure(rounds: int) -> tuple[list[float], list[float]]:
    load_catalogues()
    library = await _library()
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        await upgrade("", Path(folder))
        records = await open_records("", Path(folder))
        settings = load_settings({})
        market, sessions = market_of(settings, records), MemorySessions(900)
        limits = replace(limits_of(settings), dials_per_minute=1_000_000)
        engine = Engine(FLOWS, market, sessions, Marks("bench"), limits)
        updates = open_updates(
            records, sessions, engine, FLOWS, NoWatch(), CollectorRegistry(), "bench",
            lambda: None, rules=UpdateRules(chats=_CHATS),
        )  # fmt: skip
        spare_the_interpreter()
        work = asyncio.create_task(updates.run())
        await asyncio.sleep(0.1)
        for number in range(rounds + 1):
            bodies = _bodies(number)
            mine, other = await _ours(updates, bodies), await _theirs(library, bodies)
            if number:  # the first round warms both up
                ours.append(mine)
                theirs.append(other)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await engine.close()
        await records.close()
    await library.shutdown()
    return ours, theirs


async def _ours(updates: Updates, bodies: list[list[bytes]]) -> float:
    """CPU of all threads for an update, in microseconds."""
    started = time.process_time()

    async def chat(mine: list[bytes]) -> None:
        for body in mine:
            await updates.keep(body)

    await asyncio.gather(*(chat(mine) for mine in bodies))
    while updates.busy:
        await asyncio.sleep(0.002)
    return _us(started)


async def _theirs(library: Application[Any, Any, Any, Any, Any, Any], bodies: Any) -> float:
    started = time.process_time()
    for mine in bodies:
        for body in mine:
            await library.process_update(Update.de_json(json.loads(body), library.bot))
    return _us(started)


def _us(started: float) -> float:
    return (time.process_time() - started) / (_CHATS * _EACH) * 1e6


def _bodies(number: int) -> list[list[bytes]]:
    first = 1 + number * _CHATS * _EACH
    return [
        [_body(first + place * _CHATS + chat, 1000 + chat, place) for place in range(_EACH)]
        for chat in range(_CHATS)
    ]


def _body(update_id: int, chat_id: int, place: int) -> bytes:
    sender = {"id": chat_id, "is_bot": False, "first_name": "Aline", "language_code": "en"}
    chat = {"id": chat_id, "first_name": "Aline", "type": "private"}
    words = _WORDS[place % len(_WORDS)]
    message = {
        "message_id": update_id,
        "from": sender,
        "chat": chat,
        "date": 1790590530,
        "text": words,
    }
    return json.dumps({"update_id": update_id, "message": message}).encode()


class _AtOnce(BaseRequest):
    """Answers every call at once; nothing leaves the process."""

    read_timeout = 5.0

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""

    async def do_request(self, url: str, method: str, **_other: Any) -> tuple[int, bytes]:  # type: ignore[override]
        """What the Bot API says."""
        sent = {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}, "text": "x"}
        result = _ME if url.endswith("getMe") else sent
        return 200, json.dumps({"ok": True, "result": result}).encode()


async def _library() -> Application[Any, Any, Any, Any, Any, Any]:
    async def answer(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> int:
        assert update.message is not None
        await update.message.reply_text("Welcome")
        return 1

    talk = MessageHandler(filters.TEXT, answer)
    conversation = ConversationHandler([talk], {1: [talk]}, [], allow_reentry=False)
    builder = Application.builder().token("1:bench").updater(None)
    library = builder.request(_AtOnce()).get_updates_request(_AtOnce()).build()
    library.add_handler(conversation)
    await library.initialize()
    return library
