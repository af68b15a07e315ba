"""Who looked at somebody, and how: read from the audit, the newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from bot.i18n import N_
from bot.masking import without_numbers
from bot.storage.schema import audit, tickets

# What of the audit is a look at a person, as the page says it.
LOOK_WORDS = {
    "profile viewed": N_("looked at this page"),
    "number looked up": N_("found them by their number"),
    "number revealed": N_("saw the whole number"),
    "copy made": N_("took a copy of their data"),
    "call taken along as a test": N_("took a call of theirs along"),
    "call taken along as data": N_("took a call of theirs along"),
    "chat entered": N_("came into their chat"),
}
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Look:
    """One look. `action` is a key of `LOOK_WORDS`; `why` is "" where no reason is asked for."""

    at: datetime
    by: str
    action: str
    why: str


def looks_at(db: Connection, contact_id: int) -> list[Look]:
    """The newest looks at this person, also those through a ticket of theirs."""
    theirs = select(tickets.c.code).where(tickets.c.contact_id == contact_id)
    codes = db.execute(theirs.order_by(tickets.c.id.desc()).limit(_SHOWN)).scalars()
    subjects = [f"contact {contact_id}", *(f"ticket {code}" for code in codes)]
    mine = audit.c.subject.in_(subjects) & audit.c.action.in_(LOOK_WORDS)
    query = select(audit).where(mine).order_by(audit.c.id.desc()).limit(_SHOWN)
    return [
        Look(row["at"], row["actor"], row["action"], _why(row["details"].get("reason", "")))
        for row in db.execute(query).mappings()
    ]


def _why(reason: object) -> str:
    return without_numbers(str(reason or ""))
