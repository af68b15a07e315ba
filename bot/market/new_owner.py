"""A number has a new owner: called back by one member of staff, and a second agrees.

The old owner is taken off the number; whoever calls next is nobody, and may register.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, select

from bot.market import call_backs, people
from bot.market.people import Contact
from bot.market.staff_names import Answerer, answerer
from bot.market.taking_off import take_off
from bot.storage.schema import contacts

CATEGORY = "new_owner"

Refusal = Literal["not_staff", "nobody", "trusted", "no_ticket"]
Asked = Refusal | Literal["new_owner", "asked_before"]
Approved = Refusal | Literal["taken_off", "not_asked", "same_person"]


def ask(db: Connection, msisdn: str, ticket_code: str, by: str, now: datetime) -> Asked:
    """A member of staff has called this number back, and is sure of its new owner; it is kept.

    The ticket must be this number's own and open: somebody has said so on that phone, and nobody
    has trusted the number again since. Nothing changes for the old owner before `approve`.
    """
    found = _found(db, msisdn, ticket_code, by)
    if isinstance(found, str):
        return found
    member, contact, ticket_id = found
    if not call_backs.note_call(db, member, contact.id, ticket_id, now):
        return "asked_before"
    action = "called back about a new owner"
    call_backs.write_down(db, member, action, contact.id, ticket_code, now)
    return "new_owner"


def approve(db: Connection, msisdn: str, ticket_code: str, by: str, now: datetime) -> Approved:
    """A second member of staff agrees: the old owner is taken off, and the ticket closed."""
    found = _found(db, msisdn, ticket_code, by)
    if isinstance(found, str):
        return found
    member, contact, ticket_id = found
    call = call_backs.for_second(db, member, ticket_id)
    if isinstance(call, str):
        return call
    call_backs.approve(db, call, member, now)
    left = take_off(db, contact, member.name, f"new-owner:{ticket_code.strip().upper()}", now)
    more = {"called_by": call.called_by, **left}
    action = "taken off the number"
    call_backs.write_down(db, member, action, contact.id, ticket_code, now, **more)
    return "taken_off"


def _found(
    db: Connection, msisdn: str, ticket_code: str, by: str
) -> tuple[Answerer, Contact, int] | Refusal:
    """Who acts, whose number it was, and the id of the ticket; or why nothing may be done."""
    member = answerer(db, by)
    if member is None:
        return "not_staff"
    # Held: two who press at once come one after the other, and no deed of the person comes between.
    mine = select(contacts.c.verify_since).where(contacts.c.msisdn == msisdn)
    row = db.execute(mine.with_for_update()).first()
    contact = people.by_msisdn(db, msisdn)
    if row is None or contact is None:
        return "nobody"
    if row.verify_since is None:
        return "trusted"
    ticket = call_backs.ticket_of(db, msisdn, contact.id, ticket_code, CATEGORY)
    if ticket is None or ticket["opened_at"] < row.verify_since:
        return "no_ticket"
    return member, contact, ticket["id"]
