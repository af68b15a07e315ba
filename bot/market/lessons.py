"""Lessons: a few screens and one question each, the same for every caller."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from bot.i18n import _
from bot.storage.schema import lesson_progress


@dataclass(frozen=True, slots=True)
class Lesson:
    """One lesson: its pages, a question with answers, and which answer is right (from 0)."""

    code: str
    title: str
    pages: tuple[str, ...]
    question: str
    answers: tuple[str, ...]
    right: int


CODES = ("picking", "washing", "selling")


def lesson(code: str) -> Lesson:
    """The lesson in the language being spoken. Raises KeyError for an unknown code."""
    return {"picking": _picking, "washing": _washing, "selling": _selling}[code]()


def titles() -> list[tuple[str, str]]:
    """(code, title) of every lesson, in the order of the course."""
    return [(code, lesson(code).title) for code in CODES]


def keep_progress(
    db: Connection, contact_id: int, code: str, page: int, score: int | None, now: datetime
) -> None:
    """Remember how far a person is in a lesson."""
    mine = (lesson_progress.c.contact_id == contact_id) & (lesson_progress.c.lesson == code)
    values = {"page": page, "score": score, "at": now}
    if db.execute(update(lesson_progress).where(mine).values(values)).rowcount == 0:
        row = {"contact_id": contact_id, "lesson": code, **values}
        db.execute(insert(lesson_progress).values(row))


def marks(db: Connection, contact_id: int) -> dict[str, bool]:
    """Each lesson of today's course whose question this person has answered: was it right?"""
    query = select(lesson_progress.c.lesson, lesson_progress.c.score).where(
        lesson_progress.c.contact_id == contact_id,
        lesson_progress.c.score.is_not(None),
        lesson_progress.c.lesson.in_(CODES),
    )
    return {row.lesson: row.score > 0 for row in db.execute(query)}


def finished(db: Connection, contact_id: int) -> set[str]:
    """The lessons whose question this person has answered rightly."""
    query = select(lesson_progress.c.lesson).where(
        lesson_progress.c.contact_id == contact_id, lesson_progress.c.score > 0
    )
    return set(db.execute(query).scalars())


def _picking() -> Lesson:
    return Lesson(
        "picking",
        _("Picking coffee"),
        (
            _("Pick only red cherries. Bring them to the washing station within 8 hours."),
            _("Green cherries lower the grade and the price. Pick them later, when they are red."),
        ),
        _("Within how many hours must cherries reach the station?"),
        (_("24 hours"), _("8 hours"), _("3 days")),
        1,
    )


def _washing() -> Lesson:
    return Lesson(
        "washing",
        _("At the washing station"),
        (
            _("Cherries are weighed and graded in front of you. Ask for the weight in kg."),
            _("You may sell your cherries at any station in the country. Compare prices first."),
        ),
        _("Where may you sell your cherries?"),
        (_("At one station only"), _("At any station"), _("Only in Kigali")),
        1,
    )


def _selling() -> Lesson:
    return Lesson(
        "selling",
        _("Selling far away"),
        (
            _("An order has a price, a quantity and a last day. Accept only what you can bring."),
            _("Money comes to your own wallet. Nobody of Isoko ever asks for your MoMo PIN."),
        ),
        _("Who may ask you for your MoMo PIN?"),
        (_("Isoko staff"), _("The buyer"), _("Nobody")),
        2,
    )
