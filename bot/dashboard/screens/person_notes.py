"""What staff note about a person for the next of them, and in which language they are called."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from bot.conversation import LANGUAGES
from bot.dashboard.access.members import Member, note
from bot.dashboard.screens.people_desk import subject_of
from bot.kept_text import kept_text
from bot.market import people
from bot.storage.schema import contacts
from bot.storage.schema import person_notes as rows

NOTE_MOST = 320
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Note:
    """One note. No PIN and no whole number is in it."""

    id: int
    by: str
    at: datetime
    text: str


def notes_about(db: Connection, contact_id: int) -> list[Note]:
    """The notes about a person, the newest first."""
    query = select(rows.c.id, rows.c.by, rows.c.at, rows.c.text)
    query = query.where(rows.c.contact_id == contact_id).order_by(rows.c.id.desc()).limit(_SHOWN)
    return [Note(*row) for row in db.execute(query).all()]


def write_note(
    db: Connection, contact_id: int, by: Member, form: dict[str, str], now: datetime
) -> str:
    """Keep a note; of somebody who is being forgotten at this moment none is kept."""
    text = kept_text(form.get("text", ""), NOTE_MOST)
    if not text:
        return "no_note"
    if not is_held(db, contact_id):
        return "no_effect"
    values = {"contact_id": contact_id, "by": by.name, "at": now, "text": text}
    db.execute(insert(rows).values(values))
    # What it says stands with the person and goes with them; the audit stays.
    note(db, by.name, "note written", subject_of(contact_id), now)
    return "noted"


def drop_note(
    db: Connection, contact_id: int, by: Member, form: dict[str, str], now: datetime
) -> str:
    """Take a note away: one's own, or, for a supervisor, anybody's."""
    typed = form.get("note", "")
    number = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 19 else 0
    which = (rows.c.id == number) & (rows.c.contact_id == contact_id)
    if by.role != "supervisor":
        which &= rows.c.by == by.name
    if db.execute(delete(rows).where(which)).rowcount != 1:
        return "no_effect"
    note(db, by.name, "note removed", subject_of(contact_id), now)
    return "note_gone"


def speak(db: Connection, contact_id: int, by: Member, form: dict[str, str], now: datetime) -> str:
    """The person is spoken to in another language from now on, as they asked."""
    language = next((one for one in LANGUAGES if one == form.get("language")), None)
    person = people.by_id(db, contact_id) if is_held(db, contact_id) else None
    if language is None or person is None or person.language == language:
        return "no_effect"
    people.set_language(db, contact_id, language)
    was, subject = person.language, subject_of(contact_id)
    note(db, by.name, "language changed", subject, now, before=was, after=language)
    return "spoken"


def is_held(db: Connection, contact_id: int) -> bool:
    """Whether the person is known, held so until this transaction ends."""
    known = (contacts.c.id == contact_id) & contacts.c.erased_at.is_(None)
    return db.execute(select(contacts.c.id).where(known).with_for_update()).first() is not None
