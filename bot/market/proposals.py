"""What one member of staff wants done and another must do: kept until somebody decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, insert, select, update

from bot.market.staff_names import look_alike, name_of
from bot.storage.one_at_a_time import one_at_a_time
from bot.storage.schema import proposals

Kind = Literal["settle", "erase", "role", "link"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """One that waits: what for, why, and who asked."""

    id: int
    kind: str
    subject: str
    details: dict[str, Any]
    reason: str
    asked_by: int
    asked_at: datetime
    asker: str


def propose(
    db: Connection,
    kind: Kind,
    subject: str,
    details: dict[str, Any],
    reason: str,
    staff_id: int,
    now: datetime,
) -> bool:
    """Keep what this member wants done. False when something waits for this subject already."""
    one_at_a_time(db, f"proposal {kind} {subject}")
    if waiting(db, kind, subject) is not None:
        return False
    row = {"kind": kind, "subject": subject, "details": details, "reason": reason[:320]}
    db.execute(insert(proposals).values(row | {"asked_by": staff_id, "asked_at": now}))
    return True


def waiting(db: Connection, kind: Kind, subject: str) -> Proposal | None:
    """What waits for a second person about this subject, or None."""
    query = select(proposals).where(
        proposals.c.kind == kind, proposals.c.subject == subject, proposals.c.ended_at.is_(None)
    )
    row = db.execute(query.with_for_update()).mappings().first()
    if row is None:
        return None
    return Proposal(
        row["id"],
        row["kind"],
        row["subject"],
        row["details"],
        row["reason"],
        row["asked_by"],
        row["asked_at"],
        name_of(db, row["asked_by"]),
    )


def is_meant(proposal: Proposal, form: Mapping[str, str]) -> bool:
    """Whether the form was made for this very proposal, and not for one that was there before."""
    return form.get("proposal", "") == str(proposal.id)


def may_do(proposal: Proposal, staff_id: int, name: str) -> bool:
    """Whether this member is somebody else than who asked."""
    return staff_id != proposal.asked_by and not look_alike(name, proposal.asker)


def end(
    db: Connection,
    proposal: Proposal,
    outcome: Literal["done", "withdrawn"],
    staff_id: int,
    now: datetime,
) -> None:
    """It was done by this second member, or is not wanted any more."""
    values = {"ended_by": staff_id, "ended_at": now, "outcome": outcome}
    db.execute(update(proposals).where(proposals.c.id == proposal.id).values(values))
