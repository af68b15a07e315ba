"""The house itself: what the server finds of its own parts, and the settings it runs by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens.fresh import Fresh
from bot.i18n import N_
from bot.settings_shown import ShownSetting

# They ask operators and the network: once a minute is enough, whoever looks.
_CHECKED_FOR_S = 60.0
# How a part stands, what it is, and why: as `isoko doctor` prints it.
Line = tuple[str, str, str]
_SOURCE_WORDS = {
    "default": N_("default"),
    "file": N_("file"),
    "environment": N_("environment"),
}


@dataclass(frozen=True, slots=True)
class HouseRules:
    """What the server knows of itself. `alert_chat` is the staff's on Telegram, 0 for none."""

    alert_chat: int
    settings: Sequence[ShownSetting]
    self_checks: Callable[[], Awaitable[Sequence[Line]]]


class House:
    """The pages of self-checks and settings."""

    def __init__(self, pages: Pages, rules: HouseRules) -> None:
        self._pages, self._rules = pages, rules
        self._lines: Fresh[tuple[datetime, Sequence[Line]]] = Fresh(self._check, _CHECKED_FOR_S)

    async def checks(self, request: web.Request) -> web.Response:
        """A line for each part, as of at most a minute ago."""
        visitor = request[VISITOR]
        checked_at, lines = await self._lines.get()
        return self._pages.page(
            "self_checks.html", visitor.member, visitor.form, lines=lines, checked_at=checked_at
        )

    async def settings(self, request: web.Request) -> web.Response:
        """What is in force, and where it was set; nothing is changed here."""
        visitor = request[VISITOR]
        return self._pages.page(
            "settings.html",
            visitor.member,
            visitor.form,
            settings=self._rules.settings,
            sources=_SOURCE_WORDS,
        )

    async def _check(self) -> tuple[datetime, Sequence[Line]]:
        return datetime.now(UTC), await self._rules.self_checks()
