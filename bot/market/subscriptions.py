"""Who hears of what happens: a URL, the types wanted, and the secrets that sign what goes there."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, func, insert, select, update

from bot.i18n.ticket_sentences import DeliveryTrouble
from bot.storage.prepared import Prepared
from bot.storage.schema import subscriptions as rows
from bot.storage.set_back import has_come

ALL = "*"
_VIA = "hook:"
# Asked with every answer of a farmer, and mostly there is nobody.
_anybody = Prepared(select(func.count(rows.c.id)).where(rows.c.id > bindparam("after")), "after")
_KEY_BYTES = 32
# So many failures in a row, and nobody calls there for a while; so long without success, for good.
_BREAKS_AFTER = 5
_REST_FIRST_S, _REST_MAX_S = 30.0, 900.0
_DISABLED_AFTER = timedelta(days=5)
_FAILING = DeliveryTrouble.FAILING.partition("{")[0]


@dataclass(frozen=True, slots=True)
class Subscription:
    """One receiver. `secrets` are those that sign at the moment it was read, the newest first."""

    id: int
    url: str
    secrets: tuple[str, ...]
    types: tuple[str, ...]
    state: str
    why: str
    failures: int
    failing_since: datetime | None
    rests_until: datetime | None

    @property
    def via(self) -> str:
        """What its deliveries leave through."""
        return via_of(self.id)

    def wants(self, kind: str) -> bool:
        """Whether it hears of this type of event."""
        return ALL in self.types or kind in self.types


def via_of(subscription_id: int) -> str:
    """The outbox's name for what goes to a subscription."""
    return f"{_VIA}{subscription_id}"


def number_of(via: str) -> int:
    """The subscription to which the outbox's name belongs."""
    return int(via.removeprefix(_VIA))


