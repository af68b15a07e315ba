"""What people asked for and nobody has answered yet; closing it says what was done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, RowMapping, func, select, true

from bot.dashboard.access.members import note
from bot.dashboard.screens.ticket_links import linked
from bot.dashboard.screens.ticket_words import in_the_language_spoken
from bot.i18n import N_
from bot.kept_text import kept_text
from bot.market import call_backs, money_tickets, stock_photos
from bot.market.tickets import close
from bot.masking import without_numbers
from bot.msisdn import masked
from bot.storage.schema import contacts, tickets

OPEN = ("open", "taken")
PAGE = 50
NOTE_MOST = 320
CATEGORY_WORDS = {
    "call_back": N_("Call back"),
    "payment_missing": N_("Payment not received"),
    "payment_flagged": N_("Payment flagged"),
    "payment_unknown": N_("Payment unknown"),
    "payment_unclear": N_("Payment unclear"),
    "order": N_("Order"),
    "shipment": N_("Shipment"),
    "pin_forgotten": N_("Forgot PIN"),
    "pin_attack": N_("Attack on PINs"),
    "verify": N_("Number to check"),
    "new_owner": N_("New owner of a number"),
    "booking": N_("Visit"),
    "photo": N_("Photo to check"),
    "other": N_("Other"),
}


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket, its numbers masked; `number` is "" where none is kept.

    `kept` is its text as it is kept, `text` the same as it is shown.
    """

    id: int
    code: str
    category: str
    about: str
    kept: str
    number: str
    name: str
    contact_id: int
    language: str
    state: str
    opened_at: datetime
    due_at: datetime
    closed_at: datetime | None
    # Who called about the PIN or the number, and waits for a second member of staff.
    called_by: str = ""
    # The state of the payment it is about, while that is not settled.
    money: str = ""
    # Where it leads: the payment and the order that it is about, settled or not.
    payment_id: int = 0
    order_code: str = ""

    @property
    def text(self) -> str:
        """In the language spoken, which the records do not know: they work for many at once."""
        return in_the_language_spoken(self.kept)


def open_tickets(
    db: Connection, category: str = "", after: int = 0, ours: str = ""
) -> tuple[list[Ticket], int]:
    """A page of open tickets, the oldest first; and where the next page begins, 0 for nowhere.

    They are due in the order in which they came, each two days after.
    """
    which = tickets.c.category == category if category in CATEGORY_WORDS else true()
    return open_tickets_where(db, which, after, ours)


def open_tickets_where(
    db: Connection, which: ColumnElement[bool], after: int = 0, ours: str = ""
) -> tuple[list[Ticket], int]:
    """The same of the tickets of which `which` is true."""
    query = _with_person().where(tickets.c.state.in_(OPEN), tickets.c.id > after, which)
    rows = db.execute(query.order_by(tickets.c.id).limit(PAGE + 1)).mappings().all()
    found = [_ticket(row, ours) for row in rows[:PAGE]]
    return found, found[-1].id if len(rows) > PAGE else 0


def open_by_category(db: Connection) -> dict[str, int]:
    """How many are open, by category."""
    query = select(tickets.c.category, func.count()).where(tickets.c.state.in_(OPEN))
    return {row[0]: row[1] for row in db.execute(query.group_by(tickets.c.category))}


def ticket_by_code(db: Connection, code: str, ours: str = "") -> Ticket | None:
    """The ticket with this code, open or closed."""
    row = db.execute(_with_person().where(tickets.c.code == code)).mappings().first()
    if row is None:
        return None
    payment_id, order_code = linked(db, row["about"], row["contact_id"] or 0)
    ticket = replace(
        _ticket(row, ours),
        called_by=call_backs.asked_by(db, code),
        payment_id=payment_id,
        order_code=order_code,
    )
    payment = money_tickets.unsettled(db, row["category"], row["about"])
    if payment is None:
        return ticket
    return replace(ticket, money=payment.state, payment_id=payment.id)


def msisdn_of_ticket(db: Connection, code: str) -> str:
    """The whole number to call back, for a reveal; "" when none is kept."""
    query = select(tickets.c.msisdn).where(tickets.c.code == code)
    return str(db.execute(query).scalar() or "")


def close_ticket(
    db: Connection, code: str, said: str, by: str, now: datetime
) -> Literal["closed", "was_closed", "gone", "unsettled", "photo_waits"]:
    """Close an open ticket, once; its number goes, and the audit keeps who did what.

    While money that it is about is not settled it stays, so that nobody forgets that money; and
    so it does while a photo that it is about waits.
    """
    mine = tickets.c.code == code
    about = select(tickets.c.category, tickets.c.about, tickets.c.state).where(mine)
    row = db.execute(about.with_for_update()).first()
    if row is None:
        return "gone"
    if row.state in OPEN and money_tickets.unsettled(db, row.category, row.about):
        return "unsettled"
    if row.category == stock_photos.CATEGORY and stock_photos.waits(db, row.about):
        return "photo_waits"
    if not close(db, mine, now):
        return "was_closed"
    kept = kept_text(said, NOTE_MOST)
    note(db, by, "ticket closed", f"ticket {code}", now, note=kept)
    return "closed"


def _with_person() -> Any:
    person = contacts.c.id == tickets.c.contact_id
    return select(tickets, contacts.c.names).outerjoin(contacts, person)


def _ticket(row: RowMapping, ours: str) -> Ticket:
    return Ticket(
        id=row["id"],
        code=row["code"],
        category=row["category"],
        about=without_numbers(row["about"], ours),
        kept=without_numbers(row["text"], ours),
        number=masked(row["msisdn"]) if row["msisdn"] else "",
        name=without_numbers(row["names"] or "", ours),
        contact_id=row["contact_id"] or 0,
        language=row["language"],
        state=row["state"],
        opened_at=row["opened_at"],
        due_at=row["due_at"],
        closed_at=row["closed_at"],
    )
