"""PINs: checked, counted durably, locked after a few mistakes.

17 bits of PIN cannot be protected by a hash alone: the counters carry the strength.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Literal
from weakref import WeakValueDictionary

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.market import news, notices
from bot.market.pin_alarm import PinAlarm, WrongPin
from bot.market.pin_hashing import Busy, PinHashing
from bot.storage.records import Records
from bot.storage.schema import audit, pin_failures, pins

Result = Literal["right", "wrong", "locked", "busy", "reset"]
_DAY = timedelta(hours=24)
# Stands where a hash would: the hash of a PIN is never this.
_LOCKED = "locked"
# Stands where a hash did once staff have reset the PIN: as none that is typed is ever right.
RESET = "reset"
# Far enough ahead to mean: only staff may unlock.
_UNTIL_STAFF = timedelta(days=3650)
# What opens later than this opens by staff only.
BY_STAFF_ONLY = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class PinCheck:
    """What came of a check; `left` is how many tries remain today after a wrong one.

    "reset": there is no PIN any more, its owner must choose another.
    """

    result: Result
    left: int = 0


class PinGuard:
    """Hashes and checks PINs; its queue is bounded, so a flood of PINs slows no menu."""

    def __init__(
        self,
        records: Records,
        hashing: PinHashing,
        alarm: PinAlarm,
        *,
        tries_per_session: int = 3,
        tries_per_day: int,
        lock_minutes: int,
        lifetime_tries: int,
    ) -> None:
        self._records, self._hashing, self.alarm = records, hashing, alarm
        # Whoever checks or waits holds the lock; when nobody does, it is gone.
        self._alone: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self.tries_per_session = tries_per_session
        self._tries_per_day, self._lock = tries_per_day, timedelta(minutes=lock_minutes)
        self._lifetime_tries = lifetime_tries

    async def hash(self, pin: str) -> str:
        """The hash to keep for `pin`. Raises `Busy` when too many wait."""
        with self._hashing.place():
            return await self._hashing.hash(pin)

    async def matches(self, pin_hash: str, typed: str) -> bool:
        """Whether `typed` is the PIN behind `pin_hash`; nothing is counted. Raises `Busy`."""
        with self._hashing.place():
            return await self._hashing.verify(pin_hash, typed)

    async def check(
        self, contact_id: int, typed: str, hop_key: bytes, now: datetime, source: str = ""
    ) -> PinCheck:
        """Check a typed PIN. A hop sent again is not a second mistake.

        One check at a time for each person, so that each knows of the mistakes before it. While
        many numbers are attacked at once, each `source`, such as a gateway, is slowed down.
        """
        if not self.alarm.lets_in(source):
            return PinCheck("busy")
        try:
            with self._hashing.place():
                async with self._alone.setdefault(contact_id, asyncio.Lock()):
                    return await self._check_alone(contact_id, typed, hop_key, now)
        except Busy:
            return PinCheck("busy")

    async def opens_in(self, contact_id: int, now: datetime) -> timedelta:
        """How long this person's PIN stays locked; nothing when it is open."""
        return await self._records.read(lambda db: self._opens_in(db, contact_id, now))

    async def lock(self, contact_id: int, hop_key: bytes, now: datetime) -> None:
        """Lock after too many mistakes in one session, and tell the owner."""
        until = now + self._lock
        await self._records.write(lambda db: _lock(db, contact_id, hop_key, until, now))

    async def close(self) -> None:
        """Let the hashing threads end."""
        self._hashing.close()

    async def _check_alone(
        self, contact_id: int, typed: str, hop_key: bytes, now: datetime
    ) -> PinCheck:
        # Looked at before any hashing: who is locked out costs us no hash.
        kept = await self._records.read(lambda db: self._state(db, contact_id, now))
        if kept == _LOCKED:
            return PinCheck("locked")
        if kept == RESET:
            return PinCheck("reset")
        same = await self._hashing.verify(kept or self._hashing.nobodys, typed)
        matched = kept if same else ""
        check, wrong = await self._records.write(
            lambda db: self._judge(db, contact_id, matched, hop_key, now)
        )
        if wrong is not None:
            self.alarm.count(wrong)
        return check

    def _state(
        self, db: Connection, contact_id: int, now: datetime, held: bool = False
    ) -> str | None:
        """The hash to check against, `_LOCKED`, `RESET`, or None of who has no PIN.

        `held` keeps every other transaction from it until this one ends.
        """
        query = select(pins).where(pins.c.contact_id == contact_id)
        row = db.execute(query.with_for_update() if held else query).mappings().first()
        if row is None:
            return None
        locked_until = row["locked_until"]
        if locked_until is not None and locked_until > now:
            return _LOCKED
        if _failures(db, contact_id, now) >= self._tries_per_day:
            return _LOCKED
        return str(row["hash"])

    def _opens_in(self, db: Connection, contact_id: int, now: datetime) -> timedelta:
        query = select(pins.c.locked_until).where(pins.c.contact_id == contact_id)
        until = db.execute(query).scalar() or now
        mine = (pin_failures.c.contact_id == contact_id) & (pin_failures.c.at > now - _DAY)
        latest = select(pin_failures.c.at).where(mine).order_by(pin_failures.c.at.desc())
        failures = list(db.execute(latest.limit(self._tries_per_day)).scalars())
        if len(failures) == self._tries_per_day:
            until = max(until, failures[-1] + _DAY)
        return max(until - now, timedelta())

    def _judge(
        self, db: Connection, contact_id: int, matched: str | None, hop_key: bytes, now: datetime
    ) -> tuple[PinCheck, WrongPin | None]:
        """What the check comes to by the counters of this moment: hashing took its time."""
        kept = self._state(db, contact_id, now, held=True)
        if kept == _LOCKED:
            return PinCheck("locked"), None
        if kept == RESET:
            return PinCheck("reset"), None
        if kept is None:
            # No PIN is never the right one; with nothing to guess there is nothing to count.
            return PinCheck("wrong", self._tries_per_day - 1), None
        if matched == kept:
            forgive(db, contact_id)
            return PinCheck("right"), None
        wrong = None
        if _is_new_failure(db, contact_id, hop_key, now):
            row = update(pins).where(pins.c.contact_id == contact_id)
            db.execute(row.values(wrong_in_a_row=pins.c.wrong_in_a_row + 1))
            wrong = self.alarm.weigh(db, now)
        return self._left(db, contact_id, hop_key, now), wrong

    def _left(self, db: Connection, contact_id: int, hop_key: bytes, now: datetime) -> PinCheck:
        in_a_row = select(pins.c.wrong_in_a_row).where(pins.c.contact_id == contact_id)
        if (db.execute(in_a_row).scalar() or 0) >= self._lifetime_tries:
            _lock(db, contact_id, hop_key, now + _UNTIL_STAFF, now)
            return PinCheck("locked")
        left = self._tries_per_day - _failures(db, contact_id, now)
        if left > 0:
            return PinCheck("wrong", left)
        _lock(db, contact_id, hop_key, now + self._lock, now)
        return PinCheck("locked")


