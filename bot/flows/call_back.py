"""Asking to be called back: the ticket, and what is said of it, for every flow that offers it."""

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Turn
from bot.i18n import _
from bot.market.tickets import open_ticket


def ticket_screen(
    turn: Turn, db: Connection, category: str, after: Choice, about: str = "", text: str = ""
) -> Screen:
    """Open a ticket for the caller, registered or not, and say its code; `after` leads on.

    It is for those who have a number: they are called on it.
    """
    session = turn.session
    code = open_ticket(
        db,
        category=category,
        msisdn=session.number,
        contact_id=session.contact_id or None,
        about=about,
        text=text,
        language=session.language or "rw",
        now=turn.now,
    )
    said = _("Your problem was sent. Ticket: {id}.").format(id=code)
    return Screen(said + "\n" + _("We will call you soon."), [after])
