"""Updates of Telegram: each kept once, one chat in order and in one hand at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, func, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.storage.one_at_a_time import one_at_a_time
from bot.storage.prepared import Prepared, PreparedRow, Row
from bot.storage.schema import telegram_updates as rows
from bot.storage.schema.telegram_updates import PARKED, WAITING

_waiting = Prepared(
    select(rows.c.id).where(WAITING, rows.c.chat_id == bindparam("the_chat")), "the_chat"
)
_NEW = (
    "update_id", "chat_id", "body", "state", "outcome", "attempts", "lease", "lease_until",
    "received_at", "done_at",
)  # fmt: skip
_new = {
    "sqlite": PreparedRow(sqlite.insert(rows).on_conflict_do_nothing(), *_NEW),
    "postgresql": PreparedRow(postgresql.insert(rows).on_conflict_do_nothing(), *_NEW),
}
_ENDED = ("state", "outcome", "shown_in", "body", "lease", "lease_until", "done_at")
_end = PreparedRow(
    update(rows)
    .where(rows.c.id == bindparam("the_id"), rows.c.lease == bindparam("the_lease"))
    .where(WAITING)
    .values({name: bindparam(f"new_{name}", type_=rows.c[name].type) for name in _ENDED}),
    *("the_id", "the_lease", *(f"new_{name}" for name in _ENDED)),
)
_HELD = (
    rows.c.id, rows.c.update_id, rows.c.chat_id, rows.c.body, rows.c.attempts, rows.c.lease,
)  # fmt: skip
_take = (
    update(rows)
    .values(
        attempts=rows.c.attempts + literal_column("1"),
        lease=bindparam("new_lease", type_=rows.c.lease.type),
        lease_until=bindparam("new_until", type_=rows.c.lease_until.type),
    )
    .returning(*_HELD)
)
_take_it = Prepared(
    _take.where(rows.c.id == bindparam("the_id")), "the_id", "new_lease", "new_until"
)
_first_waiting = (
    select(func.min(rows.c.update_id))
    .where(WAITING, rows.c.chat_id == bindparam("the_chat"))
    .scalar_subquery()
)
_take_next = Prepared(
    _take.where(rows.c.update_id == _first_waiting), "the_chat", "new_lease", "new_until"
)


class LeaseLost(Exception):
    """The update is in another hand meanwhile: nothing of this one counts."""


@dataclass(frozen=True, slots=True)
class Held:
    """An update in hand; `lease` proves that it is ours, `attempts` counts this one too."""

    id: int
    update_id: int
    chat_id: int
    body: bytes
    attempts: int
    lease: str


@dataclass(frozen=True, slots=True)
class Hand:
    """In whose hand updates are taken, and for how long."""

    lease: str
    lease_s: float


def keep(
    db: Connection,
    update_id: int,
    chat_id: int,
    body: bytes,
    now: datetime,
    hand: Hand | None = None,
    ignored: str = "",
) -> tuple[bool, Held | None]:
    """Keep an update: whether it is new, and the update itself where it can be applied at once.

    That is when `hand` has room and nothing of its chat waits. `ignored` names a type that nobody
    waits for: of that only the number is kept.
    """
    if ignored:
        row_id = _insert(
            db, update_id, chat_id, b"", "ignored", ignored[:160], 0, "", None, now, now
        )
        return row_id > 0, None
    first = False
    if hand is not None:
        # Two at once would each see nothing waiting.
        one_at_a_time(db, f"telegram chat {chat_id}")
        first = _waiting.one(db, chat_id) is None
    if hand is None or not first:
        row_id = _insert(db, update_id, chat_id, body, "waiting", "", 0, "", None, now, None)
        return row_id > 0, None
    until = now + timedelta(seconds=hand.lease_s)
    row_id = _insert(db, update_id, chat_id, body, "waiting", "", 1, hand.lease, until, now, None)
    held = Held(row_id, update_id, chat_id, body, 1, hand.lease)
    return row_id > 0, held if row_id else None


def keep_unprocessable(
    db: Connection, update_id: int | None, head: bytes, why: str, now: datetime
) -> None:
    """Keep what cannot be read, for people to look at; the same number once."""
    _insert(db, update_id, 0, head, "unprocessable", why[:160], 0, "", None, now, now)


def claim(db: Connection, hand: Hand, now: datetime, limit: int) -> list[Held]:
    """Take the first waiting update of up to `limit` chats of which nobody holds one."""
    one_at_a_time(db, "telegram updates")
    held = select(rows.c.chat_id).where(WAITING, rows.c.lease_until > now)
    first = (
        select(func.min(rows.c.update_id).label("update_id"))
        .where(WAITING, rows.c.chat_id.not_in(held))
        .group_by(rows.c.chat_id)
        .order_by(func.min(rows.c.update_id))
        .limit(limit)
    )
    query = select(rows.c.id).where(rows.c.update_id.in_(first), WAITING).order_by(rows.c.update_id)
    ids = db.execute(query).scalars().all()
    return [taken for one in ids if (taken := _in_hand(_take_it.one(db, one, *_until(hand, now))))]


def next_of(db: Connection, chat_id: int, hand: Hand, now: datetime) -> Held | None:
    """Take what waits next in a chat whose last update was ended in this transaction."""
    return _in_hand(_take_next.one(db, chat_id, *_until(hand, now)))


def applied(db: Connection, held: Held, outcome: str, shown_in: int | None, now: datetime) -> None:
    """It was applied, and nothing of what it said is kept. Raises `LeaseLost`."""
    _ended(db, held, "applied", outcome, shown_in, b"", None, now)


def again(db: Connection, held: Held, why: str, due_at: datetime) -> None:
    """It could not be applied now; its chat waits with it until `due_at`. Raises `LeaseLost`."""
    # Until then it counts as held, by nobody.
    _ended(db, held, "waiting", why, None, held.body, due_at, None)


def give_back(db: Connection, several: Sequence[Held], due_at: datetime) -> None:
    """They could not be tried: each waits until `due_at` as if it had not been taken.

    One that is in another hand meanwhile stays there, with the try given back all the same.
    """
    waits = WAITING & (rows.c.attempts > 0)
    for held in sorted(several, key=lambda one: one.id):
        same = rows.c.id == held.id
        db.execute(update(rows).where(same, waits).values(attempts=rows.c.attempts - 1))
        ours = same & (rows.c.lease == held.lease)
        db.execute(update(rows).where(ours, WAITING).values(lease="", lease_until=due_at))


def attempts_of(db: Connection, held: Held) -> int:
    """How often it was tried, this time too; tries may have been given back since it was taken."""
    found = db.execute(select(rows.c.attempts).where(rows.c.id == held.id)).scalar()
    return held.attempts if found is None else int(found)


def park(db: Connection, held: Held, why: str, body: bytes, now: datetime) -> None:
    """It cannot be applied: its chat goes on without it. Raises `LeaseLost`."""
    _ended(db, held, "parked", why, None, body, None, now)


@dataclass(frozen=True, slots=True)
class Parked:
    """An update that could not be applied, and why; what was typed is not kept."""

    update_id: int
    chat_id: int
    why: str
    received_at: datetime


def parked(db: Connection, limit: int) -> list[Parked]:
    """Updates that are parked, the oldest first."""
    told = rows.c.update_id, rows.c.chat_id, rows.c.outcome, rows.c.received_at
    query = select(*told).where(PARKED).order_by(rows.c.id).limit(limit)
    return [Parked(*row) for row in db.execute(query).all()]


def replay(db: Connection, update_id: int) -> bool:
    """Let a parked update be applied again, as if it had just come; False when none has the number.

    What it did before under its number counts once.
    """
    mine = (rows.c.update_id == update_id) & PARKED
    again = {"state": "waiting", "outcome": "", "attempts": 0, "lease": "", "lease_until": None}
    return db.execute(update(rows).where(mine).values(**again, done_at=None)).rowcount == 1


def shown_in(db: Connection, chat_id: int) -> int:
    """The message that shows the chat's screen; 0 when it is a new one, or nobody knows."""
    query = select(rows.c.shown_in).where(rows.c.chat_id == chat_id, rows.c.shown_in.is_not(None))
    found: int | None = db.execute(query.order_by(rows.c.update_id.desc()).limit(1)).scalar()
    return found or 0


