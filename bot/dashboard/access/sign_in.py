"""Signing in: a name and a password, then the second step; or a one-time link."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Literal

import structlog
from sqlalchemy import Connection, RowMapping, select, update

from bot.dashboard.access import attempts, links, members, staff_sessions
from bot.dashboard.access.second_step import SecondStep
from bot.market.pins import PinGuard
from bot.storage.records import Records
from bot.storage.schema import staff

log = structlog.get_logger(__name__)

# In a quarter of an hour: for one name, from one address, and of the second step.
_OF_NAME, _OF_SOURCE, _OF_STEP = 5, 60, 5
PASSWORD_LEAST, PASSWORD_MOST = 12, 200
_COMMON = ("password", "123456", "qwerty", "azerty", "isoko", "rwanda", "kigali", "motdepasse")

Refusal = Literal["wrong", "wait"]


class SignIn:
    """Lets members of staff in. Passwords are hashed by the same bounded pool as PINs."""

    def __init__(
        self, records: Records, pins: PinGuard, second_step: SecondStep, demo: bool
    ) -> None:
        self._records, self._pins, self._second_step = records, pins, second_step
        # Whether the demo's member may sign in by a link alone.
        self.demo = demo
        self._nobodys = ""

    async def password(
        self, name: str, password: str, source: str, now: datetime
    ) -> tuple[str, Refusal | None]:
        """Half a session's token when name and password are right, else why not.

        What is answered, and how long it takes, does not tell whether there is such a name. Raises
        `Busy` when too many wait to be hashed.
        """
        plain = " ".join(name.split()).casefold()

        def counted(db: Connection) -> bool:
            return attempts.attempt(db, f"source {source}", _OF_SOURCE, now) and attempts.attempt(
                db, f"name {plain}", _OF_NAME, now
            )

        if not await self._records.write(counted):
            log.warning("sign-ins refused for a while", source=source)
            return "", "wait"
        row = await self._records.read(lambda db: _by_name(db, plain))
        kept = row["password_hash"] if row is not None else ""
        matches = await self._pins.matches(kept or await self._somebodys(), password)
        if row is None or not kept or not matches:
            return "", "wrong"

        def let_in(db: Connection) -> str:
            attempts.forget(db, f"name {plain}")
            return staff_sessions.begin(db, row["id"], "code", now)

        return await self._records.write(let_in), None

    async def code(self, half: str, typed: str, now: datetime) -> tuple[str, Refusal | None]:
        """The whole session's token after the second step; the half one is over then."""
        return await self._records.write(lambda db: self._code(db, half, typed, now))

    def _code(
        self, db: Connection, half: str, typed: str, now: datetime
    ) -> tuple[str, Refusal | None]:
        found = staff_sessions.find(db, half, "code", now)
        row = None if found is None else _by_id(db, found.staff_id)
        if row is None:
            return "", "wrong"
        who = f"step {row['id']}"
        if not attempts.attempt(db, who, _OF_STEP, now):
            return "", "wait"
        step = self._second_step
        through = step.pass_with_code(db, row["id"], row["totp_sealed"], typed, now)
        if not through and not step.pass_with_paper(db, row["id"], typed, now):
            return "", "wrong"
        attempts.forget(db, who)
        staff_sessions.end(db, half)
        members.note(db, row["name"], "signed in", f"staff {row['name']}", now)
        return staff_sessions.begin(db, row["id"], "full", now), None

    async def set_up(
        self, link: str, password: str, step: int, now: datetime
    ) -> tuple[str, list[str]]:
        """Set what a one-time link is for; the session's token, and the codes for paper.

        Both are empty when the link is good no more. Raises `Busy`.
        """
        hashed = await self._pins.hash(password)
        sealed = self._second_step.sealed(self._second_step.secret_for(link))

        def keep(db: Connection) -> tuple[str, list[str]]:
            found = links.look(db, link, now)
            if found.state != "good" or found.demo or not links.use(db, link, now):
                return "", []
            mine = staff.c.id == found.staff_id
            chosen = {"password_hash": hashed, "totp_sealed": sealed, "totp_step": step}
            db.execute(update(staff).where(mine).values(chosen))
            staff_sessions.end_all(db, found.staff_id)
            codes = self._second_step.new_codes(db, found.staff_id)
            members.note(db, found.name, "set up by link", f"staff {found.name}", now)
            return staff_sessions.begin(db, found.staff_id, "full", now), codes

        return await self._records.write(keep)

    async def demo_link(self, link: str, now: datetime) -> str:
        """The session's token for the demo's own link, used up by this; "" when it is not good."""

        def let_in(db: Connection) -> str:
            found = links.look(db, link, now)
            if not (self.demo and found.demo) or not links.use(db, link, now):
                return ""
            members.note(db, found.name, "signed in", f"staff {found.name}", now)
            return staff_sessions.begin(db, found.staff_id, "full", now)

        return await self._records.write(let_in)

    async def _somebodys(self) -> str:
        """A hash that nobody's password fits, so that an unknown name takes the same time."""
        if not self._nobodys:
            self._nobodys = await self._pins.hash(secrets.token_hex())
        return self._nobodys


def too_weak(password: str, name: str) -> bool:
    """Whether a password is too short, too common, or made of the person's name."""
    plain = password.casefold()
    if not PASSWORD_LEAST <= len(password) <= PASSWORD_MOST or len(set(plain)) < 5:
        return True
    rest = plain.replace(name, "")
    for common in _COMMON:
        rest = rest.replace(common, "")
    return len(rest) < PASSWORD_LEAST // 2


def _by_name(db: Connection, name: str) -> RowMapping | None:
    query = select(staff).where(staff.c.name == name, staff.c.revoked_at.is_(None))
    return db.execute(query).mappings().first()


def _by_id(db: Connection, staff_id: int) -> RowMapping | None:
    query = select(staff).where(staff.c.id == staff_id, staff.c.revoked_at.is_(None))
    return db.execute(query).mappings().first()
