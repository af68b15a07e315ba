"""The funnel: how far people get in each conversation, and where they leave it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median_low
from typing import Any

from aiohttp import web

from bot.conversation import LANGUAGE_NAMES, LANGUAGES
from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens.asked import address, choice_asked
from bot.dashboard.screens.fresh import Fresh
from bot.dashboard.screens.funnel_count import Figures, Part
from bot.dashboard.screens.funnel_read import MOST, Counted, count
from bot.dashboard.screens.place_words import place_name
from bot.i18n import N_
from bot.market import Market
from bot.storage.records import Records

_PATH = "/dashboard/funnel"
PERIODS = {
    "1h": (N_("The last hour"), 3_600),
    "24h": (N_("The last 24 hours"), 86_400),
    "7d": (N_("The last 7 days"), 7 * 86_400),
    "90d": (N_("All that is kept"), 90 * 86_400),
}
_USUAL = "24h"
_GOOD_FOR_S = 60.0
# What fewer people did could tell who they are, once the others are filtered away.
FEWEST = 5
_WORST, _TYPED = 8, 10


@dataclass(frozen=True, slots=True)
class Row:
    """One flow or place as it stands in a table."""

    key: str
    name: str
    figures: Figures
    wait_s: int


class Funnel:
    """The funnel's page. A period is counted once a minute, and one at a time, whoever asks."""

    def __init__(self, market: Market, pages: Pages) -> None:
        self._records, self._pages = market.records, pages
        one_at_a_time = asyncio.Lock()
        self._counted = {
            key: Fresh(_counter(self._records, seconds, one_at_a_time), _GOOD_FOR_S)
            for key, (_words, seconds) in PERIODS.items()
        }

    async def show(self, request: web.Request) -> web.Response:
        """All flows, or the places of one, narrowed by period, channel and language."""
        visitor = request[VISITOR]
        period = choice_asked(request, "period", PERIODS) or _USUAL
        counted = await self._counted[period].get()
        channels = sorted({channel for channel, _language in counted.parts})
        asked = {
            "period": period,
            "channel": choice_asked(request, "channel", channels),
            "language": choice_asked(request, "language", LANGUAGES),
        }
        part = counted.together(asked["channel"], asked["language"])
        flow = choice_asked(request, "flow", part.flows)
        return self._pages.page(
            "funnel.html",
            visitor.member,
            visitor.form,
            asked=asked,
            periods={key: words for key, (words, _seconds) in PERIODS.items()},
            channels=channels,
            tongues=LANGUAGE_NAMES,
            flow=flow,
            flow_name=place_name(flow),
            link=lambda name: address(_PATH, **asked, flow=name),
            counted=counted,
            most=MOST,
            fewest=FEWEST,
            **_tables(part, flow, split=bool(asked["channel"] or asked["language"])),
        )


def _counter(
    records: Records, seconds: int, one_at_a_time: asyncio.Lock
) -> Callable[[], Awaitable[Counted]]:
    async def read() -> Counted:
        async with one_at_a_time:
            return await count(records, int((time.time() - seconds) * 1000))

    return read


def _tables(part: Part, flow: str, *, split: bool) -> dict[str, Any]:
    """What the page shows of this part: of one flow its places, else all flows."""
    least = FEWEST if split else 1
    inside = {
        place: figures
        for place, figures in part.places.items()
        if not flow or place.partition(".")[0] == flow
    }
    shown = inside if flow else part.flows
    rows = [_row(key, figures) for key, figures in shown.items() if figures.reached >= least]
    worst = [_row(key, one) for key, one in inside.items() if one.left and one.reached >= least]
    typed = [
        (place_name(place), text, times)
        for (place, text), times in part.typed.most_common()
        if times >= FEWEST and (not flow or place.partition(".")[0] == flow)
    ]
    return {
        "talks": part.talks,
        "rows": sorted(rows, key=lambda row: (-row.figures.reached, row.key)),
        "hidden": len(shown) - len(rows),
        "worst": sorted(worst, key=lambda row: (-row.figures.left, row.key))[:_WORST],
        "typed": typed[:_TYPED],
    }


def _row(key: str, figures: Figures) -> Row:
    waits = figures.waits_s
    return Row(key, place_name(key), figures, median_low(waits) if waits else -1)
