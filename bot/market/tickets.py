"""Tickets: a person asks to be called, or reports a problem; staff answer by a given date."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.masking import without_numbers
from bot.storage.prepared import Prepared
from bot.storage.schema import tickets

CATEGORIES = (
    "call_back",
    "payment_missing",
    "payment_flagged",
    "payment_unknown",
    "payment_unclear",
    "order",
    "shipment",
    "pin_forgotten",
    "pin_attack",
    "verify",
    "new_owner",
    "booking",
    "photo",
    "other",
)
# Opened by us about money, not by a person about themselves: nobody closes them by leaving.
ABOUT_MONEY = ("payment_flagged", "payment_unknown", "payment_unclear")
# No letter or digit that is mistaken for another when read out on the phone.
_SIGNS = "23456789ACDEFHJKMNPQRTUVWXY"
_PLACES = 5
_TEXT_MOST = 320
_ANSWER_IN = timedelta(days=2)
_code = tickets.c.code
_same = Prepared(
    select(tickets.c.code).where(
        tickets.c.msisdn == bindparam("msisdn"),
        tickets.c.category == bindparam("category"),
        tickets.c.about == bindparam("about"),
        tickets.c.state == bindparam("state"),
    ),
    *("msisdn", "category", "about", "state"),
)
_NEW = (
    "msisdn", "category", "about", "code", "contact_id", "text", "language", "opened_at", "due_at",
)  # fmt: skip
# No row where a ticket has this code already.
_insert = {
    "sqlite": Prepared(
        sqlite.insert(tickets).on_conflict_do_nothing(index_elements=[_code]).returning(_code),
        *_NEW,
    ),
    "postgresql": Prepared(
        postgresql.insert(tickets).on_conflict_do_nothing(index_elements=[_code]).returning(_code),
        *_NEW,
    ),
}


def open_ticket(
    db: Connection,
    *,
    category: str,
    msisdn: str,
    contact_id: int | None,
    about: str = "",
    text: str = "",
    language: str,
    now: datetime,
) -> str:
    """Keep a ticket and give its code, such as T-4F7K2; staff answer within two days.

    A person's open ticket of the same category about the same thing is given again instead.
    """
    asked = msisdn, category, about
    known = _same.one(db, *asked, "open")
    if known is not None and not text:
        return str(known[0])
    told = contact_id or None, text[:_TEXT_MOST], language, now, now + _ANSWER_IN
    while True:
        code = _new_code()
        if _insert[db.dialect.name].one(db, *asked, code, *told) is not None:
            return code


def close_after_call(
    db: Connection,
    msisdn: str,
    contact_id: int,
    code: str,
    now: datetime,
    category: str = "",
    since: datetime | None = None,
) -> bool:
    """Close this number's open ticket, whose person was called; False when there is none.

    With a `category` only one of it will do, and only when it was opened at `since` or after.
    """
    theirs = tickets.c.contact_id.is_(None) | (tickets.c.contact_id == contact_id)
    asked = (tickets.c.msisdn == msisdn) & (tickets.c.code == code.strip().upper())
    open_one = asked & theirs & (tickets.c.state == "open")
    if category:
        open_one &= tickets.c.category == category
    if since is not None:
        open_one &= tickets.c.opened_at >= since
    return close(db, open_one, now) == 1


def close(db: Connection, which: ColumnElement[bool], now: datetime) -> int:
    """Close tickets; their number goes, also where it stands in their text. How many were."""
    closed = {"state": "closed", "closed_at": now, "msisdn": ""}
    query = select(tickets.c.id, tickets.c.text).where(which, tickets.c.state != "closed")
    found = db.execute(query.with_for_update()).all()
    for row in found:
        values = {**closed, "text": without_numbers(row.text)}
        db.execute(update(tickets).where(tickets.c.id == row.id).values(values))
    return len(found)


def close_all(
    db: Connection, msisdn: str, categories: tuple[str, ...], since: datetime, now: datetime
) -> None:
    """Close this number's tickets of these categories, opened from `since` on: all are answered."""
    asked = (tickets.c.msisdn == msisdn) & tickets.c.category.in_(categories)
    close(db, asked & (tickets.c.opened_at >= since), now)


def has_ticket(db: Connection, category: str, about: str) -> bool:
    """Whether there is, or was, a ticket of this category about this thing."""
    same = (tickets.c.category == category) & (tickets.c.about == about)
    return db.execute(select(tickets.c.id).where(same).limit(1)).first() is not None


def has_open_ticket(db: Connection, category: str, about: str, text: str = "") -> bool:
    """Whether a ticket of this category about this thing is still to be answered.

    With a `text`, whether one is that says just this.
    """
    same = (tickets.c.category == category) & (tickets.c.about == about)
    if text:
        same &= tickets.c.text == text[:_TEXT_MOST]
    query = select(tickets.c.id).where(same, tickets.c.state != "closed")
    return db.execute(query.limit(1)).first() is not None


def _new_code() -> str:
    number, signs = secrets.randbelow(len(_SIGNS) ** _PLACES), ""
    for _place in range(_PLACES):
        number, sign = divmod(number, len(_SIGNS))
        signs += _SIGNS[sign]
    return f"T-{signs}"
