"""Who looks after an alert, and how often it was raised before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from bot.kept_text import kept_text
from bot.storage.schema import audit
from bot.storage.schema import staff_alerts as rows

WHY_MAX = 160


@dataclass(frozen=True, slots=True)
class Tally:
    """How often the same was raised, and when for the first time, of what is kept."""

    times: int
    first_at: datetime


def own(db: Connection, alert_id: int, by: str, why: str, now: datetime) -> bool:
    """Look after an alert; False when somebody does already, or it is over."""
    said = kept_text(why, WHY_MAX)
    mine = (rows.c.id == alert_id) & (rows.c.state == "raised") & (rows.c.owner == "")
    values = {"owner": by[:40], "owner_why": said, "owned_at": now}
    if not db.execute(update(rows).where(mine).values(values)).rowcount:
        return False
    _note(db, by, "alert taken", alert_id, now, why=said)
    return True


def let_go(db: Connection, alert_id: int, by: str, now: datetime) -> bool:
    """Look after it no more; False when it is somebody else's."""
    mine = (rows.c.id == alert_id) & (rows.c.state == "raised") & (rows.c.owner == by[:40])
    values: dict[str, Any] = {"owner": "", "owner_why": "", "owned_at": None}
    if not db.execute(update(rows).where(mine).values(values)).rowcount:
        return False
    _note(db, by, "alert let go", alert_id, now)
    return True


def tallies(db: Connection) -> dict[tuple[str, str], Tally]:
    """By rule and what it is about."""
    first = func.min(rows.c.first_seen_at)
    query = select(rows.c.rule, rows.c.about, func.count(), first).where(rows.c.state != "pending")
    found = db.execute(query.group_by(rows.c.rule, rows.c.about))
    return {(row[0], row[1]): Tally(row[2], row[3]) for row in found}


def _note(
    db: Connection, by: str, action: str, alert_id: int, now: datetime, **details: str
) -> None:
    line = {"at": now, "actor": by[:40], "action": action, "subject": f"alert {alert_id}"}
    db.execute(insert(audit).values(**line, details=details))
