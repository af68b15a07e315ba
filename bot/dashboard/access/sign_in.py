"""Signing in: a name and a password, then the second step; or a one-time link."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import structlog
from sqlalchemy import Connection, RowMapping, select, update

from bot.dashboard.access import attempts, links, members, newly_set_up, staff_sessions
from bot.dashboard.access.second_step import SecondStep
from bot.market.pin_hashing import Busy, PinHashing
from bot.source import counted_as
from bot.storage.records import Records
from bot.storage.schema import staff

log = structlog.get_logger(__name__)

# In a quarter of an hour: for one name, from one line, from everywhere, and of the second step.
EVERYBODY = "everybody"
_OF_NAME, _OF_SOURCE, _OF_ALL, _OF_STEP = 5, 60, 600, 5
PASSWORD_LEAST, PASSWORD_MOST = 12, 200
_COMMON = ("password", "123456", "qwerty", "azerty", "isoko", "rwanda", "kigali", "motdepasse")

Refusal = Literal["wrong", "wait", "busy"]


class SignIn:
    """Lets members of staff in. Passwords are hashed apart from PINs: a stranger may fill this."""

    def __init__(
        self, records: Records, passwords: PinHashing, second_step: SecondStep, demo: bool
    ) -> None:
        self._records, self._passwords, self._second_step = records, passwords, second_step
        # Whether the demo's member may sign in by a link alone.
        self.demo = demo

    async def password(
        self, name: str, password: str, source: str, now: datetime, old: str = ""
    ) -> tuple[str, Refusal | None]:
        """Half a session's token when name and password are right, else why not.

        `old` is the session in this browser until now; it ends when another begins. What is
        answered, and how long it takes, does not tell whether there is such a name. "busy" when
        too many wait to be hashed; that try counts for nothing.
        """
        plain = " ".join(name.split()).casefold()[: members.NAME_MAX]
        limits = _limits(plain, source)
        if not await self._records.write(lambda db: _counted(db, limits, now)):
            log.warning("sign-ins refused for a while", source=source)
            return "", "wait"
        row = await self._records.read(lambda db: _by_name(db, plain))
        kept = row["password_hash"] if row is not None else ""
        try:
            with self._passwords.place():
                matches = await self._passwords.verify(kept or self._passwords.nobodys, password)
        except Busy:
            await self._records.write(lambda db: _given_back(db, limits, now))
            return "", "busy"
        if row is None or not kept or not matches:
            return "", "wrong"

        def let_in(db: Connection) -> str:
            attempts.forget(db, f"name {plain}")
            staff_sessions.end(db, old)
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

    def again(self, db: Connection, staff_id: int, typed: str, now: datetime) -> Refusal | None:
        """Whether who is signed in still is who they say, by a second step; None when so."""
        row = _by_id(db, staff_id)
        if row is None or not row["totp_sealed"]:
            return "wrong"
        who = f"step {staff_id}"
        if not attempts.attempt(db, who, _OF_STEP, now):
            return "wait"
        step = self._second_step
        through = step.pass_with_code(db, staff_id, row["totp_sealed"], typed, now)
        if not through and not step.pass_with_paper(db, staff_id, typed, now):
            return "wrong"
        attempts.forget(db, who)
        return None

    async def set_up(
        self, link: str, password: str, step: int, now: datetime, old: str = ""
    ) -> tuple[str, list[str]]:
        """Set what a one-time link is for; the session's token, and the codes for paper.

        Both are empty when the link is good no more; else the session `old` ends. Raises `Busy`.
        """
        with self._passwords.place():
            hashed = await self._passwords.hash(password)
        sealed = self._second_step.sealed(self._second_step.secret_for(link))

        def keep(db: Connection) -> tuple[str, list[str]]:
            found = links.look(db, link, now)
            if found.state != "good" or found.demo or not links.use(db, link, now):
                return "", []
            mine = staff.c.id == found.staff_id
            chosen = {"password_hash": hashed, "totp_sealed": sealed, "totp_step": step}
            db.execute(update(staff).where(mine).values(chosen))
            staff_sessions.end_all(db, found.staff_id)
            staff_sessions.end(db, old)
            codes = self._second_step.new_codes(db, found.staff_id)
            newly_set_up.note_set_up(db, found.name, now)
            return staff_sessions.begin(db, found.staff_id, "full", now), codes

        return await self._records.write(keep)

    async def demo_link(self, link: str, now: datetime, old: str = "") -> str:
        """The session's token for the demo's own link, used up by this; "" when it is not good.

        The session `old` ends when another begins.
        """

        def let_in(db: Connection) -> str:
            found = links.look(db, link, now)
            if not (self.demo and found.demo) or not links.use(db, link, now):
                return ""
            members.note(db, found.name, "signed in", f"staff {found.name}", now)
            staff_sessions.end(db, old)
            return staff_sessions.begin(db, found.staff_id, "full", now)

        return await self._records.write(let_in)


def too_weak(password: str, name: str) -> bool:
    """Whether a password is too short, too common, or made of the person's name."""
    plain = password.casefold()
    if not PASSWORD_LEAST <= len(password) <= PASSWORD_MOST or len(set(plain)) < 5:
        return True
    rest = plain.replace(name, "")
    for common in _COMMON:
        rest = rest.replace(common, "")
    return len(rest) < PASSWORD_LEAST // 2


def _limits(name: str, source: str) -> dict[str, int]:
    """What a try counts for and how often each may be, in the order in which all wait for them."""
    return {
        f"source {counted_as(source)}": _OF_SOURCE,
        f"name {name}": _OF_NAME,
        EVERYBODY: _OF_ALL,
    }


def _counted(db: Connection, limits: dict[str, int], now: datetime) -> bool:
    return all(attempts.attempt(db, who, most, now) for who, most in limits.items())


def _given_back(db: Connection, limits: dict[str, int], now: datetime) -> None:
    for who in limits:
        attempts.give_back(db, who, now)


def _by_name(db: Connection, name: str) -> RowMapping | None:
    query = select(staff).where(staff.c.name == name, staff.c.revoked_at.is_(None))
    return db.execute(query).mappings().first()


def _by_id(db: Connection, staff_id: int) -> RowMapping | None:
    query = select(staff).where(staff.c.id == staff_id, staff.c.revoked_at.is_(None))
    return db.execute(query).mappings().first()
