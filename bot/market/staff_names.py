"""Who on the staff acts: an account that may answer people, and is not the first one again."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from sqlalchemy import Connection, select

from bot.storage.schema import staff

# Who answers people. The dashboard's roles say the same of its pages.
_ANSWER = ("agent", "supervisor")


@dataclass(frozen=True, slots=True)
class Answerer:
    """A member of staff who answers people."""

    id: int
    name: str


def answerer(db: Connection, name: str) -> Answerer | None:
    """The member with this name who may answer people now; capitals and blanks do not count."""
    plain = " ".join(name.split()).casefold()[:40]
    query = select(staff).where(
        staff.c.name == plain, staff.c.revoked_at.is_(None), staff.c.role.in_(_ANSWER)
    )
    row = db.execute(query).mappings().first()
    # Who has not used the link yet has shown nobody who they are.
    if row is None or not (row["password_hash"] or row["demo"]):
        return None
    return Answerer(row["id"], row["name"])


def name_of(db: Connection, staff_id: int) -> str:
    """What a member is called, also one who has gone."""
    return str(db.execute(select(staff.c.name).where(staff.c.id == staff_id)).scalar() or "")


def look_alike(one: str, other: str) -> bool:
    """Whether two names may be one person's: accents, digits, dots and blanks do not count."""
    return _letters(one) == _letters(other)


def _letters(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(sign for sign in plain if sign.isalpha())