def new_secret() -> str:
    """A secret as Standard Webhooks writes them."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def mark_of(secret: str) -> str:
    """What tells one secret from another, and nobody what it is."""
    return blake2b(secret.encode(), digest_size=8).hexdigest()


def subscribe(
    db: Connection, url: str, types: tuple[str, ...], now: datetime, secret: str = ""
) -> tuple[int, str]:
    """Keep a receiver whose address was found good; its id, and the secret to give it."""
    secret = secret or new_secret()
    values = {
        "url": url,
        "types": list(types) or [ALL],
        "secrets": [{"secret": secret, "until": None}],
        "made_at": now,
    }
    key = db.execute(insert(rows).values(values)).inserted_primary_key
    return (int(key[0]) if key else 0), secret


def once(db: Connection, url: str, now: datetime) -> str:
    """Subscribe a receiver to everything unless it is already; the secret that signs for it."""
    known = db.execute(select(rows.c.id, rows.c.secrets).where(rows.c.url == url)).first()
    if known is None:
        return subscribe(db, url, (), now)[1]
    enable(db, known.id)
    return str(known.secrets[0]["secret"])


def anybody(db: Connection) -> bool:
    """Whether there is any receiver at all."""
    row = _anybody.one(db, 0)
    return row is not None and row[0] > 0


def all_of_them(db: Connection, now: datetime) -> list[Subscription]:
    """Every receiver, the first one first."""
    return [
        _subscription(row, now) for row in db.execute(select(rows).order_by(rows.c.id)).mappings()
    ]


def by_id(db: Connection, subscription_id: int, now: datetime) -> Subscription | None:
    """One receiver, or None."""
    row = db.execute(select(rows).where(rows.c.id == subscription_id)).mappings().first()
    return None if row is None else _subscription(row, now)


def rotate(db: Connection, subscription_id: int, overlap: timedelta, now: datetime) -> str | None:
    """A new secret; those before sign too until their time is over. None without such a one."""
    query = select(rows.c.secrets).where(rows.c.id == subscription_id).with_for_update()
    known = db.execute(query).scalar()
    if known is None:
        return None
    fresh = new_secret()
    before = {"secret": known[0]["secret"], "until": (now + overlap).isoformat()}
    # Changed twice within the overlap: who still checks with the first one is not cut off.
    older = [one for one in known[1:] if one["until"] and _is_after(one["until"], now)]
    kept = [{"secret": fresh, "until": None}, before, *older]
    db.execute(update(rows).where(rows.c.id == subscription_id).values(secrets=kept))
    return fresh


def given_up(db: Connection) -> list[int]:
    """Those that were disabled since they fail or are gone, and that nobody has looked after."""
    failed = rows.c.why.startswith(_FAILING) | (rows.c.why == DeliveryTrouble.GONE)
    query = select(rows.c.id).where(rows.c.state == "disabled", failed).order_by(rows.c.id)
    return list(db.execute(query).scalars())


def disable(db: Connection, subscription_id: int, why: str) -> bool:
    """Deliver nothing there any more; what is due to it goes on being kept.

    Staff may say so of one that was given up, too: then it is known, and no alert.
    """
    standing = rows.c.state == "active"
    if why != DeliveryTrouble.GONE and not why.startswith(_FAILING):
        standing = standing | rows.c.why.startswith(_FAILING) | (rows.c.why == DeliveryTrouble.GONE)
    same = (rows.c.id == subscription_id) & standing
    values = {"state": "disabled", "why": why[:160], "rests_until": None}
    return db.execute(update(rows).where(same).values(values)).rowcount == 1


def enable(db: Connection, subscription_id: int) -> bool:
    """Deliver there again, from what has waited longest."""
    fresh = {
        "state": "active",
        "why": "",
        "failures": 0,
        "failing_since": None,
        "rests_until": None,
    }
    same = rows.c.id == subscription_id
    return db.execute(update(rows).where(same).values(fresh)).rowcount == 1


def awake(db: Connection, now: datetime) -> tuple[str, ...]:
    """What may leave now goes through these: receivers neither disabled nor failed too often."""
    longest = timedelta(seconds=_REST_MAX_S)
    rested = rows.c.rests_until.is_(None) | has_come(rows.c.rests_until, now, longest)
    query = select(rows.c.id).where(rows.c.state != "disabled", rested).order_by(rows.c.id)
    return tuple(via_of(one) for one in db.execute(query).scalars())


def note_success(db: Connection, subscription_id: int) -> None:
    """It took something: it is well."""
    ill = (rows.c.id == subscription_id) & (rows.c.failures > 0)
    fresh = {"failures": 0, "failing_since": None, "rests_until": None}
    db.execute(update(rows).where(ill).values(fresh))


def note_failure(
    db: Connection, subscription_id: int, why: str, began: datetime, now: datetime
) -> bool:
    """It took nothing; True when it has failed for so long that it is now disabled.

    What `began` before another failure was counted is a part of that one: many that are under way
    when a receiver goes down are one failure, not many.
    """
    query = select(rows.c.failures, rows.c.failing_since, rows.c.failed_at, rows.c.state)
    same = rows.c.id == subscription_id
    row = db.execute(query.where(same).with_for_update()).first()
    if row is None or row.state != "active":
        return False
    since = row.failing_since or now
    fresh = row.failed_at is None or began >= row.failed_at
    failures = row.failures + fresh
    values: dict[str, Any] = {"failures": failures, "failing_since": since}
    if fresh:
        values["failed_at"] = now
    if fresh and failures >= _BREAKS_AFTER:
        longest = min(_REST_MAX_S, _REST_FIRST_S * 2.0 ** min(failures - _BREAKS_AFTER, 10))
        values["rests_until"] = now + timedelta(seconds=longest)
    db.execute(update(rows).where(same).values(values))
    failing = DeliveryTrouble.FAILING.format(moment=f"{since:%Y-%m-%d %H:%M}", trouble=why)
    return now - since >= _DISABLED_AFTER and disable(db, subscription_id, failing)


def _is_after(moment: str, now: datetime) -> bool:
    return datetime.fromisoformat(moment) > now


def _subscription(row: RowMapping, now: datetime) -> Subscription:
    signing = [
        one["secret"]
        for one in row["secrets"]
        if one["until"] is None or _is_after(one["until"], now)
    ]
    return Subscription(
        row["id"],
        row["url"],
        tuple(signing),
        tuple(row["types"]),
        row["state"],
        row["why"],
        row["failures"],
        row["failing_since"],
        row["rests_until"],
    )
