"""How the pretended Telegram brings updates: to the webhook, repeated until taken, or asked for.

Source: the Bot API as collected in the project's wire facts, section 6.1; the waits between two
tries are not published and are ours.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from contextlib import suppress
from typing import Any

import aiohttp

from bot.sandbox.telegram_bodies import Refused, bad, is_true, parsed

_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_WAIT_FIRST_S, _WAIT_MAX_S = 0.2, 60.0
_USUAL = frozenset(
    ("message", "edited_message", "callback_query", "my_chat_member", "channel_post")
)


class Delivery:
    """Updates that wait, and the one way by which they leave."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self.waiting: list[dict[str, Any]] = []
        self.url, self._secret = "", ""
        # Where a test's server really listens, whatever it says itself.
        self.instead_of_url = ""
        self._allowed: frozenset[str] = _USUAL
        self._error: dict[str, Any] = {}
        # Higher after a restart than before: the other side remembers which it has had.
        self._ids = itertools.count(int(time.time()))
        self._news = asyncio.Event()
        self._asking: asyncio.Task[list[dict[str, Any]]] | None = None
        self._work: asyncio.Task[None] | None = None
        self.tries = 0

    def start(self) -> None:
        """Begin to deliver."""
        self._work = asyncio.create_task(self._deliver(), name="pretended telegram")

    async def stop(self) -> None:
        """Deliver no more."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work])

    def add(self, kind: str, content: dict[str, Any]) -> int:
        """Something happened; the update's id."""
        update_id = next(self._ids)
        if kind in self._allowed:
            self.waiting.append({"update_id": update_id, kind: content})
            self._news.set()
        return update_id

    def set_webhook(self, args: dict[str, Any]) -> bool:
        """setWebhook, and deleteWebhook when there is no url."""
        secret = str(args.get("secret_token", ""))
        if secret and not _SECRET.fullmatch(secret):
            raise bad("secret token contains unallowed characters")
        url = str(args.get("url", ""))
        if url and not url.startswith(("https://", "http://127.", "http://localhost")):
            raise bad("bad webhook: An HTTPS URL must be provided for webhook")
        self.url, self._secret, self._error = url, secret, {}
        allowed = parsed(args, "allowed_updates")
        if allowed is not None:
            self._allowed = frozenset(allowed) or _USUAL
        if is_true(args, "drop_pending_updates"):
            self.waiting.clear()
        self._news.set()
        return True

    def webhook_info(self, _args: dict[str, Any]) -> dict[str, Any]:
        """getWebhookInfo."""
        return {
            "url": self.url,
            "has_custom_certificate": False,
            "pending_update_count": len(self.waiting),
            "max_connections": 40,
            "allowed_updates": sorted(self._allowed),
            **self._error,
        }

    async def updates(self, args: dict[str, Any]) -> list[dict[str, Any]]:
        """getUpdates: waits for news up to `timeout` seconds; what is before `offset` is taken."""
        if self.url:
            raise Refused(
                409,
                "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook "
                "to delete the webhook first",
            )
        if self._asking is not None and not self._asking.done():
            self._asking.cancel()
        mine = self._asking = asyncio.create_task(self._ask(args))
        await asyncio.wait([mine])
        if mine.cancelled():
            raise Refused(409, "Conflict: terminated by other getUpdates request")
        return mine.result()

    async def _ask(self, args: dict[str, Any]) -> list[dict[str, Any]]:
        offset, limit = int(args.get("offset") or 0), int(args.get("limit") or 100)
        allowed = parsed(args, "allowed_updates")
        if allowed:
            self._allowed = frozenset(allowed)
        self.waiting = [one for one in self.waiting if one["update_id"] >= offset]
        with suppress(TimeoutError):
            async with asyncio.timeout(float(args.get("timeout") or 0)):
                while not self.waiting:
                    self._news.clear()
                    await self._news.wait()
        return self.waiting[:limit]

    async def _deliver(self) -> None:
        wait_s = _WAIT_FIRST_S
        while True:
            if not (self.url and self.waiting):
                self._news.clear()
                await self._news.wait()
                continue
            update = self.waiting[0]
            if await self._post(update):
                if self.waiting and self.waiting[0] is update:
                    self.waiting.pop(0)
                wait_s = _WAIT_FIRST_S
            else:
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, _WAIT_MAX_S)

    async def _post(self, update: dict[str, Any]) -> bool:
        """Whether our server took it."""
        self.tries += 1
        headers = {"Content-Type": "application/json"}
        if self._secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = self._secret
        body = json.dumps(update).encode()
        try:
            async with self._http.post(
                self.instead_of_url or self.url,
                data=body,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=10),
                allow_redirects=False,
            ) as response:
                await response.read()
                said = f"Wrong response from the webhook: {response.status} {response.reason}"
                took = 200 <= response.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            took, said = False, f"Connection failed: {type(error).__name__}"
        if not took:
            self._error = {"last_error_date": int(time.time()), "last_error_message": said}
        return took
