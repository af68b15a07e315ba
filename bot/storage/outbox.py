"""News waiting to leave: written with its cause, taken by lease, sent at least once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    bindparam,
    case,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from bot.storage.prepared import Prepared, PreparedRow
from bot.storage.schema import outbox
from bot.storage.schema.delivery import HAS_VIA
from bot.storage.set_back import has_come, is_ahead


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One piece of news in hand; `lease` proves that it is ours to send."""

    id: int
    kind: str
    dedupe_key: str
    payload: dict[str, Any]
    attempts: int
    lease: str
    via: str = ""


# So many rows are looked through for a lot of those that staff send again.
_LOOKED_AT = 5_000
# No letter that was tried waits longer for the next try, by its kind.
_TRY_LONGEST = {
    **dict.fromkeys(("payout", "collection", "refund", "sms"), timedelta(hours=1)),
    **dict.fromkeys(("telegram", "webhook"), timedelta(hours=13)),
}
_NEW = (
    *("kind", "dedupe_key", "payload", "contact_id", "msisdn", "lane", "via"),
    *("due_at", "written_at"),
)
_new = {
    "sqlite": PreparedRow(sqlite.insert(outbox).on_conflict_do_nothing(), *_NEW),
    "postgresql": PreparedRow(postgresql.insert(outbox).on_conflict_do_nothing(), *_NEW),
}
_WAITING = outbox.c.state == literal_column("'waiting'")
# Asked before anything is taken: mostly nothing waits, and to take is a hundred times as dear.
_is_due = Prepared(
    select(outbox.c.id)
    .where(outbox.c.kind == bindparam("kind"), _WAITING, outbox.c.due_at <= bindparam("now"))
    # In order: else PostgreSQL takes it that any row will do, and looks through all for none.
    .order_by(outbox.c.due_at)
    .limit(literal_column("1"))
    .offset(literal_column("0")),
    *("kind", "now"),
)


def put(
    db: Connection,
    kind: str,
    dedupe_key: str,
    payload: dict[str, Any],
    now: datetime,
    due_at: datetime | None = None,
    via: str = "",
    lane: str = "",
) -> bool:
    """Write news in this transaction. False when news with this key is there already.

    `via` is the operator through which money leaves, or the subscription of a webhook. What goes to
    one chat leaves in order, as does what shares a `lane`.
    """
    lane = lane or str(payload.get("chat_id", ""))
    # About whom it is, where it goes to a number of theirs that others may have by now.
    contact_id = payload.get("contact_id") or payload.get("about_contact")
    to = contact_id, payload.get("msisdn"), lane
    row = kind, dedupe_key, payload, *to, via, due_at or now, now
    return _new[db.dialect.name].has_written(db, *row)


def claim(
    db: Connection,
    lease: str,
    now: datetime,
    lease_s: float,
    limit: int,
    kinds: tuple[str, ...],
    not_via: tuple[str, ...] = (),
) -> list[OutboxRow]:
    """Take up to `limit` pieces of each of `kinds` that are due, for `lease_s`; others pass over.

    What would leave through an operator of `not_via` stays.
    """
    taken: list[OutboxRow] = []
    for kind in kinds:
        # One by one, and not all together: each has its own part of the index, in order.
        if is_due(db, kind, now, not_via):
            due = (outbox.c.kind == kind) & (outbox.c.due_at <= now)
            due &= outbox.c.via.not_in(not_via)
            order = outbox.c.due_at, outbox.c.id
            taken += _take(db, due, order, lease, now, lease_s, limit)
    return taken


def is_due(db: Connection, kind: str, now: datetime, not_via: tuple[str, ...] = ()) -> bool:
    """Whether anything of this kind waits to leave, in somebody's hands or not."""
    if not not_via:
        return _is_due.one(db, kind, now) is not None
    due = (outbox.c.state == "waiting") & (outbox.c.kind == kind) & (outbox.c.due_at <= now)
    query = select(outbox.c.id).where(due, outbox.c.via.not_in(not_via)).order_by(outbox.c.due_at)
    return db.execute(query.limit(1)).first() is not None


def is_due_via(db: Connection, via: tuple[str, ...], now: datetime) -> bool:
    """Whether anything waits to leave through one of `via`, in somebody's hands or not."""
    if not via:
        return False
    due = HAS_VIA & outbox.c.via.in_(via) & (outbox.c.state == "waiting") & (outbox.c.due_at <= now)
    return db.execute(select(outbox.c.id).where(due).limit(1)).first() is not None


