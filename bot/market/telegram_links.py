"""Which account on Telegram belongs to which person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select, update

from bot.storage.schema import telegram_links as rows


@dataclass(frozen=True, slots=True)
class Link:
    """A live link; money may move from the chat only once it is `confirmed` from the phone."""

    id: int
    user_id: int
    chat_id: int
    msisdn: str
    contact_id: int
    confirmed: bool
    blocked: bool


def of_user(db: Connection, user_id: int) -> Link | None:
    """The live link of an account, or None."""
    return _one(db, rows.c.user_id == user_id)


def of_contact(db: Connection, contact_id: int) -> Link | None:
    """The live link of a person, or None."""
    return _one(db, rows.c.contact_id == contact_id)


def block(db: Connection, user_id: int, now: datetime) -> None:
    """The account takes nothing from us any more, until it writes again."""
    live = (rows.c.user_id == user_id) & rows.c.ended_at.is_(None) & rows.c.blocked_at.is_(None)
    db.execute(update(rows).where(live).values(blocked_at=now))


def unblock(db: Connection, user_id: int, now: datetime) -> None:
    """The account takes messages again."""
    db.execute(update(rows).where(rows.c.user_id == user_id).values(blocked_at=None))


def _one(db: Connection, whose: ColumnElement[bool]) -> Link | None:
    query = select(rows).where(whose, rows.c.ended_at.is_(None)).order_by(rows.c.id.desc())
    row = db.execute(query.limit(1)).first()
    if row is None:
        return None
    return Link(
        row.id,
        row.user_id,
        row.chat_id,
        row.msisdn,
        row.contact_id,
        row.confirmed_at is not None,
        row.blocked_at is not None,
    )
