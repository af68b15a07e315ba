"""What staff are alerted of: what is raised, who looks after it, what is over or muted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aiohttp import web

from bot.dashboard.access.roles import ALERTERS, WATCH_MUTERS
from bot.dashboard.forms import fields_of
from bot.dashboard.guard import VISITOR, Guard
from bot.dashboard.rendering import Pages
from bot.dashboard.screens.alert_drill import said_of
from bot.i18n import N_
from bot.kept_text import kept_text
from bot.market import Market, alert_owners, staff_alerts

_PATH = "/dashboard/alerts"
HOURS = (1, 4, 12, 24, 72)
_SAID = {
    "taken": N_("It is yours to look after."),
    "let_go": N_("Somebody else may look after it."),
    "changed": N_("Somebody looks after it already, or it is over. Nothing was changed."),
    "muted": N_("Nobody is told of this until then. What is raised is shown here all the same."),
    "spoken": N_("Staff are told of this again."),
    "no_reason": N_("Say why. Nothing was changed."),
}


class Alerts:
    """The alerts' page."""

    def __init__(self, market: Market, pages: Pages, guard: Guard) -> None:
        self._records, self._pages, self._guard = market.records, pages, guard

    async def listed(self, request: web.Request) -> web.Response:
        """What is raised, the newest first, then what is over."""
        visitor, now = request[VISITOR], datetime.now(UTC)
        found = await self._records.read(staff_alerts.listed)
        return self._pages.page(
            "alerts.html",
            visitor.member,
            visitor.form,
            alerts=found,
            tallies=await self._records.read(alert_owners.tallies),
            muted=await self._records.read(lambda db: staff_alerts.mutes(db, now)),
            words=staff_alerts.words_of,
            rules=staff_alerts.RULES,
            hours=HOURS,
            said=said_of(request) or _SAID.get(request.query.get("said", ""), ""),
            may_act=visitor.member.role in ALERTERS,
            not_to_mute=not_to_mute(visitor.member.role),
        )

    async def own(self, request: web.Request) -> web.Response:
        """Look after an alert, unless somebody does."""
        row_id, why = int(request.match_info["id"]), (await fields_of(request)).get("why", "")
        by, now = request[VISITOR].member.name, datetime.now(UTC)
        done = await self._records.write(lambda db: alert_owners.own(db, row_id, by, why, now))
        return _back("taken" if done else "changed")

    async def let_go(self, request: web.Request) -> web.Response:
        """Leave an alert to somebody else."""
        row_id, by = int(request.match_info["id"]), request[VISITOR].member.name
        now = datetime.now(UTC)
        done = await self._records.write(lambda db: alert_owners.let_go(db, row_id, by, now))
        return _back("let_go" if done else "changed")

    async def mute(self, request: web.Request) -> web.Response:
        """Tell nobody of a rule for some hours; 0 ends it."""
        fields, now = await fields_of(request), datetime.now(UTC)
        rule, hours = request.match_info["rule"], fields.get("hours", "")
        by, why = (
            request[VISITOR].member.name,
            kept_text(fields.get("why", ""), alert_owners.WHY_MAX),
        )
        if rule not in staff_alerts.RULES or hours not in {"0", *map(str, HOURS)}:
            raise web.HTTPNotFound
        ends = hours == "0"
        if not why and not ends:
            return _back("no_reason")
        if not ends and rule in not_to_mute(request[VISITOR].member.role):
            await self._guard.refuse(request, "not this role")
        until = now + timedelta(hours=int(hours))
        said = "ended" if ends else why
        await self._records.write(lambda db: staff_alerts.mute(db, rule, until, by, said, now))
        return _back("spoken" if ends else "muted")


def not_to_mute(role: str) -> frozenset[str]:
    """The rules that this role may not keep quiet; anybody may end that."""
    return frozenset() if role in WATCH_MUTERS else staff_alerts.WATCHES_STAFF


def _back(said: str) -> web.Response:
    raise web.HTTPSeeOther(f"{_PATH}?said={said}")
