"""Invitations into the chat, made by staff or a co-operative: single use, for a while, for one."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from bot.market import telegram_links
from bot.storage.schema import audit
from bot.storage.schema import telegram_invites as rows

# A deep link carries at most 64 signs; ours are 32.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")
_TOKEN_BYTES = 24
_KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Invite:
    """An invitation that was just used. `msisdn` is the number it is for, "" for anybody's."""

    msisdn: str
    made_by: str


def make(db: Connection, by: str, msisdn: str, hours: int, now: datetime) -> str:
    """A new invitation's token, for `/start` behind the bot's address; only its digest is kept."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    until = now + timedelta(hours=hours)
    new = {"digest": _digest(token), "msisdn": msisdn, "made_by": by[:40], "made_at": now}
    db.execute(insert(rows).values(until=until, **new))
    _note(db, by, "telegram invitation made", token, now)
    return token


def use(db: Connection, payload: str, user_id: int, now: datetime) -> Invite | None:
    """Use up the invitation that `/start` brought, and say whose it was.

    None for all else: then the start is a plain one. Junk, what is too old or used up, and what is
    meant for another number than the account's own change nothing.
    """
    if not _TOKEN.fullmatch(payload):
        return None
    known = rows.c.digest == _digest(payload)
    good = known & rows.c.used_at.is_(None) & (rows.c.until > now)
    row = db.execute(select(rows).where(good).with_for_update()).mappings().first()
    if row is None:
        return None
    link = telegram_links.of_user(db, user_id)
    if link is not None and row["msisdn"] not in ("", link.msisdn):
        _note(db, f"telegram link {link.id}", "telegram invitation of another", payload, now)
        return None
    taken = update(rows).where(good).values(used_at=now, used_by=user_id)
    if db.execute(taken).rowcount != 1:
        return None
    _note(db, row["made_by"], "telegram invitation used", payload, now)
    return Invite(row["msisdn"], row["made_by"])


def is_for_another(db: Connection, user_id: int, msisdn: str) -> bool:
    """Whether the account's last invitation was meant for another number than this one."""
    query = select(rows.c.msisdn).where(rows.c.used_by == user_id)
    meant = db.execute(query.order_by(rows.c.used_at.desc()).limit(1)).scalar()
    return bool(meant) and meant != msisdn


def forget_old(db: Connection, now: datetime) -> None:
    """Drop invitations that ended a week ago, used or not."""
    db.execute(delete(rows).where(rows.c.until < now - _KEPT))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _note(db: Connection, by: str, action: str, token: str, now: datetime) -> None:
    line = {
        "at": now,
        "actor": by[:40],
        "action": action,
        # Enough to find its lines, not enough to guess it.
        "subject": f"invitation {_digest(token)[:12]}",
        "details": {},
    }
    db.execute(insert(audit), line)
