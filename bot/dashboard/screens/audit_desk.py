"""The audit as it is read: who did what to whom, the newest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, select

from bot.dashboard.screens.asked import like
from bot.dashboard.screens.audit_words import actions_named
from bot.dashboard.screens.by_lots import Found, page_of
from bot.masking import without_numbers
from bot.storage.records import Records
from bot.storage.schema import audit, audit_seals


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One line; numbers in it are masked. `digest` is "" until it is sealed.

    `ip` and `session` are where who did it was, "" where that is not known.
    """

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: str
    digest: str
    ip: str
    session: str


LINES = select(audit, audit_seals.c.digest).outerjoin(
    audit_seals, audit_seals.c.audit_id == audit.c.id
)


def lines_where(filters: Mapping[str, str]) -> list[ColumnElement[bool]]:
    """Which lines: by `actor`, `action`, `subject` and `ip`, each a part of the word.

    An action is found by its word in the language being spoken too, as the page shows it.
    """
    which: list[ColumnElement[bool]] = [
        audit.c[name].like(like(filters[name]), escape="\\")
        for name in ("actor", "subject", "ip")
        if filters.get(name)
    ]
    if asked := filters.get("action"):
        kept = audit.c.action.like(like(asked), escape="\\")
        which.append(kept | audit.c.action.in_(actions_named(asked)))
    return which


async def lines_page(
    records: Records, filters: Mapping[str, str], before: int
) -> tuple[list[AuditLine], Found]:
    """A page of lines, the newest first; and how far it went."""
    found = await page_of(records, LINES, audit.c.id, lines_where(filters), before)
    return [as_line(row) for row in found.rows], found


def as_line(row: RowMapping) -> AuditLine:
    """A row of `LINES` as a value."""
    said = ", ".join(f"{name}: {value}" for name, value in (row["details"] or {}).items())
    return AuditLine(
        row["id"],
        row["at"],
        without_numbers(row["actor"]),
        row["action"],
        without_numbers(row["subject"]),
        without_numbers(said),
        row["digest"] or "",
        row["ip"],
        row["session"],
    )
