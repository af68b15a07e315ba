"""What calls said and staff did lately, read in the order in which it was written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from sqlalchemy import Connection, Integer, Select, bindparam, literal_column, select

from bot.dashboard.screens.board import Act, Board, LiveCalls, Said
from bot.dashboard.screens.wanted import ALL, Wanted
from bot.storage.prepared import Prepared
from bot.storage.schema import call_acts, contacts, staff, transcripts

# Only the newest hops are looked at, so that a busy hour slows no caller.
LOOKED_AT = 2000
# A call that staff took is theirs for as long as it may go on.
_ACTS_FOR = timedelta(hours=1)
# What is younger may have rows before it that another process has not committed yet.
SETTLED_MS = 5000


@dataclass(frozen=True, slots=True)
class Position:
    """How far somebody has read. `at_ms` tells that row `row` is still the one that was read."""

    row: int = 0
    at_ms: int = 0
    act: int = 0

    def __str__(self) -> str:
        return f"{self.row}-{self.at_ms}-{self.act}"


def position_of(text: str) -> Position | None:
    """The position written so, or None."""
    parts = text.split("-")
    plain = len(parts) == 3 and all(
        part.isascii() and part.isdecimal() and len(part) <= 18 for part in parts
    )
    return Position(*map(int, parts)) if plain else None


@dataclass(frozen=True, slots=True)
class News:
    """What came after a position. `known` is False when the row it names is gone."""

    said: list[Said]
    acts: list[Act]
    known: bool


def live_calls(
    db: Connection, now: datetime, ours: str = "", key: bytes = b"", wanted: Wanted = ALL
) -> LiveCalls:
    """The calls whose last screen waits for an answer; a second or so behind the callers."""
    now_ms = int(now.timestamp() * 1000)
    board = Board(ours, key)
    at = begin(db, board, now_ms)
    return replace(board.standing(now_ms, wanted), at=str(at))


def begin(db: Connection, board: Board, now_ms: int, settled_ms: int = 0) -> Position:
    """Put the newest hops on an empty board; how far it has read.

    Hops younger than `settled_ms` are left for the reading that goes on from there.
    """
    found = db.execute(_said().order_by(transcripts.c.id.desc()).limit(LOOKED_AT)).all()
    rows = [Said(*row) for row in reversed(found)]
    settled = rows
    if settled_ms:
        # Up to the first that is young: one before the place from which it goes on would be lost.
        settled = list(takewhile(lambda row: row.at_ms <= now_ms - settled_ms, rows))
    board.partly_before_ms = rows[0].at_ms if len(rows) == LOOKED_AT else 0
    if not settled and len(rows) == LOOKED_AT:
        # So much comes that all of it is young: to begin at the first row there is would replay
        # days of it.
        settled = rows[:1]
    board.take(settled)
    since = datetime.fromtimestamp(now_ms / 1000).astimezone() - _ACTS_FOR
    acts = _acts(db, since)
    board.take_acts(act for act, at_ms in acts if board.is_of_now(act, at_ms))
    act = acts[-1][0].id if acts else _newest_act(db)
    return Position(settled[-1].id, settled[-1].at_ms, act) if settled else Position(act=act)


def news_since(db: Connection, at: Position, most: int = LOOKED_AT) -> News:
    """What was written after `at`, in its order."""
    rows = [Said(*row) for row in _said_since.all(db, at.row, most + 1)]
    known = not at.row or (bool(rows) and (rows[0].id, rows[0].at_ms) == (at.row, at.at_ms))
    said = [row for row in rows if row.id > at.row]
    acts = [Act(*row) for row in _acts_since.all(db, at.act, LOOKED_AT)]
    return News(said, acts, known)


def is_known(db: Connection, at: Position) -> bool:
    """Whether the row that `at` names is still there."""
    row = select(transcripts.c.at_ms).where(transcripts.c.id == at.row)
    return not at.row or db.execute(row).scalar() == at.at_ms


def _said() -> Select[Any]:
    table = transcripts
    known = (contacts.c.msisdn == table.c.owner) & (table.c.owner != literal_column("''"))
    columns = ("id", "session_key", "hop", "owner", "place", "typed", "shown", "micros", "at_ms")
    chosen = [table.c[name] for name in (*columns, "ends", "language")]
    return select(*chosen, contacts.c.names).select_from(table).outerjoin(contacts, known)


def _acted() -> Select[Any]:
    table = call_acts
    columns = (
        table.c.id,
        table.c.session_key,
        table.c.act,
        staff.c.name,
        table.c.text,
        table.c.owner,
    )
    joined = select(*columns).join(staff, staff.c.id == table.c.staff_id)
    return joined.order_by(table.c.id)


# Several times a second while somebody looks on: to put them together costs more than to ask.
_most = bindparam("most", type_=Integer)
# SQLite wants one, which would be a value without a name.
_from_the_first: Any = literal_column("0")
_said_since = Prepared(
    _said()
    .where(transcripts.c.id >= bindparam("row"))
    .order_by(transcripts.c.id)
    .limit(_most)
    .offset(_from_the_first),
    "row",
    "most",
)
_acts_since = Prepared(
    _acted().where(call_acts.c.id > bindparam("act")).limit(_most).offset(_from_the_first),
    "act",
    "most",
)


def _acts(db: Connection, since: datetime) -> list[tuple[Act, float]]:
    """What was done since then, each with its moment in ms."""
    query = _acted().add_columns(call_acts.c.at).where(call_acts.c.at >= since).limit(LOOKED_AT)
    return [(Act(*row[:-1]), row[-1].timestamp() * 1000) for row in db.execute(query)]


def _newest_act(db: Connection) -> int:
    query = select(call_acts.c.id).order_by(call_acts.c.id.desc()).limit(1)
    return int(db.execute(query).scalar() or 0)