def claim_in_turn(
    db: Connection,
    kind: str,
    lease: str,
    now: datetime,
    lease_s: float,
    limit: int,
    via: tuple[str, ...] | None = None,
) -> list[OutboxRow]:
    """Take what is next in its lane, of up to `limit` lanes, for `lease_s`; all, or only of `via`.

    What was tried and came back keeps its lane waiting; what is only to leave later does not.
    """
    if not (is_due(db, kind, now) if via is None else is_due_via(db, via, now)):
        return []
    waiting = (outbox.c.kind == kind) & (outbox.c.state == "waiting")
    if via is not None:
        waiting &= HAS_VIA & outbox.c.via.in_(via)
    stands = waiting & ((outbox.c.due_at <= now) | (outbox.c.last_error != ""))
    first, held = func.min(outbox.c.id), func.max(outbox.c.lease_until)
    query = (
        select(first)
        .where(stands)
        .group_by(outbox.c.lane)
        # Nothing in the lane came back for later, or is in somebody's hands.
        .having((func.max(outbox.c.due_at) <= now) & _is_free(held, now, lease_s))
        .order_by(func.min(outbox.c.due_at), first)
        .limit(limit)
    )
    # Apart, and not as a part of the next: a database that knows its table badly joins them badly.
    next_ones = list(db.execute(query).scalars())
    due = waiting & (outbox.c.due_at <= now) & outbox.c.id.in_(next_ones)
    return _take(db, due, (outbox.c.due_at, outbox.c.id), lease, now, lease_s, limit)


def claim_via(
    db: Connection, via: str, lease: str, now: datetime, lease_s: float, limit: int, early: datetime
) -> list[OutboxRow]:
    """Take up to `limit` of what was held back from this operator, the oldest first.

    What was tried and came back is not waited for when it is due by `early`.
    """
    return _take(db, _held(via, now, early), (outbox.c.id,), lease, now, lease_s, limit)


def held(db: Connection, via: str, now: datetime, early: datetime) -> bool:
    """Whether anything is there that `claim_via` takes, or that is in somebody's hands now."""
    query = select(outbox.c.id).where(outbox.c.state == "waiting", _held(via, now, early))
    return db.execute(query.limit(1)).first() is not None


def _is_free(lease_until: ColumnElement[Any], now: datetime, lease_s: float) -> ColumnElement[bool]:
    """Whether a lease has run out."""
    return lease_until.is_(None) | has_come(lease_until, now, timedelta(seconds=lease_s))


def _held(via: str, now: datetime, early: datetime) -> ColumnElement[bool]:
    # A new one keeps its own moment.
    came_back = (outbox.c.last_error != "") & (outbox.c.due_at <= early)
    return HAS_VIA & (outbox.c.via == via) & ((outbox.c.due_at <= now) | came_back)


