"""Which Telegram account speaks for which number; `telegram_linking` is how it comes to do so.

Only a link that was confirmed on the phone itself is one: until then the account is nobody here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from bot.conversation import Language
from bot.i18n import speaking
from bot.market import telegram_words
from bot.storage import outbox
from bot.storage.prepared import Prepared
from bot.storage.schema import audit, call_acts, contacts, hand_overs, hops, transcripts
from bot.storage.schema import outbox as outbox_rows
from bot.storage.schema import telegram_invites as invites
from bot.storage.schema import telegram_links as rows
from bot.storage.schema import telegram_updates as updates
from bot.storage.schema.delivery import OUTBOX_STATES
from bot.storage.schema.hand_overs import OPEN

CHANNEL = "telegram"
# Who confirms a number and only then registers it is taken as one person for so long.
_REGISTERS_WITHIN = timedelta(hours=24)
_EMPTY: dict[str, Any] = {
    "user_id": 0,
    "chat_id": 0,
    "msisdn": "",
    "contact_id": None,
    "code_digest": None,
}


@dataclass(frozen=True, slots=True)
class Link:
    """A Telegram account and its number. `contact_id` is 0 while nobody registered with it."""

    id: int
    user_id: int
    chat_id: int
    msisdn: str
    contact_id: int
    confirmed: bool
    blocked: bool
    language: Language = "rw"


def live() -> ColumnElement[bool]:
    """Confirmed, not ended, and the number is still that of the person it was confirmed for."""
    same = or_(rows.c.contact_id.is_(None), contacts.c.msisdn == rows.c.msisdn)
    return rows.c.confirmed_at.is_not(None) & rows.c.ended_at.is_(None) & same


_live = select(rows).outerjoin(contacts, contacts.c.id == rows.c.contact_id).where(live())


_of_contact = _live.where(rows.c.contact_id == bindparam("contact_id"))
_told = rows.c.id, rows.c.user_id, rows.c.chat_id, rows.c.msisdn, rows.c.contact_id
# Asked with every update.
_by_user = Prepared(
    select(*_told, rows.c.blocked_at.is_not(None), rows.c.language)
    .outerjoin(contacts, contacts.c.id == rows.c.contact_id)
    .where(live(), rows.c.user_id == bindparam("user_id")),
    "user_id",
)


def of_user(db: Connection, user_id: int) -> Link | None:
    """The live link of a Telegram account."""
    row = _by_user.one(db, user_id)
    if row is None:
        return None
    row_id, user, chat_id, msisdn, contact_id, blocked, language = row
    return Link(
        row_id,
        user,
        chat_id,
        msisdn,
        contact_id or 0,
        confirmed=True,
        blocked=bool(blocked),
        language=language,
    )


def of_contact(db: Connection, contact_id: int) -> Link | None:
    """The live link of a person; look at `blocked` before you write to them."""
    row = db.execute(_of_contact, {"contact_id": contact_id}).mappings().first()
    return None if row is None else as_link(row)


def of_number(db: Connection, msisdn: str) -> Link | None:
    """The live link of a number, whether or not somebody is registered with it."""
    row = db.execute(_live.where(rows.c.msisdn == msisdn)).mappings().first()
    return None if row is None else as_link(row)


def block(db: Connection, user_id: int, now: datetime) -> None:
    """The account has blocked us, or is gone: nothing is sent there until it comes back."""
    free = _of_account(user_id) & rows.c.blocked_at.is_(None)
    db.execute(update(rows).where(free).values(blocked_at=now))


def unblock(db: Connection, user_id: int, now: datetime) -> None:
    """The account has let us in again, or has written to us."""
    blocked = _of_account(user_id) & rows.c.blocked_at.is_not(None)
    for row in db.execute(select(rows).where(blocked)).mappings().all():
        db.execute(update(rows).where(rows.c.id == row["id"]).values(blocked_at=None))
        if row["confirmed_at"] is not None:
            note(db, as_link(row), "telegram back", now, since=row["blocked_at"].isoformat())


def unlink(db: Connection, user_id: int, now: datetime) -> bool:
    """The account wants to be nobody here any more (`/stop`); what waited for a code ends too.

    False when it was linked with no number.
    """
    found = _end(db, rows.c.user_id == user_id, "unlinked in the chat", now)
    return any(link.confirmed for link in found)


def unlink_number(
    db: Connection, msisdn: str, now: datetime, why: str = "unlinked on the phone"
) -> bool:
    """The number's holder wants no account to speak for it any more; the chat is told.

    `why` is for the audit. False when none did.
    """
    found = _end(db, rows.c.msisdn == msisdn, why, now)
    gone = [link for link in found if link.confirmed]
    for link in gone:
        tell(db, link, f"unlinked:{link.id}", telegram_words.unlinked, now)
    return bool(gone)


def end(db: Connection, link: Link, why: str, now: datetime) -> None:
    """End one link. The audit names its number in our tables only, never the person's."""
    _end(db, rows.c.id == link.id, why, now)


