"""Who holds a number: trusted again by who called it, or given to its new owner by two."""

from __future__ import annotations

from aiohttp import web

from bot.dashboard.screens import ticket_deeds
from bot.i18n import N_
from bot.market import Market, new_owner, verifying

_TRUSTED = N_("Nothing was changed: this number is trusted already.")
# What came of it, as the ticket's page says it.
OUTCOMES = {
    "verified": N_("The number is trusted again, and this ticket closed."),
    "new_owner": N_("Noted. Another member of staff must approve it now."),
    "taken_off": N_(
        "The old owner is taken off this number. What is due is in tickets; who calls from it now "
        "is new."
    ),
    "not_verifying": _TRUSTED,
    "trusted": _TRUSTED,
    "asked_before": N_("Nothing was changed: the call is noted already."),
    "not_asked": N_("Nothing was changed: nobody has noted a call back for this ticket."),
    "same_person": N_("Nothing was changed: a second, different member of staff must approve it."),
    "no_ticket": N_("Nothing was changed: this ticket is closed, or does not ask for this check."),
    "nobody": N_("Nothing was changed: nobody is registered with this number."),
    "not_staff": N_("Nothing was changed: only an agent or a supervisor may do this."),
}


class NumberChecks:
    """The buttons of a ticket that asks who holds a number, as `isoko people` has them."""

    def __init__(self, market: Market) -> None:
        self._records = market.records

    async def verify(self, request: web.Request) -> web.Response:
        """The person was called, and told what only they know: the number is trusted again."""
        return await ticket_deeds.do(self._records, request, verifying.release, "number")

    async def ask(self, request: web.Request) -> web.Response:
        """Who is signed in has called, and another person has the number now."""
        return await ticket_deeds.do(self._records, request, new_owner.ask, "number", by_two=True)

    async def approve(self, request: web.Request) -> web.Response:
        """Who is signed in approves, as the second: the old owner is taken off."""
        deed = new_owner.approve
        return await ticket_deeds.do(self._records, request, deed, "number", by_two=True)
