"""Lights: what is well, what to look at, what is bad, each with the rule by which it changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.dashboard.rendering import ago
from bot.dashboard.screens.chart import shown
from bot.dashboard.screens.counts import Counts
from bot.dashboard.screens.pulse import faulty, p, share_of
from bot.i18n import _
from bot.storage.minutes import Minute

State = Literal["ok", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What the lights are about, as of now. `out` are operators out of order, `raised` alerts."""

    lately: Minute
    counts: Counts
    raised: int
    out: int


@dataclass(frozen=True, slots=True)
class Light:
    """One light. `rule` says from when on it warns and is bad, `to` is the page that tells more."""

    words: str
    state: State
    value: str
    rule: str
    to: str = ""


def lights(now: Standing) -> list[Light]:
    """Every light, in the language being spoken."""
    lately, counts = now.lately, now.counts
    p95 = p(0.95)(lately)
    shed = share_of(lately.kinds["shed"], lately)
    share = _("▲ from {warn}, ● from {bad}")
    return [
        Light(_("A hop's time, p95"), _state(p95 or 0, 500, 1000),
              f"{shown(p95)} ms" if p95 is not None else "–",
              share.format(warn="500 ms", bad="1,000 ms"), "/dashboard/health"),
        Light(_("Faults of ours"), _state(faulty(lately), 0.01, 1), f"{shown(faulty(lately))} %",
              share.format(warn="0.01 %", bad="1 %"), "/dashboard/health"),
        Light(_("Turned away, too busy"), _state(shed, 0.01, 1), f"{shown(shed)} %",
              share.format(warn="0.01 %", bad="1 %"), "/dashboard/health"),
        Light(_("The server's longest pause"), _state(lately.lag_ms, 250, 1000),
              f"{lately.lag_ms} ms", share.format(warn="250 ms", bad="1,000 ms"),
              "/dashboard/health"),
        Light(_("Messages wait, the oldest"), _state(lately.late_s, 60, 120),
              ago(lately.late_s), share.format(warn="60 s", bad="120 s"), "/dashboard/system"),
        Light(_("Payments unknown"), _state(counts.payments_unknown, 1, 20),
              str(counts.payments_unknown), share.format(warn=1, bad=20), "/dashboard/payments"),
        Light(_("Payments flagged"), _state(counts.payments_flagged, 1, 1),
              str(counts.payments_flagged), _("● from {bad}").format(bad=1), "/dashboard/payments"),
        Light(_("Operators out of order"), _state(now.out, 1, 1), str(now.out),
              _("● from {bad}").format(bad=1), "/dashboard/system"),
        Light(_("Alerts raised"), _state(now.raised, 1, 1), str(now.raised),
              _("● from {bad}").format(bad=1), "/dashboard/alerts"),
    ]  # fmt: skip


def _state(value: float, warn: float, bad: float) -> State:
    return "bad" if value >= bad else "warn" if value >= warn else "ok"
