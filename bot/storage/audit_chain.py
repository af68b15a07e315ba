"""The audit's chain: each line's digest holds the one before it, so that no line can go unseen.

Lines are sealed a little after they are written: to compute a digest with each would let only one
transaction at a time do anything that the audit tells of.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC
from functools import partial
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select

from bot.storage.one_at_a_time import one_at_a_time
from bot.storage.records import Records
from bot.storage.schema import audit, audit_seals

AT_ONCE = 500
# A line is numbered when it is written and seen when it is committed: so far may one come late.
_LATE = 10_000
_PAUSE_S = 0.005
_COLUMNS = ("id", "at", "actor", "action", "subject", "details", "ip", "session")


@dataclass(frozen=True, slots=True)
class Chain:
    """What a check came to. `wrong` is "", or what is wrong with line `bad_id`, the first such.

    `head` is the last digest: noted elsewhere, it also tells when the end was cut off.
    """

    lines: int
    head: str
    unsealed: int
    bad_id: int = 0
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class _Link:
    """How far a check has come."""

    seal_id: int = 0
    digest: str = ""
    lines: int = 0
    bad_id: int = 0
    wrong: str = ""
    over: bool = False


def seal(db: Connection) -> int:
    """Seal up to `AT_ONCE` lines that are not yet; returns how many. One seals at a time."""
    one_at_a_time(db, "audit seals")
    query = select(audit_seals.c.digest).order_by(audit_seals.c.id.desc()).limit(1)
    digest = str(db.execute(query).scalar() or "")
    newest = int(db.execute(select(func.max(audit_seals.c.audit_id))).scalar() or 0)
    rows = []
    for line in db.execute(_unsealed(newest - _LATE).limit(AT_ONCE)).mappings():
        digest = digest_of(digest, line)
        rows.append({"audit_id": line["id"], "digest": digest})
    if rows:
        db.execute(insert(audit_seals), rows)
    return len(rows)


def digest_of(before: str, line: RowMapping | dict[str, Any]) -> str:
    """The digest of a line of the audit after the one whose digest is `before`."""
    said = [line["id"], line["at"].astimezone(UTC).isoformat(timespec="microseconds")]
    said += [line[name] for name in ("actor", "action", "subject", "details")]
    # Lines of before it was kept have digests without it.
    origin = [line["ip"], line["session"]]
    said += origin if any(origin) else []
    text = json.dumps(said, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(f"{before}\n{text}".encode()).hexdigest()


async def check(records: Records) -> Chain:
    """Compute every digest anew, batch by batch; the first line that differs is named."""
    link = _Link()
    while not link.over:
        link = await records.read(partial(_further, link=link))
        # On SQLite a lot is read between hops: they have their turn before the next one.
        await asyncio.sleep(_PAUSE_S)
    waiting = await records.read(_count_unsealed)
    return Chain(link.lines, link.digest, waiting, link.bad_id, link.wrong)


class Patrol:
    """Walks along the chain lot by lot, again and again, while the server runs."""

    def __init__(self) -> None:
        self._link = _Link()

    def step(self, db: Connection) -> int:
        """One lot; the line that is wrong, 0 for none. It stays there until that line is right."""
        link = _further(db, self._link)
        ended = link.over and not link.wrong
        self._link = _Link() if ended else replace(link, bad_id=0, wrong="", over=False)
        return link.bad_id


def _further(db: Connection, link: _Link) -> _Link:
    lines = [audit.c[name] for name in _COLUMNS]
    query = (
        select(audit_seals.c.id.label("seal_id"), audit_seals.c.audit_id, audit_seals.c.digest)
        .add_columns(*lines)
        .outerjoin(audit, audit.c.id == audit_seals.c.audit_id)
        .where(audit_seals.c.id > link.seal_id)
        .order_by(audit_seals.c.id)
        .limit(AT_ONCE)
    )
    digest, count, last = link.digest, link.lines, link.seal_id
    rows = db.execute(query).mappings().all()
    for row in rows:
        wrong = ""
        if row["id"] is None:
            wrong = "removed"
        elif digest_of(digest, row) != row["digest"]:
            wrong = "changed"
        if wrong:
            return _Link(last, digest, count, row["audit_id"], wrong, over=True)
        digest, count, last = row["digest"], count + 1, row["seal_id"]
    return _Link(last, digest, count, over=len(rows) < AT_ONCE)


def _unsealed(after: int) -> Any:
    return (
        select(*(audit.c[name] for name in _COLUMNS))
        .outerjoin(audit_seals, audit_seals.c.audit_id == audit.c.id)
        .where(audit_seals.c.id.is_(None), audit.c.id > after)
        .order_by(audit.c.id)
    )


def _count_unsealed(db: Connection) -> int:
    newest = int(db.execute(select(func.max(audit_seals.c.audit_id))).scalar() or 0)
    waiting = _unsealed(newest - _LATE).with_only_columns(func.count()).order_by(None)
    return int(db.execute(waiting).scalar() or 0)
