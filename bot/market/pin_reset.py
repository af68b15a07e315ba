"""Resetting a PIN: who asked to be called was called, by one member of staff, and a second agrees.

Nobody sees or sets a PIN: the old one is deleted, and its owner chooses another by phone.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from sqlalchemy import Connection, insert, select, update

from bot.market import call_backs, news, notices, people
from bot.market.pins import RESET, forgive
from bot.market.staff_names import Answerer, answerer
from bot.market.tickets import close_after_call
from bot.storage.schema import audit, contacts, pins

_CATEGORY = "pin_forgotten"
CHOOSE_WITHIN = timedelta(hours=24)

Refusal = Literal["not_staff", "nobody", "verify", "no_ticket", "old_ticket"]
Asked = Refusal | Literal["asked", "asked_before"]
Approved = Refusal | Literal["reset", "not_asked", "same_person"]


def ask(db: Connection, msisdn: str, ticket_code: str, by: str, now: datetime) -> Asked:
    """A member of staff has called this person back, who has forgotten the PIN; it is kept.

    The ticket must be this number's own, open, about the PIN, and no older than the lock or the PIN
    itself: any other call was not about it. Nothing changes for the person before `approve`.
    """
    found = _found(db, msisdn, ticket_code, by)
    if isinstance(found, str):
        return found
    member, contact_id, ticket = found
    if not call_backs.note_call(db, member, contact_id, ticket, now):
        return "asked_before"
    call_backs.write_down(db, member, "called back about the PIN", contact_id, ticket_code, now)
    return "asked"


def approve(
    db: Connection, msisdn: str, ticket_code: str, by: str, service_code: str, now: datetime
) -> Approved:
    """A second member of staff agrees: the PIN is deleted, its lock opened, the ticket closed.

    For a day the person may choose another by phone; they are told to dial `service_code`.
    """
    found = _found(db, msisdn, ticket_code, by)
    if isinstance(found, str):
        return found
    member, contact_id, ticket = found
    call = call_backs.for_second(db, member, ticket)
    if isinstance(call, str):
        return call
    if not close_after_call(db, msisdn, contact_id, ticket_code, now, _CATEGORY):
        return "no_ticket"
    call_backs.approve(db, call, member, now)
    forgive(db, contact_id)
    gone = {"hash": RESET, "reset_until": now + CHOOSE_WITHIN}
    db.execute(update(pins).where(pins.c.contact_id == contact_id).values(gone))
    call_backs.write_down(
        db, member, "PIN reset", contact_id, ticket_code, now, called_by=call.called_by
    )
    key = f"pin-reset:{ticket_code.strip().upper()}"
    # Who holds the number must hear of it, also when somebody else has the chat.
    words = partial(notices.pin_reset, service_code)
    news.tell(db, contact_id, key, words, now, by_phone=True)
    return "reset"


def may_choose(db: Connection, contact_id: int, now: datetime) -> bool:
    """Whether this person may choose a PIN without the old one, which staff have reset."""
    query = select(pins.c.contact_id).join(contacts, contacts.c.id == pins.c.contact_id)
    return db.execute(query.where(_open(contact_id, now))).first() is not None


def is_reset(db: Connection, contact_id: int) -> bool:
    """Whether this person has no PIN any more, however long ago it was reset."""
    mine = (pins.c.contact_id == contact_id) & (pins.c.hash == RESET)
    return db.execute(select(pins.c.contact_id).where(mine)).first() is not None


def is_locked(db: Connection, contact_id: int, now: datetime) -> bool:
    """Whether this person's PIN is locked, and staff have not reset it."""
    locked = (pins.c.contact_id == contact_id) & (pins.c.locked_until > now)
    query = select(pins.c.contact_id).where(locked, pins.c.hash != RESET)
    return db.execute(query).first() is not None


def choose(db: Connection, contact_id: int, pin_hash: str, by: str, now: datetime) -> bool:
    """Keep the PIN that its owner chose after a reset; False when that is over, or used."""
    held = select(pins.c.contact_id).where(pins.c.contact_id == contact_id).with_for_update()
    db.execute(held)
    if not may_choose(db, contact_id, now):
        return False
    people.set_pin(db, contact_id, pin_hash, now)
    line = {"at": now, "actor": by[:40], "action": "PIN chosen", "details": {}}
    db.execute(insert(audit).values(**line, subject=f"contact {contact_id}"))
    return True


def _open(contact_id: int, now: datetime) -> Any:
    return (
        (pins.c.contact_id == contact_id)
        & (pins.c.hash == RESET)
        & (pins.c.reset_until > now)
        & contacts.c.verify_since.is_(None)
    )


def _found(
    db: Connection, msisdn: str, ticket_code: str, by: str
) -> tuple[Answerer, int, int] | Refusal:
    """Who acts, for whom, and the id of the ticket; or why nothing may be done."""
    member = answerer(db, by)
    if member is None:
        return "not_staff"
    contact = people.by_msisdn(db, msisdn)
    if contact is None:
        return "nobody"
    if contact.verifying:
        return "verify"
    # Held, so that two who press at once come one after the other.
    row = db.execute(select(pins).where(pins.c.contact_id == contact.id).with_for_update())
    pin = row.mappings().first()
    ticket = call_backs.ticket_of(db, msisdn, contact.id, ticket_code, _CATEGORY)
    if ticket is None or pin is None:
        return "no_ticket"
    if ticket["opened_at"] < max(pin["set_at"], pin["locked_at"] or pin["set_at"]):
        return "old_ticket"
    return member, contact.id, ticket["id"]
