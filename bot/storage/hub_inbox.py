"""Events of the marketplace's hub: each kept once, applied once, in order of its order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from sqlalchemy import Connection, bindparam, func, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.storage.prepared import Prepared
from bot.storage.schema import hub_events as rows
from bot.storage.set_back import CLOCKS_APART, has_come

_NEW = (
    *("source", "event_id", "type", "lane", "body", "digest", "state", "due_at", "received_at"),
)
_BACK = rows.c.id, rows.c.source, rows.c.event_id
_new = {
    "sqlite": Prepared(sqlite.insert(rows).on_conflict_do_nothing().returning(*_BACK), *_NEW),
    "postgresql": Prepared(
        postgresql.insert(rows).on_conflict_do_nothing().returning(*_BACK), *_NEW
    ),
}
_known = Prepared(
    select(rows.c.digest).where(
        rows.c.source == bindparam("source"), rows.c.event_id == bindparam("event_id")
    ),
    *("source", "event_id"),
)
_in_lane = Prepared(
    select(rows.c.id).where(
        rows.c.state == bindparam("state"),
        rows.c.lane == bindparam("lane"),
        rows.c.type == bindparam("type"),
    ),
    *("state", "lane", "type"),
)
_is_due = Prepared(
    select(rows.c.id)
    .where(
        rows.c.state == bindparam("state"),
        (rows.c.due_at <= bindparam("now")) | (rows.c.due_at > bindparam("latest")),
    )
    .limit(literal_column("1"))
    .offset(literal_column("0")),
    *("state", "now", "latest"),
)
_ended = Prepared(
    update(rows)
    .where(rows.c.id == bindparam("the_id"))
    .values(
        state=bindparam("new_state", type_=rows.c.state.type),
        outcome=bindparam("new_outcome", type_=rows.c.outcome.type),
        done_at=bindparam("now", type_=rows.c.done_at.type),
        body=bindparam("nothing", type_=rows.c.body.type),
        said_at=bindparam("shops_moment", type_=rows.c.said_at.type),
    )
    .returning(rows.c.id),
    *("the_id", "new_state", "new_outcome", "now", "nothing", "shops_moment"),
)
_FAILURES_MAX = 5
# No event that failed waits longer than this.
_LONGEST = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Arrived:
    """One event as it came: from whom, under which id, of which type, in which lane."""

    source: str
    event_id: str
    type: str
    lane: str
    body: bytes

    @property
    def digest(self) -> bytes:
        """By which it is known again."""
        return blake2b(self.body, digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Kept:
    """An event that waits to be applied."""

    id: int
    source: str
    type: str
    body: bytes
    attempts: int


def keep(
    db: Connection, lot: Sequence[tuple[Arrived, bool]], now: datetime
) -> set[tuple[str, str]]:
    """Keep each of `lot`, in order, with whether it is ignored; those that were not kept before.

    By their source and id; of two with the same the first is kept.
    """
    new = _new[db.dialect.name].many(db, [_row(*one, now) for one in lot])
    return {(source, event_id) for _id, source, event_id in new}


def park(db: Connection, arrived: Arrived, why: str, now: datetime) -> bool:
    """Keep what cannot be applied for people to look at; False when it was kept before."""
    of = arrived.source, arrived.event_id, arrived.type, arrived.lane, arrived.body, arrived.digest
    row = _new[db.dialect.name].one(db, *of, "parked", now, now)
    if row is None:
        return False
    db.execute(update(rows).where(rows.c.id == row[0]).values(outcome=why[:160], done_at=now))
    return True


def same_as_before(db: Connection, arrived: Arrived) -> bool:
    """Whether what was kept under this id says the same."""
    row = _known.one(db, arrived.source, arrived.event_id)
    return row is not None and bytes(row[0]) == arrived.digest


def not_kept(db: Connection, source: str, event_ids: list[str]) -> set[str]:
    """Those of `event_ids` that were never kept."""
    known = select(rows.c.event_id).where(rows.c.source == source, rows.c.event_id.in_(event_ids))
    return set(event_ids) - set(db.execute(known).scalars())


def turned(db: Connection, source: str, event_ids: list[str]) -> set[str]:
    """Those of `event_ids` after which something else was said of the same order."""
    later = rows.alias()
    query = (
        select(rows.c.event_id)
        .join(later, (later.c.lane == rows.c.lane) & (later.c.id > rows.c.id))
        .where(rows.c.source == source, rows.c.event_id.in_(event_ids))
        .where(later.c.source == source, later.c.type != rows.c.type)
        # All that count; the index begins with the state.
        .where(later.c.state.in_(("waiting", "applied", "refused", "parked")))
    )
    return set(db.execute(query).scalars())


def is_due(db: Connection, now: datetime) -> bool:
    """Whether any event waits whose time has come; what failed before it may still hold it up."""
    return _is_due.one(db, "waiting", now, now + _LONGEST + CLOCKS_APART) is not None


def next_ones(db: Connection, now: datetime, limit: int) -> list[Kept]:
    """The first waiting event of up to `limit` lanes, held until this transaction ends.

    What failed keeps its lane waiting until it is due again.
    """
    waiting = rows.c.state == "waiting"
    first = select(func.min(rows.c.id).label("id")).where(waiting).group_by(rows.c.lane).subquery()
    # Lanes whose first event is not due yet take no place from the others.
    due = select(rows.c.id).join(first, first.c.id == rows.c.id)
    due = due.where(has_come(rows.c.due_at, now, _LONGEST))
    ids = list(db.execute(due.order_by(rows.c.id).limit(limit)).scalars())
    query = (
        select(rows.c.id, rows.c.source, rows.c.type, rows.c.body, rows.c.attempts)
        .where(rows.c.id.in_(ids), waiting)
        .order_by(rows.c.id)
        .with_for_update(skip_locked=True)
    )
    return [Kept(*row) for row in db.execute(query).all()]


def hold(db: Connection, event_id: int) -> bool:
    """Whether an event still waits; if so it is nobody else's until this transaction ends."""
    same = (rows.c.id == event_id) & (rows.c.state == "waiting")
    return db.execute(select(rows.c.id).where(same).with_for_update()).first() is not None


