"""Whether who calls is still who registered: a number may get another SIM, or another owner."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, insert, select, update

from bot.market import people
from bot.market.people import Contact, day_number
from bot.market.tickets import close_after_call, close_all
from bot.storage.schema import audit, contacts

# Tickets that ask who holds a number.
CHECKS = ("verify", "new_owner")


def is_silent(contact: Contact, silent_days: int, today: int) -> bool:
    """Whether nobody called from this number for so long that the person must be checked.

    One whose last call is not known is not taken as silent.
    """
    return bool(contact.seen_day) and today - contact.seen_day >= silent_days


def end_silence(db: Connection, contact: Contact, silent_days: int, now: datetime) -> None:
    """A number that was silent for so long calls: that is noted, and its holder must be checked."""
    today = day_number(now)
    mine = (contacts.c.id == contact.id) & (contacts.c.seen_day < today)
    if db.execute(update(contacts).where(mine).values(seen_day=today)).rowcount != 1:
        return
    if is_silent(contact, silent_days, today):
        _start(db, contact, "server", f"silent for {today - contact.seen_day} days", now)


def report_sim(
    db: Connection, msisdn: str, by: str, now: datetime, why: str = "new SIM reported"
) -> Literal["verifying", "already", "nobody"]:
    """An operator, a gateway or staff say that another may hold this number: it must be checked."""
    contact = people.by_msisdn(db, msisdn)
    if contact is None:
        return "nobody"
    return "verifying" if _start(db, contact, by, why, now) else "already"


def claim(db: Connection, contact: Contact, now: datetime) -> None:
    """Who calls says that the number is theirs now, and was another's: it must be checked."""
    _start(db, contact, "caller", "new owner by their own word", now)


def release(
    db: Connection, msisdn: str, ticket_code: str, by: str, now: datetime
) -> Literal["verified", "not_verifying", "nobody", "no_ticket"]:
    """Trust this number again, whose holder has asked us to call them, and was.

    The open ticket is the record of that call, so it must have asked for this very check and be no
    older than it: any other was answered without it. One in which somebody said to be a new
    owner will do too, and is answered by this. The audit says who did it.
    """
    contact = people.by_msisdn(db, msisdn)
    if contact is None:
        return "nobody"
    if not contact.verifying:
        return "not_verifying"
    mine = contacts.c.id == contact.id
    since = db.execute(select(contacts.c.verify_since).where(mine)).scalar()
    if since is None or not any(
        close_after_call(db, msisdn, contact.id, ticket_code, now, category, since)
        for category in CHECKS
    ):
        return "no_ticket"
    # The question is answered; a ticket left open would be taken for one of the next check.
    close_all(db, msisdn, CHECKS, since, now)
    db.execute(update(contacts).where(mine).values(verify_since=None))
    _note(db, contact, by, "number verified", {"ticket": ticket_code.strip().upper()}, now)
    return "verified"


def _start(db: Connection, contact: Contact, by: str, why: str, now: datetime) -> bool:
    fresh = (contacts.c.id == contact.id) & contacts.c.verify_since.is_(None)
    if db.execute(update(contacts).where(fresh).values(verify_since=now)).rowcount != 1:
        return False
    _note(db, contact, by, "number must be verified", {"why": why}, now)
    return True


def _note(
    db: Connection, contact: Contact, by: str, action: str, details: dict[str, str], now: datetime
) -> None:
    line = {
        "at": now,
        "actor": by[:40],
        "action": action,
        "subject": f"contact {contact.id}",
        "details": details,
    }
    db.execute(insert(audit), line)