def registered(
    db: Connection, msisdn: str, contact_id: int, in_the_chat: bool, now: datetime
) -> None:
    """Somebody has registered with this number: its link is theirs, unless it is from long ago."""
    mine = (rows.c.msisdn == msisdn) & rows.c.confirmed_at.is_not(None)
    nobodys = mine & rows.c.ended_at.is_(None) & rows.c.contact_id.is_(None)
    fresh = rows.c.confirmed_at > now - _REGISTERS_WITHIN
    theirs = nobodys if in_the_chat else nobodys & fresh
    db.execute(update(rows).where(theirs).values(contact_id=contact_id))
    _end(db, nobodys, "somebody registered with the number later", now)


def forget(db: Connection, contact_id: int, msisdn: str | None, now: datetime) -> None:
    """Empty all that is kept of a person's accounts, as erasing asks; `msisdn` may be None."""
    mine = or_(rows.c.contact_id == contact_id, rows.c.msisdn == msisdn)
    found = db.execute(select(rows.c.user_id, rows.c.chat_id).where(mine)).all()
    accounts, chats = {row.user_id for row in found}, {row.chat_id for row in found}
    all_of_them = or_(mine, rows.c.user_id.in_(accounts))
    db.execute(update(rows).where(all_of_them).values(ended_at=now, language="rw", **_EMPTY))
    # The lane of what goes to a chat is the chat; an index has it behind the state.
    written = (outbox_rows.c.kind == "telegram") & outbox_rows.c.state.in_(OUTBOX_STATES)
    to_them = outbox_rows.c.lane.in_([str(one) for one in chats])
    db.execute(delete(outbox_rows).where(written, to_them))
    for table in (hops, transcripts, call_acts):
        owners = [f"tg:{user_id}" for user_id in accounts]
        db.execute(delete(table).where(table.c.owner.in_(owners)))
    used = or_(invites.c.used_by.in_(accounts), invites.c.msisdn == msisdn)
    db.execute(delete(invites).where(used))
    # A private chat has the number of its account. One in hand is ended by its id and lease; what
    # waits behind it was written after leaving, and is a stranger's.
    past = updates.c.chat_id.in_(chats) & ((updates.c.state != "waiting") | (updates.c.lease != ""))
    db.execute(update(updates).where(past).values(chat_id=0, shown_in=None))


def held_of(contact_id: int) -> Select[Any]:
    """What is held about a person's accounts, for their own eyes."""
    asked = (rows.c.user_id, rows.c.language, rows.c.made_at, rows.c.confirmed_at)
    return select(*asked).where(rows.c.contact_id == contact_id)


def forget_old(db: Connection, now: datetime) -> None:
    """Empty what waited a day for a code that nobody typed."""
    unused = rows.c.confirmed_at.is_(None) & (rows.c.made_at < now - timedelta(days=1))
    old = unused & (rows.c.user_id != 0)
    db.execute(update(rows).where(old).values(ended_at=now, **_EMPTY))


def tell(
    db: Connection, link: Link, dedupe_key: str, words: Callable[[], str], now: datetime
) -> None:
    """Write what `words()` says to the chat of a link, unless it blocked us.

    In the language that its person chose last; in that of the link while nobody has registered.
    """
    if link.blocked:
        return
    chosen = select(contacts.c.language).where(contacts.c.id == link.contact_id)
    with speaking(db.execute(chosen).scalar() or link.language):
        args = {"text": words()}
    payload = {"chat_id": link.chat_id, "method": "sendMessage", "args": args}
    outbox.put(db, "telegram", f"telegram-{dedupe_key}", payload, now)


def note(db: Connection, link: Link, action: str, now: datetime, **details: str) -> None:
    """A line for the audit, which names nobody but by the numbers of our own rows."""
    line = {
        "at": now,
        "actor": f"contact:{link.contact_id}" if link.contact_id else "nobody known",
        "action": action,
        "subject": f"telegram link {link.id}",
        "details": details,
    }
    db.execute(insert(audit), line)


def as_link(row: RowMapping) -> Link:
    """A link from a row."""
    return Link(
        row["id"],
        row["user_id"],
        row["chat_id"],
        row["msisdn"],
        row["contact_id"] or 0,
        confirmed=row["confirmed_at"] is not None,
        blocked=row["blocked_at"] is not None,
        language=row["language"],
    )


def _of_account(user_id: int) -> ColumnElement[bool]:
    return (rows.c.user_id == user_id) & rows.c.ended_at.is_(None)


def _end(db: Connection, which: ColumnElement[bool], why: str, now: datetime) -> list[Link]:
    """End and empty every link of `which` that is not ended; what they were."""
    query = select(rows).where(which, rows.c.ended_at.is_(None)).with_for_update()
    found = [as_link(row) for row in db.execute(query).mappings().all()]
    gone = rows.c.id.in_([link.id for link in found])
    if found:
        db.execute(update(rows).where(gone).values(ended_at=now, **_EMPTY))
    for link in found:
        if link.confirmed:
            _end_hand_over(db, link.chat_id, now)
            note(db, link, "telegram unlinked", now, why=why)
    return found


def _end_hand_over(db: Connection, chat_id: int, now: datetime) -> None:
    """Staff wrote there to a person for whom the chat speaks no more."""
    here = update(hand_overs).where(OPEN, hand_overs.c.chat_id == chat_id)
    db.execute(here.values(state="ended", ended_at=now))
