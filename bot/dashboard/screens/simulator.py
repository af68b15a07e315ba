"""The simulator: where staff see what a farmer sees, and make the pretended outside misbehave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web

from bot.dashboard.access.members import note
from bot.dashboard.access.roles import SIMULATORS
from bot.dashboard.forms import fields_of
from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.i18n import N_
from bot.market import Market

_PATH = "/dashboard/simulator"
_ASIDE = aiohttp.ClientTimeout(total=5)
_SECONDS_MAX = 3600.0
SWITCH_WORDS = {
    "hop_twice": N_("The network sends each hop of the web phone twice"),
    "hop_reply_lost": N_("The first reply to each hop is lost"),
    "hop_out_of_order": N_("The hop before comes once more, after the new one"),
    "hop_slow_s": N_("Replies reach the web phone so many seconds late"),
    "settle_after_s": N_("A transfer stays pending for so many seconds"),
    "late_s": N_("Its callback comes so many seconds later"),
    "lost_callback": N_("No callback comes"),
    "callback_twice": N_("Every callback comes twice"),
    "callback_before_202": N_("The callback comes before the answer"),
    "forged_callback": N_("A forged callback claims success"),
    "hang_s": N_("Answers are held back for so many seconds"),
    "answer_503": N_("The operator answers 503"),
    "outage": N_("The operator cuts every connection"),
    "cut_answer": N_("The answer is lost after the money has moved"),
    "cut_json": N_("Answers break off in the middle"),
    "html_200": N_("A login page comes in place of an answer"),
    "amount_altered": N_("The operator names another amount"),
    "ambiguous_state": N_("The operator's state says nothing clear"),
    "not_found_s": N_("A new transfer is not found for so many seconds"),
    "sms_down": N_("SMS are not taken"),
    "sms_blocked": N_("SMS are refused by the person's phone"),
    "sms_hang_s": N_("SMS are answered after so many seconds"),
}
_SAID = {
    "set": N_("The pretended outside does so from now on."),
    "off": N_("Everything behaves again."),
    "no_answer": N_("The pretended outside does not answer. Nothing was changed."),
    "odd": N_("That is no number of seconds. Nothing was changed."),
}


@dataclass(frozen=True, slots=True)
class Pretended:
    """Where the pretended outside answers, "" where there is none; and who asks it."""

    url: str
    http: aiohttp.ClientSession


class Simulator:
    """The page of the simulator. In production there is none, and the page says so."""

    def __init__(self, market: Market, pages: Pages, pretended: Pretended | None) -> None:
        self._records, self._pages, self._pretended = market.records, pages, pretended

    async def show(self, request: web.Request) -> web.Response:
        """The ways in, and every switch as it stands."""
        visitor = request[VISITOR]
        state = await self._ask("GET", "/sandbox/state.json")
        return self._pages.page(
            "simulator.html",
            visitor.member,
            visitor.form,
            there=self._pretended is not None,
            switches=_known(state),
            counts=state.get("counts", {}),
            words=SWITCH_WORDS,
            most_s=int(_SECONDS_MAX),
            said=_SAID.get(request.query.get("said", ""), ""),
            may_act=visitor.member.role in SIMULATORS,
        )

    async def switch(self, request: web.Request) -> web.Response:
        """Set every switch as the form says; the button "off" puts all of them back."""
        if self._pretended is None:
            raise web.HTTPNotFound
        before = _known(await self._ask("GET", "/sandbox/state.json"))
        fields = await fields_of(request)
        off = fields.get("all") == "off"
        wanted = _usual(before) if off else _wanted(before, fields)
        if wanted is None:
            raise web.HTTPSeeOther(f"{_PATH}?said=odd")
        done = bool(before) and await self._ask("POST", "/sandbox/switches", wanted)
        if not done:
            raise web.HTTPSeeOther(f"{_PATH}?said=no_answer")
        changes = {name: value for name, value in wanted.items() if value != before[name]}
        by, now = request[VISITOR].member.name, datetime.now(UTC)
        await self._records.write(
            lambda db: note(db, by, "simulator switched", "sandbox", now, **changes)
        )
        raise web.HTTPSeeOther(f"{_PATH}?said={'off' if off else 'set'}")

    async def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """What the pretended outside says, {} when it says nothing."""
        if self._pretended is None:
            return {}
        try:
            async with self._pretended.http.request(
                method, f"{self._pretended.url}{path}", json=body, timeout=_ASIDE
            ) as answer:
                found: dict[str, Any] = await answer.json() if answer.status == 200 else {}
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return {}
        return found


def _known(state: dict[str, Any]) -> dict[str, bool | float]:
    there = state.get("switches", {})
    return {name: there[name] for name in SWITCH_WORDS if name in there}


def _usual(before: dict[str, bool | float]) -> dict[str, bool | float]:
    """As the pretended outside begins."""
    usual: dict[str, bool | float] = {
        name: False if isinstance(value, bool) else 0.0 for name, value in before.items()
    }
    return usual | {"settle_after_s": 2.0}


def _wanted(
    before: dict[str, bool | float], fields: dict[str, str]
) -> dict[str, bool | float] | None:
    """What the form asks for; None when a number is none. A box that is not ticked is not sent."""
    wanted: dict[str, bool | float] = {}
    for name, value in before.items():
        if isinstance(value, bool):
            wanted[name] = fields.get(name) == "on"
            continue
        try:
            seconds = float(fields.get(name, "") or 0)
        except ValueError:
            return None
        if not 0 <= seconds <= _SECONDS_MAX:
            return None
        wanted[name] = seconds
    return wanted