def _take(
    db: Connection,
    which: ColumnElement[bool],
    order: tuple[Column[Any], ...],
    lease: str,
    now: datetime,
    lease_s: float,
    limit: int,
) -> list[OutboxRow]:
    query = (
        select(outbox)
        .where(outbox.c.state == "waiting", which)
        .where(_is_free(outbox.c.lease_until, now, lease_s))
        .order_by(*order)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = db.execute(query).mappings().all()
    if rows:
        until = now + timedelta(seconds=lease_s)
        mine = outbox.c.id.in_([row["id"] for row in rows])
        taken = {"lease": lease, "lease_until": until, "attempts": outbox.c.attempts + 1}
        db.execute(update(outbox).where(mine).values(taken))
    return [
        OutboxRow(
            row["id"],
            row["kind"],
            row["dedupe_key"],
            row["payload"],
            row["attempts"] + 1,
            lease,
            row["via"],
        )
        for row in rows
    ]


def hold(db: Connection, row: OutboxRow, until: datetime) -> bool:
    """Keep it in hand until then. False when the lease was lost to another sender meanwhile."""
    mine = (outbox.c.id == row.id) & (outbox.c.lease == row.lease) & (outbox.c.state == "waiting")
    return db.execute(update(outbox).where(mine).values(lease_until=until)).rowcount == 1


def done(db: Connection, row: OutboxRow, now: datetime, note: str = "") -> bool:
    """It has left, or `note` says why nobody wants it any more.

    False when the lease was lost to another sender meanwhile.
    """
    noted = {"last_error": note[:160]} if note else {}
    return _end(db, row, {"state": "sent", "done_at": now, **noted})


def again(db: Connection, row: OutboxRow, error: str, due_at: datetime) -> bool:
    """It did not leave: try again at `due_at`."""
    return _end(db, row, {"due_at": due_at, "last_error": error[:160]})


def give_back(db: Connection, row: OutboxRow, why: str, due_at: datetime) -> bool:
    """It could not be tried: it waits as if it had not been taken."""
    values = {"due_at": due_at, "last_error": why[:160], "attempts": row.attempts - 1}
    return _end(db, row, values)


def leave_as(
    db: Connection, row: OutboxRow, kind: str, payload: dict[str, Any], now: datetime
) -> bool:
    """The same news, under its old key, by another way."""
    fresh = {"kind": kind, "payload": payload, "lane": "", "attempts": 0, "due_at": now}
    return _end(db, row, {**fresh, "last_error": ""})


def dead(db: Connection, row: OutboxRow, error: str, now: datetime) -> bool:
    """It will not leave: a dead letter, kept for people to look at and replay."""
    return _end(db, row, {"state": "dead", "last_error": error[:160], "done_at": now})


def replay(db: Connection, dedupe_key: str, now: datetime) -> bool:
    """Send a dead letter again, under its old key. False when there is no such dead letter."""
    fresh = {"state": "waiting", "due_at": now, "attempts": 0, "done_at": None}
    is_dead = (outbox.c.dedupe_key == dedupe_key) & (outbox.c.state == "dead")
    return db.execute(update(outbox).where(is_dead).values(fresh)).rowcount == 1


def replay_all(db: Connection, via: str, since: datetime, now: datetime) -> int:
    """Send again every dead letter of `via` that was written since then; returns how many."""
    return db.execute(update(outbox).where(dead_letters(via, since)).values(_fresh(now))).rowcount


def replay_some(
    db: Connection, via: str, since: datetime, after: int, last: int, limit: int, now: datetime
) -> tuple[int, int]:
    """The same of at most `limit` of them with ids above `after`, up to `last`.

    Returns how many, and the id after which the next ones come, 0 when there are none.
    """
    return replay_lot(db, dead_letters(via, since), after, last, limit, now)


def replay_lot(
    db: Connection, which: ColumnElement[bool], after: int, last: int, limit: int, now: datetime
) -> tuple[int, int]:
    """The same of those dead letters that are `which`, of which a lot may have none."""
    row = outbox.c
    until = min(after + _LOOKED_AT, last)
    # No index can be taken for `which`: it would have all that is left sorted for each lot.
    mine = (row.id > after) & (row.id <= until) & (case((which, 1), else_=0) == 1)
    ids = list(db.execute(select(row.id).where(mine).order_by(row.id).limit(limit)).scalars())
    still = row.id.in_(ids) & (row.state == "dead")
    count = db.execute(update(outbox).where(still).values(_fresh(now))).rowcount if ids else 0
    following = ids[-1] if len(ids) == limit else until
    return count, following if following < last else 0


def dead_letters(via: str, since: datetime) -> ColumnElement[bool]:
    """Those of `via` that were given up, and written since then."""
    row = outbox.c
    return HAS_VIA & (row.via == via) & (row.state == "dead") & (row.written_at >= since)


def _fresh(now: datetime) -> dict[str, Any]:
    """A letter as it was before it was first tried."""
    return {"state": "waiting", "due_at": now, "attempts": 0, "done_at": None, "last_error": ""}


def unsent(db: Connection) -> dict[str, int]:
    """How many pieces wait, and how many are dead; what has left is without number."""
    standing = outbox.c.state.in_(("waiting", "dead"))
    query = select(outbox.c.state, func.count()).where(standing).group_by(outbox.c.state)
    return {str(row[0]): int(row[1]) for row in db.execute(query)}


def bring_back(db: Connection, now: datetime, limit: int) -> int:
    """Date letters anew that a clock dated which has been set back since, `limit` of each kind.

    What was tried is due now; what was only to leave later keeps its wait. Returns how many.
    """
    row = outbox.c
    dated = [
        {
            "the_id": one.id,
            "due": now + (timedelta() if one.last_error else one.due_at - one.written_at),
        }
        for kind, longest in _TRY_LONGEST.items()
        for one in _put_off(db, kind, longest, now, limit)
    ]
    if dated:
        due = bindparam("due", type_=row.due_at.type)
        this = update(outbox).where(row.id == bindparam("the_id"))
        db.execute(this.values(due_at=due, written_at=now), dated)
    return len(dated)


def _put_off(
    db: Connection, kind: str, longest: timedelta, now: datetime, limit: int
) -> Sequence[Any]:
    row = outbox.c
    tried = (row.last_error != "") & is_ahead(row.due_at, now, longest)
    untried = (row.last_error == "") & is_ahead(row.written_at, now)
    query = (
        select(row.id, row.due_at, row.written_at, row.last_error)
        # In the words of the index: few are due later than in a minute.
        .where(_WAITING, row.kind == kind, is_ahead(row.due_at, now), tried | untried)
        .order_by(row.due_at, row.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return db.execute(query).all()


def _end(db: Connection, row: OutboxRow, values: dict[str, Any]) -> bool:
    mine = (outbox.c.id == row.id) & (outbox.c.lease == row.lease)
    freed = {**values, "lease": "", "lease_until": None}
    return db.execute(update(outbox).where(mine).values(freed)).rowcount == 1
