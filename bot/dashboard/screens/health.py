"""Health: how fast and how well hops are answered, as lights, lines and numbers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from aiohttp import web
from sqlalchemy import Connection, func, select

from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens import pulse
from bot.dashboard.screens.asked import choice_asked
from bot.dashboard.screens.chart import HEIGHT, WIDTH, Chart, chart
from bot.dashboard.screens.counts import Counts
from bot.dashboard.screens.fresh import Fresh
from bot.dashboard.screens.lights import Light, Standing, lights
from bot.dashboard.screens.pulse import Pulse, a_second, faulty, p, share_of
from bot.i18n import N_, _
from bot.market import Market, outages
from bot.storage.records import Records
from bot.storage.schema import staff_alerts


@dataclass(frozen=True, slots=True)
class Span:
    """How much a page shows: `count` steps of `step` minutes."""

    words: str
    count: int
    step: int


SPANS = {
    "1h": Span(N_("The last hour"), 60, 1),
    "6h": Span(N_("The last 6 hours"), 72, 5),
    "24h": Span(N_("The last 24 hours"), 96, 15),
    "7d": Span(N_("The last 7 days"), 84, 120),
}
_USUAL = "1h"


class Health:
    """The page of health; what it reads lately is shared with the page Now."""

    def __init__(
        self, market: Market, pages: Pages, counted: Callable[[], Awaitable[Counts]]
    ) -> None:
        self._records, self._pages, self._counted = market.records, pages, counted
        self._pulses = {key: _fresh(self._records, span) for key, span in SPANS.items()}
        self._troubles: Fresh[tuple[int, int]] = Fresh(lambda: self._records.read(_troubles))

    async def show(self, request: web.Request) -> web.Response:
        """Lights, and charts of the span that is asked for."""
        visitor = request[VISITOR]
        asked = choice_asked(request, "span", SPANS) or _USUAL
        found = await self._pulses[asked].get()
        return self._pages.page(
            "health.html",
            visitor.member,
            visitor.form,
            lights=await self.lights(),
            read_at=self._pulses[asked].read_at,
            charts=_charts(found),
            span=asked,
            spans=SPANS,
            moments=[
                60_000 * (found.first + place * found.step) for place in range(len(found.steps))
            ],
            width=WIDTH,
            height=HEIGHT,
        )

    async def lately(self) -> Pulse:
        """The last hour, minute by minute."""
        return await self._pulses[_USUAL].get()

    async def troubles(self) -> tuple[int, int]:
        """How many alerts are raised, and operators out of order."""
        return await self._troubles.get()

    async def lights(self) -> list[Light]:
        """Every light, as of a few seconds ago."""
        raised, out = await self.troubles()
        lately = (await self.lately()).lately
        return lights(Standing(lately, await self._counted(), raised, out))


def _fresh(records: Records, span: Span) -> Fresh[Pulse]:
    return Fresh(partial(pulse.read, records, span.count, span.step), 5.0 * span.step)


def _troubles(db: Connection) -> tuple[int, int]:
    raised = select(func.count()).where(staff_alerts.c.state == "raised")
    return int(db.execute(raised).scalar() or 0), len(outages.standing(db))


def _charts(found: Pulse) -> list[Chart]:
    line = found.line
    hops = line(a_second(found.step))
    times = [(f"p{share}", line(p(share / 100))) for share in (50, 95, 99)]
    of_hops = [
        (_("faults of ours"), line(faulty)),
        (_("the same again"), line(lambda one: share_of(one.kinds["repeat"], one))),
        (_("turned away"), line(lambda one: share_of(one.kinds["shed"], one))),
    ]
    payments = [
        (_("unknown"), line(lambda one: one.unknown)),
        (_("flagged"), line(lambda one: one.flagged)),
    ]
    late, dead = line(lambda one: one.late_s), line(lambda one: one.dead)
    lag = line(lambda one: one.lag_ms)
    return [
        chart("hops", _("Hops answered a second"), "", [(_("hops"), hops)]),
        chart("times", _("A hop's time"), "ms", times),
        chart("faults", _("Of a hundred hops"), "%", of_hops),
        chart("payments", _("Payments that wait for people"), "", payments),
        chart("backlog", _("Messages: the oldest waits"), "s", [(_("seconds"), late)]),
        chart("dead", _("Messages given up"), "", [(_("messages"), dead)]),
        chart("lag", _("The server's longest pause"), "ms", [(_("milliseconds"), lag)]),
    ]
