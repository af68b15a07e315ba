"""Members of staff: added by name and role, revoked at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from bot.conversation import Language
from bot.dashboard.access import staff_sessions
from bot.dashboard.access.roles import Role
from bot.storage.one_at_a_time import one_at_a_time
from bot.storage.schema import audit, staff, staff_links

NAME_MAX = 40
# Names that the audit and the approvals use for what no person did.
_NOT_NAMES = frozenset({"hub", "server"})


@dataclass(frozen=True, slots=True)
class Member:
    """One member of staff. `ready` once a password and a second step are chosen."""

    id: int
    name: str
    role: Role
    language: Language
    ready: bool
    demo: bool
    revoked: bool


class NameTaken(Exception):
    """There is, or was, a member of staff with this name."""


class NotAName(Exception):
    """Nothing that a person could be called by."""


def plain_name(name: str) -> str:
    """The name as it is kept: small letters, single blanks. Raises `NotAName`."""
    plain = " ".join(name.split()).casefold()[:NAME_MAX]
    if not plain or plain in _NOT_NAMES or not plain.isprintable():
        raise NotAName
    return plain


def add(
    db: Connection,
    name: str,
    role: Role,
    language: Language,
    now: datetime,
    by: str,
    demo: bool = False,
) -> Member:
    """Keep a new member of staff; the audit says by whom. Raises `NameTaken`, `NotAName`."""
    plain = plain_name(name)
    if by_name(db, plain) is not None:
        raise NameTaken
    row = {"name": plain, "role": role, "language": language, "created_at": now, "demo": demo}
    db.execute(insert(staff).values(row))
    note(db, by, "staff added", f"staff {plain}", now, role=role)
    found = by_name(db, plain)
    assert found is not None  # noqa: S101  written just above
    return found


def by_name(db: Connection, name: str) -> Member | None:
    """The member with this name, also one whose access was revoked."""
    row = db.execute(select(staff).where(staff.c.name == name)).mappings().first()
    return None if row is None else as_member(row)


def by_id(db: Connection, staff_id: int) -> Member | None:
    """The member with this number, unless revoked."""
    query = select(staff).where(staff.c.id == staff_id, staff.c.revoked_at.is_(None))
    row = db.execute(query).mappings().first()
    return None if row is None else as_member(row)


def with_id(db: Connection, staff_id: int) -> Member | None:
    """The member with this number, also one whose access was revoked."""
    row = db.execute(select(staff).where(staff.c.id == staff_id)).mappings().first()
    return None if row is None else as_member(row)


def listed(db: Connection) -> list[Member]:
    """Everybody, in the order of their names."""
    return [as_member(row) for row in db.execute(select(staff).order_by(staff.c.name)).mappings()]


def set_language(db: Connection, staff_id: int, language: Language) -> None:
    """Show the dashboard in `language` to this member."""
    db.execute(update(staff).where(staff.c.id == staff_id).values(language=language))


def revoke(db: Connection, name: str, now: datetime, by: str) -> bool:
    """End a member's access and every session at once. False when there is none to end."""
    member = by_name(db, name)
    if member is None or member.revoked:
        return False
    db.execute(update(staff).where(staff.c.id == member.id).values(revoked_at=now))
    db.execute(staff_links.delete().where(staff_links.c.staff_id == member.id))
    staff_sessions.end_all(db, member.id)
    note(db, by, "staff revoked", f"staff {member.name}", now)
    return True


def is_last_admin(db: Connection, member: Member) -> bool:
    """Whether nobody else may change who is on the staff; held until this transaction ends."""
    one_at_a_time(db, "admins")
    return member.role == "admin" and not other_admin(db, member)


def other_admin(db: Connection, *but: Member) -> bool:
    """Whether there is an administrator besides these."""
    others = (staff.c.role == "admin") & staff.c.revoked_at.is_(None)
    # Who has not set up their account can let nobody in.
    query = select(staff.c.id).where(others, staff.c.password_hash != "")
    mine = staff.c.id.in_([one.id for one in but])
    return db.execute(query.where(~mine).limit(1)).first() is not None


def set_role(db: Connection, member: Member, role: Role, now: datetime, by: str) -> bool:
    """Give a member another role: they sign in anew for it. False for the last administrator."""
    if role != "admin" and is_last_admin(db, member):
        return False
    db.execute(update(staff).where(staff.c.id == member.id).values(role=role))
    staff_sessions.end_all(db, member.id)
    note(db, by, "role changed", f"staff {member.name}", now, before=member.role, after=role)
    return True


def note(
    db: Connection, actor: str, action: str, subject: str, now: datetime, **details: Any
) -> None:
    """One line of the audit, in the transaction of what it tells of."""
    line = {"at": now, "actor": actor[:40], "action": action, "subject": subject[:80]}
    db.execute(insert(audit).values(**line, details=details))


def as_member(row: RowMapping) -> Member:
    """A member from a row of `staff`."""
    return Member(
        row["id"],
        row["name"],
        row["role"],
        row["language"],
        ready=bool(row["password_hash"] and row["totp_sealed"]),
        demo=bool(row["demo"]),
        revoked=row["revoked_at"] is not None,
    )
