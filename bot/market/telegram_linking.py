"""How a Telegram account comes to speak for a number: it shows its own, and the phone confirms.

A code is shown in the chat and typed on the phone, so that both are in the same hands.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from bot.conversation import Language
from bot.i18n import speaking
from bot.market import people, telegram_links, telegram_words
from bot.market.link_codes import LinkCodes
from bot.market.telegram_links import Link, as_link
from bot.storage import outbox
from bot.storage.schema import telegram_links as rows

CODE_MINUTES = 30
WRONG_CODES_MAX = 5
# Each account may have so many codes made in an hour; every one of them tells the other account.
_ASKS_IN_AN_HOUR = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of showing one's number: "asked" with the code to type on the phone."""

    outcome: Literal["asked", "linked", "too_often"]
    code: str = ""


@dataclass(frozen=True, slots=True)
class CodeTried:
    """What came of a typed code: "right" with the link that waits, "wrong" with tries left."""

    outcome: Literal["right", "wrong", "none"]
    link_id: int = 0
    left: int = 0


def ask(
    db: Connection,
    codes: LinkCodes,
    *,
    user_id: int,
    chat_id: int,
    msisdn: str,
    language: Language,
    now: datetime,
) -> Asked:
    """An account has shown that this number is its own, in a private chat: it gets a code.

    Nothing is linked by this. An account that speaks for the number now is told, and one that had
    another number so far no longer speaks for that.
    """
    telegram_links.unblock(db, user_id, now)
    mine, holder = telegram_links.of_user(db, user_id), telegram_links.of_number(db, msisdn)
    if mine is not None and mine.msisdn == msisdn:
        return Asked("linked")
    if _asked_lately(db, user_id, now) >= _ASKS_IN_AN_HOUR:
        return Asked("too_often")
    if mine is not None:
        _tell_of_another_number(db, mine, now)
        telegram_links.end(db, mine, "the account has another number", now)
    if holder is not None:
        key = f"asked:{holder.id}:{user_id}:{now:%Y%m%d}"
        telegram_links.tell(db, holder, key, telegram_words.asked_by_another, now)
        telegram_links.note(db, holder, "telegram asked by another", now)
    code = codes.new()
    _drop_waiting(db, rows.c.user_id == user_id, now)
    _drop_waiting(db, rows.c.msisdn == msisdn, now)
    contact = people.by_msisdn(db, msisdn)
    new = {
        "user_id": user_id,
        "chat_id": chat_id,
        "msisdn": msisdn,
        "contact_id": None if contact is None else contact.id,
        "language": language,
        "made_at": now,
        "code_digest": codes.digest(user_id, msisdn, code),
        "code_until": now + timedelta(minutes=CODE_MINUTES),
    }
    db.execute(insert(rows).values(new))
    return Asked("asked", code)


def try_code(db: Connection, codes: LinkCodes, msisdn: str, typed: str, now: datetime) -> CodeTried:
    """Compare a code typed on the phone `msisdn`; the fifth wrong one ends what waits."""
    waits = _waiting(now) & (rows.c.msisdn == msisdn)
    row = db.execute(select(rows).where(waits).with_for_update()).mappings().first()
    if row is None:
        return CodeTried("none")
    if hmac.compare_digest(codes.digest(row["user_id"], msisdn, typed), row["code_digest"]):
        return CodeTried("right", row["id"])
    left = WRONG_CODES_MAX - row["wrong_codes"] - 1
    this = update(rows).where(rows.c.id == row["id"])
    db.execute(this.values(wrong_codes=rows.c.wrong_codes + 1))
    if left > 0:
        return CodeTried("wrong", left=left)
    telegram_links.note(db, as_link(row), "telegram code tried too often", now)
    telegram_links.end(db, as_link(row), "too many wrong codes", now)
    return CodeTried("none")


def confirm(
    db: Connection, link_id: int, msisdn: str, contact_id: int, now: datetime
) -> Literal["confirmed", "gone", "verify"]:
    """The phone `msisdn` has typed the code, and the PIN where its holder is registered.

    Whoever spoke for the number until now speaks for it no more, and is told. Somebody who must
    first be called ("verify") confirms nothing: who has a new SIM has the phone, too.
    """
    this = rows.c.id == link_id
    waits = this & _waiting(now) & (rows.c.msisdn == msisdn)
    row = db.execute(select(rows).where(waits).with_for_update()).mappings().first()
    contact = people.by_msisdn(db, msisdn)
    if row is None or (0 if contact is None else contact.id) != contact_id:
        return "gone"
    if contact is not None and contact.verifying:
        return "verify"
    for before in (
        telegram_links.of_number(db, msisdn),
        telegram_links.of_user(db, row["user_id"]),
    ):
        if before is not None:
            telegram_links.end(db, before, "another link was confirmed", now)
            if before.user_id != row["user_id"]:
                telegram_links.tell(db, before, f"moved:{before.id}", telegram_words.moved, now)
    # What a person who is gone has left behind stands in the way of the index.
    _end_dead(db, msisdn, row["user_id"], now)
    done = {"confirmed_at": now, "contact_id": contact_id or None, "code_digest": None}
    db.execute(update(rows).where(this).values(done))
    link = as_link(db.execute(select(rows).where(this)).mappings().one())
    telegram_links.note(db, link, "telegram linked", now)
    telegram_links.tell(db, link, f"linked:{link.id}", telegram_words.confirmed, now)
    return "confirmed"


def _tell_of_another_number(db: Connection, link: Link, now: datetime) -> None:
    """By SMS, for it is about the phone's own number."""
    contact = people.by_id(db, link.contact_id)
    if contact is None:
        return
    with speaking(contact.language):
        payload = {"contact_id": contact.id, "text": telegram_words.another_number()}
    outbox.put(db, "sms", f"telegram-number:{link.id}", payload, now)


def _waiting(now: datetime) -> ColumnElement[bool]:
    fresh = rows.c.confirmed_at.is_(None) & rows.c.ended_at.is_(None)
    return fresh & (rows.c.code_until > now) & rows.c.code_digest.is_not(None)


def _drop_waiting(db: Connection, whose: ColumnElement[bool], now: datetime) -> None:
    """Whoever asks again gets a new code, and the one before is good no more."""
    # Kept for the hour in which asking is counted: only the account's number stays in it.
    waits = whose & rows.c.confirmed_at.is_(None) & rows.c.ended_at.is_(None)
    gone = {"ended_at": now, "msisdn": "", "contact_id": None, "code_digest": None, "chat_id": 0}
    db.execute(update(rows).where(waits).values(gone))


def _asked_lately(db: Connection, user_id: int, now: datetime) -> int:
    lately = (rows.c.user_id == user_id) & (rows.c.made_at > now - timedelta(hours=1))
    query = select(func.count()).where(lately, rows.c.confirmed_at.is_(None))
    return int(db.execute(query).scalar() or 0)


def _end_dead(db: Connection, msisdn: str, user_id: int, now: datetime) -> None:
    dead = (rows.c.msisdn == msisdn) | (rows.c.user_id == user_id)
    confirmed = dead & rows.c.confirmed_at.is_not(None) & rows.c.ended_at.is_(None)
    for row in db.execute(select(rows).where(confirmed)).mappings().all():
        telegram_links.end(db, as_link(row), "its person is gone", now)
