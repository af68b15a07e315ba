"""Telling of an alert as a test, to find out whether anybody hears of it."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web

from bot.dashboard.guard import VISITOR
from bot.i18n import N_
from bot.market import Market, staff_alerts

_PATH = "/dashboard/alerts"
_SAID = {
    "nobody": N_(
        "Nobody is told of alerts: no receiver of webhooks wants them, and the staff's chat is not "
        "set."
    ),
    "chat": N_("A test is on its way to the staff's chat."),
    "receivers": N_("A test is on its way to the receivers of webhooks."),
    "both": N_("A test is on its way to the staff's chat and to the receivers of webhooks."),
}


class AlertDrill:
    """The button "Send a test" of each rule. `chat_id` is the staff's on Telegram, 0 for none."""

    def __init__(self, market: Market, chat_id: int) -> None:
        self._records, self._chat_id = market.records, chat_id

    async def fire(self, request: web.Request) -> web.Response:
        """Tell of a rule, marked as a test; nothing is raised by it."""
        rule, by, now = request.match_info["rule"], request[VISITOR].member.name, datetime.now(UTC)
        if rule not in staff_alerts.RULES:
            raise web.HTTPNotFound
        receivers, chat = await self._records.write(
            lambda db: staff_alerts.fire_test(db, rule, self._chat_id, by, now)
        )
        said = "both" if receivers and chat else "chat" if chat else "receivers"
        said = said if receivers or chat else "nobody"
        raise web.HTTPSeeOther(f"{_PATH}?tested={said}")


def said_of(request: web.Request) -> str:
    """What the page says of the test that was asked for, "" of none."""
    return _SAID.get(request.query.get("tested", ""), "")