def ended(
    db: Connection,
    event_id: int,
    state: str,
    outcome: str,
    now: datetime,
    said_at: datetime | None = None,
) -> None:
    """Note what came of it, `applied`, or `refused` and why; what it said is not kept.

    `said_at` is the moment it names itself, where what comes later is compared with it.
    """
    _ended.one(db, event_id, state, outcome[:160], now, b"", said_at)


def set_aside(db: Connection, event_id: int, why: str, now: datetime) -> None:
    """Park an event with what it said: people mend what is in its way and let it be tried again."""
    values = {"state": "parked", "outcome": why[:160], "done_at": now}
    db.execute(update(rows).where(rows.c.id == event_id).values(values))


def failed(db: Connection, event: Kept, why: str, due_at: datetime, now: datetime) -> bool:
    """Our own fault: it comes again at `due_at`, or is parked for people. True when parked."""
    parked = event.attempts + 1 >= _FAILURES_MAX
    values = {
        "state": "parked" if parked else "waiting",
        "outcome": why[:160],
        "attempts": event.attempts + 1,
        "due_at": due_at,
        "done_at": now if parked else None,
    }
    db.execute(update(rows).where(rows.c.id == event.id).values(values))
    return parked


def _row(arrived: Arrived, ignored: bool, now: datetime) -> tuple[object, ...]:
    state = "ignored" if ignored else "waiting"
    body = b"" if ignored else arrived.body
    of = arrived.source, arrived.event_id, arrived.type, arrived.lane, body, arrived.digest
    return *of, state, now, now


def lane(source: str, about: str) -> str:
    """Where all stays in order that one source says of one thing."""
    return f"{source}:{about}"[:80]


def is_called_off(db: Connection, lane: str) -> bool:
    """Whether the order of this lane was cancelled, and its source has not said since it stands."""
    gone_at = last_said(db, lane, "order.cancelled", or_came=True)
    stood_at = last_said(db, lane, "order.created")
    return gone_at is not None and (stood_at is None or stood_at <= gone_at)


def was_said(db: Connection, lane: str, kind: str) -> bool:
    """Whether an event of this type was ended in this lane before, with effect or without."""
    return any(_in_lane.one(db, state, lane, kind) for state in ("applied", "refused"))


def last_said(db: Connection, lane: str, kind: str, *, or_came: bool = False) -> datetime | None:
    """Of which moment the newest event of this type is that was ended in this lane.

    By the sender's clock: it may come late. One that names no moment counts from when it came
    where `or_came` says so, and else not.
    """
    mine = rows.c.state.in_(("applied", "refused")), rows.c.lane == lane, rows.c.type == kind
    moment = func.coalesce(rows.c.said_at, rows.c.received_at) if or_came else rows.c.said_at
    found: datetime | None = db.execute(select(func.max(moment)).where(*mine)).scalar()
    return found


def parked_as(db: Connection, event_id: str) -> list[Kept]:
    """What is parked under the sender's id, locked; of more than one where sources share it."""
    query = (
        select(rows.c.id, rows.c.source, rows.c.type, rows.c.body, rows.c.attempts)
        .where(rows.c.event_id == event_id, rows.c.state == "parked")
        .order_by(rows.c.id)
        .with_for_update()
    )
    return [Kept(*row) for row in db.execute(query).all()]


def unpark(db: Connection, now: datetime) -> int:
    """Let every parked event be tried again; returns how many."""
    again = {"state": "waiting", "attempts": 0, "due_at": now, "done_at": None}
    return db.execute(update(rows).where(rows.c.state == "parked").values(again)).rowcount
