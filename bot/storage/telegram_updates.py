"""Updates of Telegram: each kept once, one chat in order and in one hand at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.storage.one_at_a_time import one_at_a_time
from bot.storage.schema import telegram_updates as rows


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
        done = {"state": "ignored", "outcome": ignored[:160], "done_at": now}
        return _insert(db, update_id, chat_id, b"", now, **done) > 0, None
    first = False
    if hand is not None:
        # Two at once would each see nothing waiting.
        one_at_a_time(db, f"telegram chat {chat_id}")
        waits = select(rows.c.id).where(rows.c.state == "waiting", rows.c.chat_id == chat_id)
        first = db.execute(waits.limit(1)).first() is None
    taken: dict[str, Any] = {}
    if hand is not None and first:
        until = now + timedelta(seconds=hand.lease_s)
        taken = {"attempts": 1, "lease": hand.lease, "lease_until": until}
    row_id = _insert(db, update_id, chat_id, body, now, state="waiting", **taken)
    if not row_id or hand is None or not first:
        return row_id > 0, None
    return True, Held(row_id, update_id, chat_id, body, 1, hand.lease)


def keep_unprocessable(
    db: Connection, update_id: int | None, head: bytes, why: str, now: datetime
) -> None:
    """Keep what cannot be read, for people to look at; the same number once."""
    told = {"state": "unprocessable", "outcome": why[:160], "done_at": now}
    _insert(db, update_id, 0, head, now, **told)


def claim(db: Connection, hand: Hand, now: datetime, limit: int) -> list[Held]:
    """Take the first waiting update of up to `limit` chats of which nobody holds one."""
    one_at_a_time(db, "telegram updates")
    waiting = rows.c.state == "waiting"
    held = select(rows.c.chat_id).where(waiting, rows.c.lease_until > now)
    first = (
        select(func.min(rows.c.update_id).label("update_id"))
        .where(waiting, rows.c.chat_id.not_in(held))
        .group_by(rows.c.chat_id)
        .order_by(func.min(rows.c.update_id))
        .limit(limit)
    )
    found = db.execute(select(rows).where(rows.c.update_id.in_(first), waiting)).mappings().all()
    return [_take(db, row, hand, now) for row in sorted(found, key=lambda row: row["update_id"])]


def next_of(db: Connection, chat_id: int, hand: Hand, now: datetime) -> Held | None:
    """Take what waits next in a chat whose last update was ended in this transaction."""
    waiting = (rows.c.state == "waiting") & (rows.c.chat_id == chat_id)
    query = select(rows).where(waiting).order_by(rows.c.update_id).limit(1)
    row = db.execute(query).mappings().first()
    return None if row is None else _take(db, row, hand, now)


def applied(db: Connection, held: Held, outcome: str, shown_in: int | None, now: datetime) -> None:
    """It was applied, and nothing of what it said is kept. Raises `LeaseLost`."""
    told = {"outcome": outcome[:160], "shown_in": shown_in, "body": b""}
    _end(db, held, {"state": "applied", "done_at": now, **told})


def again(db: Connection, held: Held, why: str, due_at: datetime, *, counts: bool) -> None:
    """It could not be applied now; its chat waits with it until `due_at`. Raises `LeaseLost`."""
    attempts = held.attempts if counts else held.attempts - 1
    # Until then it counts as held, by nobody.
    told = {"outcome": why[:160], "attempts": attempts, "lease_until": due_at}
    _end(db, held, {**told, "lease": ""}, frees=False)


def park(db: Connection, held: Held, why: str, body: bytes, now: datetime) -> None:
    """It cannot be applied: its chat goes on without it. Raises `LeaseLost`."""
    _end(db, held, {"state": "parked", "outcome": why[:160], "body": body, "done_at": now})


def shown_in(db: Connection, chat_id: int) -> int:
    """The message that shows the chat's screen; 0 when it is a new one, or nobody knows."""
    query = select(rows.c.shown_in).where(rows.c.chat_id == chat_id, rows.c.shown_in.is_not(None))
    found: int | None = db.execute(query.order_by(rows.c.update_id.desc()).limit(1)).scalar()
    return found or 0


def waiting(db: Connection, now: datetime) -> tuple[float, int]:
    """For how many seconds the oldest update waits, and how many are parked."""
    oldest = select(func.min(rows.c.received_at)).where(rows.c.state == "waiting")
    since = db.execute(oldest).scalar()
    parked = select(func.count()).where(rows.c.state == "parked")
    late_s = (now - since).total_seconds() if since is not None else 0.0
    return late_s, db.execute(parked).scalar() or 0


def free_all(db: Connection) -> None:
    """Nobody else can hold anything: what a process that died had in hand waits no longer."""
    waiting = (rows.c.state == "waiting") & rows.c.lease_until.is_not(None)
    db.execute(update(rows).where(waiting).values(lease="", lease_until=None))


def _take(db: Connection, row: RowMapping, hand: Hand, now: datetime) -> Held:
    attempts, until = row["attempts"] + 1, now + timedelta(seconds=hand.lease_s)
    taken = {"attempts": attempts, "lease": hand.lease, "lease_until": until}
    db.execute(update(rows).where(rows.c.id == row["id"]).values(taken))
    given = row["update_id"], row["chat_id"], row["body"]
    return Held(row["id"], *given, attempts, hand.lease)


def _insert(
    db: Connection, update_id: int | None, chat_id: int, body: bytes, now: datetime, **more: Any
) -> int:
    """The new row's id, or 0 when this update was kept before."""
    row = {"update_id": update_id, "chat_id": chat_id, "body": body, "received_at": now, **more}
    insert = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
    fresh = insert(rows).values(row).on_conflict_do_nothing().returning(rows.c.id)
    return int(db.execute(fresh).scalar() or 0)


def _end(db: Connection, held: Held, values: dict[str, Any], *, frees: bool = True) -> None:
    mine = (rows.c.id == held.id) & (rows.c.lease == held.lease) & (rows.c.state == "waiting")
    freed = {"lease": "", "lease_until": None} if frees else {}
    if db.execute(update(rows).where(mine).values({**freed, **values})).rowcount != 1:
        raise LeaseLost
