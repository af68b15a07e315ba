"""Calls under way, read from what calls said: the same from every process, nothing on the hop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, select

from bot.dashboard.screens.place_words import is_about_money
from bot.masking import without_numbers
from bot.msisdn import masked
from bot.storage.schema import contacts, transcripts

# Networks close a silent USSD session within three minutes.
SILENT_MAX_S = 180
# Only the newest hops are looked at, so that a busy hour slows no caller.
LOOKED_AT = 2000
_SHOWN_MAX = 60
_STUCK_S, _SLOW_MICROS, _AGAIN = 60, 1_000_000, 3


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call as it stands. `number` is masked, "" for who has not agreed to be known."""

    id: int
    number: str
    name: str
    place: str
    language: str
    shown: str
    typed: str
    hops: int
    silent_s: float
    risks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LiveCalls:
    """The calls under way, those at risk first. `partly`: more hops came than are looked at."""

    calls: list[LiveCall]
    count: int
    at_risk: int
    hops_a_minute: int
    partly: bool


def live_calls(db: Connection, now: datetime, ours: str = "") -> LiveCalls:
    """The calls whose last screen waits for an answer; a second or two behind the callers."""
    now_ms = int(now.timestamp() * 1000)
    rows = db.execute(_last_rows(now_ms)).mappings().all()
    table = transcripts
    newest = select(table.c.id, table.c.at_ms).order_by(table.c.id.desc()).limit(LOOKED_AT)
    recent = newest.subquery()
    minute = select(func.count()).where(recent.c.at_ms >= now_ms - 60_000)
    hops_a_minute = db.execute(minute).scalar() or 0
    # A phone is in one call at a time: who dialled anew has left the call before.
    newest_of = {row["owner"] or row["session_key"]: row["id"] for row in rows}
    there = [row for row in rows if newest_of[row["owner"] or row["session_key"]] == row["id"]]
    live = [row for row in there if not row["ends"]]
    live.sort(key=lambda row: (-len(_risks(row, now_ms)), -row["at_ms"]))
    calls = [_call(row, now_ms, ours) for row in live[:_SHOWN_MAX]]
    at_risk = sum(1 for row in live if _risks(row, now_ms))
    return LiveCalls(calls, len(live), at_risk, hops_a_minute, hops_a_minute >= LOOKED_AT)


def _last_rows(now_ms: int) -> Select[Any]:
    """The last hop of each call of late, with how it got there and whose it is."""
    table = transcripts
    # No screens here: only those of the last hops are carried along.
    thin = (table.c.id, table.c.session_key, table.c.place, table.c.micros, table.c.at_ms)
    recent = select(*thin).order_by(table.c.id.desc()).limit(LOOKED_AT).subquery()
    last = (
        select(
            recent.c.session_key,
            func.max(recent.c.id).label("id"),
            func.max(recent.c.micros).label("slowest"),
        )
        .where(recent.c.at_ms >= now_ms - SILENT_MAX_S * 1000)
        .group_by(recent.c.session_key)
        .subquery()
    )
    same = (
        select(recent.c.session_key, recent.c.place, func.count().label("times"))
        .group_by(recent.c.session_key, recent.c.place)
        .subquery()
    )
    there = and_(same.c.session_key == table.c.session_key, same.c.place == table.c.place)
    known = and_(contacts.c.msisdn == table.c.owner, table.c.owner != "")
    return (
        select(table, last.c.slowest, same.c.times, contacts.c.names)
        .join(last, last.c.id == table.c.id)
        .join(same, there)
        .outerjoin(contacts, known)
        .order_by(table.c.id)
    )


def _call(row: Any, now_ms: int, ours: str) -> LiveCall:
    return LiveCall(
        id=row["id"],
        number=masked(row["owner"]) if row["owner"] else "",
        name=row["names"] or "",
        place=row["place"],
        language=row["language"],
        shown=without_numbers(row["shown"], ours),
        typed=without_numbers(row["typed"], ours),
        hops=row["hop"],
        silent_s=max(0.0, (now_ms - row["at_ms"]) / 1000),
        risks=_risks(row, now_ms),
    )


def _risks(row: Any, now_ms: int) -> tuple[str, ...]:
    found = []
    if row["times"] >= _AGAIN:
        found.append("again")
    if now_ms - row["at_ms"] > _STUCK_S * 1000:
        found.append("silent")
    if row["slowest"] > _SLOW_MICROS:
        found.append("slow")
    if found and is_about_money(row["place"]):
        found.append("money")
    return tuple(found)
