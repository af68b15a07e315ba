"""A forgotten PIN: who called the person says so, and somebody else on the staff approves."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web
from sqlalchemy import Connection

from bot.dashboard.screens import ticket_deeds
from bot.i18n import N_
from bot.market import Market, pin_reset

# What came of it, as the ticket's page says it.
OUTCOMES = {
    "asked": N_("Noted. Another member of staff must approve it now."),
    "reset": N_("The PIN is deleted. The person is told to choose a new one on their own phone."),
    "same_person": N_("Not reset: a second, different member of staff must approve it."),
    "asked_before": N_("Nothing was changed: the call is noted already."),
    "not_asked": N_("Not reset: nobody has noted a call back for this ticket."),
    "old_ticket": N_(
        "Not reset: the ticket is older than the lock. Close it; the person asks for the call anew."
    ),
    "verify": N_("Not reset: it must first be known who holds this number."),
    "no_ticket": N_("Not reset: this is no open ticket of the number about a forgotten PIN."),
    "nobody": N_("Not reset: nobody is registered with this number."),
    "not_staff": N_("Not reset: only an agent or a supervisor may do this."),
}


class PinResets:
    """The two buttons of a ticket about a forgotten PIN; neither shows or sets one."""

    def __init__(self, market: Market) -> None:
        self._records, self._hub = market.records, market.hub

    async def ask(self, request: web.Request) -> web.Response:
        """The person was called back by who is signed in."""
        return await ticket_deeds.do(self._records, request, pin_reset.ask, "pin", by_two=True)

    async def approve(self, request: web.Request) -> web.Response:
        """Who is signed in approves, as the second."""
        dial = self._hub.service_code

        def work(db: Connection, msisdn: str, code: str, by: str, now: datetime) -> str:
            return pin_reset.approve(db, msisdn, code, by, dial, now)

        return await ticket_deeds.do(self._records, request, work, "pin", by_two=True)
