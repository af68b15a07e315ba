"""Unlocking a PIN: only for who asked to be called, and was."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, insert

from bot.market import people
from bot.market.pins import forgive
from bot.market.tickets import close_after_call
from bot.storage.schema import audit


def unlock(
    db: Connection, msisdn: str, ticket_code: str, by: str, now: datetime
) -> Literal["unlocked", "nobody", "no_ticket"]:
    """Let a person try again, who has asked us to call them and was called.

    The open ticket is the record of that call: without one of this number nothing is unlocked, and
    the audit says who did it. Nobody sees or sets the PIN itself.
    """
    contact = people.by_msisdn(db, msisdn)
    if contact is None:
        return "nobody"
    if not close_after_call(db, msisdn, contact.id, ticket_code, now):
        return "no_ticket"
    forgive(db, contact.id)
    line = {
        "at": now,
        "actor": by[:40],
        "action": "PIN unlocked",
        "subject": f"contact {contact.id}",
        "details": {"ticket": ticket_code.strip().upper()},
    }
    db.execute(insert(audit), line)
    return "unlocked"