def waiting(db: Connection, now: datetime) -> tuple[float, int]:
    """For how many seconds the oldest update waits, and how many are parked."""
    oldest = select(func.min(rows.c.received_at)).where(WAITING)
    since = db.execute(oldest).scalar()
    parked = select(func.count(rows.c.id)).where(PARKED)
    late_s = (now - since).total_seconds() if since is not None else 0.0
    return late_s, db.execute(parked).scalar() or 0


def forget_before(db: Connection, moment: datetime, limit: int) -> int:
    """Drop at most `limit` rows older than `moment` that wait no more; returns how many.

    Rows come in the order of their time, so only the first ones are looked at: no index is needed.
    """
    first = select(rows.c.id, rows.c.received_at).order_by(rows.c.id).limit(limit).subquery()
    old = select(first.c.id).where(first.c.received_at < moment)
    gone = rows.c.id.in_(old) & (rows.c.state != "waiting")
    return db.execute(delete(rows).where(gone)).rowcount


def free_all(db: Connection) -> None:
    """Nobody else can hold anything: what a process that died had in hand waits no longer."""
    held = rows.c.lease_until.is_not(None)
    db.execute(update(rows).where(WAITING, held).values(lease="", lease_until=None))


def _until(hand: Hand, now: datetime) -> tuple[str, datetime]:
    return hand.lease, now + timedelta(seconds=hand.lease_s)


def _in_hand(row: Row | None) -> Held | None:
    if row is None:
        return None
    row_id, update_id, chat_id, body, attempts, lease = row
    return Held(row_id, update_id, chat_id, bytes(body), attempts, lease)


def _insert(db: Connection, *values: object) -> int:
    """The new row's id, or 0 when this update was kept before."""
    return _new[db.dialect.name].id_of(db, *values)


def _ended(
    db: Connection,
    held: Held,
    state: str,
    outcome: str,
    shown_in: int | None,
    body: bytes,
    free_at: datetime | None,
    done_at: datetime | None,
) -> None:
    said = state, outcome[:160], shown_in, body, "", free_at, done_at
    if not _end.has_written(db, held.id, held.lease, *said):
        raise LeaseLost