def _failures(db: Connection, contact_id: int, now: datetime) -> int:
    query = select(func.count()).where(
        pin_failures.c.contact_id == contact_id, pin_failures.c.at > now - _DAY
    )
    return db.execute(query).scalar() or 0


def _is_new_failure(db: Connection, contact_id: int, hop_key: bytes, now: datetime) -> bool:
    """Write a mistake down; False when this hop's is written already."""
    failure = {"contact_id": contact_id, "hop_key": hop_key, "at": now}
    insert = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
    new = insert(pin_failures).values(failure).on_conflict_do_nothing()
    return db.execute(new).rowcount == 1


def forgive(db: Connection, contact_id: int) -> None:
    """Forget a person's wrong PINs, and open the lock they led to."""
    db.execute(delete(pin_failures).where(pin_failures.c.contact_id == contact_id))
    db.execute(
        update(pins)
        .where(pins.c.contact_id == contact_id)
        .values(wrong_in_a_row=0, locked_until=None, locked_at=None)
    )


def _lock(db: Connection, contact_id: int, hop_key: bytes, until: datetime, now: datetime) -> None:
    # A lock that only staff may open is not made shorter by a later, lesser one.
    shorter = pins.c.locked_until.is_(None) | (pins.c.locked_until < until)
    mine = (pins.c.contact_id == contact_id) & shorter
    locked = update(pins).where(mine).values(locked_until=until, locked_at=now)
    if db.execute(locked).rowcount:
        line = {"actor": "server", "action": "PIN locked", "subject": f"contact {contact_id}"}
        db.execute(insert(audit).values(**line, details={"until": until.isoformat()}, at=now))
    key = f"pin-locked:{hop_key.hex()}"
    stands = db.execute(select(pins.c.locked_until).where(pins.c.contact_id == contact_id)).scalar()
    by_staff_only = stands is not None and stands - now > BY_STAFF_ONLY
    # Who holds the number must hear of it, also when somebody else types in the chat.
    words = partial(notices.pin_locked, by_staff_only)
    news.tell(db, contact_id, key, words, now, by_phone=True)
