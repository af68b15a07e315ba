"""A ticket about one part of an order: of one order several sellers may wait for something."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from bot.market import people
from bot.market.tickets import has_open_ticket, open_ticket


def ask_staff(
    db: Connection, category: str, named: str, contact_id: int, text: str, now: datetime
) -> bool:
    """Open one about the part `named`, whose seller is `contact_id`; False while one is open."""
    if has_open_ticket(db, category, named):
        return False
    _open(db, category, named, contact_id, text, now)
    return True


def pass_to_staff(
    db: Connection, category: str, named: str, contact_id: int, text: str, now: datetime
) -> bool:
    """Open one more about the part, whose words are nowhere else; False while one says the same."""
    if has_open_ticket(db, category, named, text):
        return False
    _open(db, category, named, contact_id, text, now)
    return True


def _open(
    db: Connection, category: str, named: str, contact_id: int, text: str, now: datetime
) -> None:
    seller = people.by_id(db, contact_id)
    open_ticket(
        db,
        category=category,
        msisdn="" if seller is None else seller.msisdn,
        contact_id=contact_id,
        about=named,
        text=text,
        language="en" if seller is None else seller.language,
        now=now,
    )
