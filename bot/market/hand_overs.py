"""Chats that staff take over: whose each is, and when the bot has it again.

One at a time has a chat: the bot, or one member of staff. That changes by compare-and-set only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, bindparam, delete, insert, select, update

from bot.conversation import Language
from bot.i18n import speaking
from bot.market import hand_over_words, people, telegram_links
from bot.market.tickets import open_ticket
from bot.storage import outbox
from bot.storage.one_at_a_time import one_at_a_time
from bot.storage.prepared import Prepared
from bot.storage.schema import audit, hand_over_lines
from bot.storage.schema import hand_overs as rows
from bot.storage.schema.hand_overs import OPEN

Outcome = Literal["done", "gone", "anothers", "empty", "no_chat", "pin", "newer", "unfilled"]

# Left alone for so long it goes back to the bot: sooner than the session with the place is lost.
IDLE = timedelta(minutes=10)
_KEPT = timedelta(days=30)
LISTED_MOST = 100
# Asked with every update.
_open_in = Prepared(select(rows.c.id).where(OPEN, rows.c.chat_id == bindparam("chat")), "chat")


@dataclass(frozen=True, slots=True)
class HandOver:
    """A chat in the hands of staff, or waiting for them. `owner` is "" while it waits."""

    id: int
    chat_id: int
    contact_id: int | None
    language: Language
    state: str
    owner: str
    opened_at: datetime
    moved_at: datetime


def open_in(db: Connection, chat_id: int) -> int:
    """The hand-over that this chat is in; 0 while the bot has it."""
    row = _open_in.one(db, chat_id)
    return 0 if row is None else int(row[0])


def ask(db: Connection, chat_id: int, contact_id: int, language: Language, now: datetime) -> bool:
    """The person asks for somebody; False when that was asked already."""
    return _open(db, chat_id, contact_id, language, "", now)


def take(db: Connection, hand_over_id: int, by: str, now: datetime, *, reason: str = "") -> Outcome:
    """A member of staff takes a chat that waits; the first one has it."""
    free = (rows.c.id == hand_over_id) & (rows.c.state == "waiting")
    values = {"state": "taken", "owner": by, "moved_at": now}
    if db.execute(update(rows).where(free).values(values)).rowcount == 1:
        _note(db, hand_over_id, by, "chat taken", now, reason)
        return "done"
    found = by_id(db, hand_over_id)
    if found is None or found.state == "ended":
        return "gone"
    return "done" if found.owner == by else "anothers"


def take_of(
    db: Connection, contact_id: int, by: str, now: datetime, *, reason: str = ""
) -> tuple[Outcome, int]:
    """A member of staff comes into a person's chat unasked, or takes what waits; its number.

    `reason` is kept in the audit.
    """
    link = telegram_links.of_contact(db, contact_id)
    if link is None or not link.confirmed or link.blocked:
        return "no_chat", 0
    contact = people.by_id(db, contact_id)
    language: Language = contact.language if contact is not None else "rw"
    if _open(db, link.chat_id, contact_id, language, by, now):
        found = open_in(db, link.chat_id)
        _tell(db, _must_have(db, found), hand_over_words.taken, "taken", now)
        _note(db, found, by, "chat taken", now, reason)
        _note_of(db, contact_id, by, now, reason)
        return "done", found
    found = open_in(db, link.chat_id)
    outcome = take(db, found, by, now, reason=reason)
    if outcome == "done":
        _note_of(db, contact_id, by, now, reason)
    return outcome, found


def give_back(db: Connection, hand_over_id: int, by: str, now: datetime) -> Outcome:
    """Whoever has the chat gives it back to the bot; the conversation stands where it stood."""
    found = by_id(db, hand_over_id, hold=True)
    if found is None or found.state == "ended":
        return "gone"
    if found.owner != by:
        return "anothers"
    _end(db, found, now)
    _tell(db, found, hand_over_words.given_back, "back", now)
    _note(db, hand_over_id, by, "chat given back", now)
    return "done"


def end_in(db: Connection, chat_id: int, now: datetime) -> bool:
    """The person goes on with the bot, or the chat speaks for them no more."""
    found = open_in(db, chat_id)
    if found:
        _end(db, _must_have(db, found), now)
    return bool(found)


def lapse_due(db: Connection, now: datetime, limit: int = 100) -> int:
    """What staff have not touched for long goes back to the bot, with a ticket; how many.

    Lines of the person do not count: whoever writes and is not answered must not wait for ever.
    """
    late = select(rows).where(OPEN, rows.c.moved_at < now - IDLE).order_by(rows.c.id).limit(limit)
    found = [_hand_over(row) for row in db.execute(late.with_for_update()).mappings().all()]
    for one in found:
        _end(db, one, now)
        answered = one.state == "taken"
        words = hand_over_words.given_back if answered else hand_over_words.nobody_came
        _tell(db, one, words, "back", now)
        if not answered:
            _ask_to_call(db, one, now)
    return len(found)


def listed(db: Connection) -> list[HandOver]:
    """Those that are open, who waits longest first, at most `LISTED_MOST`."""
    query = select(rows).where(OPEN).order_by(rows.c.state.desc(), rows.c.opened_at)
    query = query.limit(LISTED_MOST)
    return [_hand_over(row) for row in db.execute(query).mappings()]


def by_id(db: Connection, hand_over_id: int, *, hold: bool = False) -> HandOver | None:
    """A hand-over, also one that has ended; with `hold` nobody else changes it meanwhile."""
    query = select(rows).where(rows.c.id == hand_over_id)
    row = db.execute(query.with_for_update() if hold else query).mappings().first()
    return None if row is None else _hand_over(row)


def forget_old(db: Connection, now: datetime) -> None:
    """Drop what ended a month ago, with all that was said."""
    old = (rows.c.state == "ended") & (rows.c.ended_at < now - _KEPT)
    gone = hand_over_lines.c.hand_over_id.in_(select(rows.c.id).where(old))
    db.execute(delete(hand_over_lines).where(gone))
    db.execute(delete(rows).where(old))


def _open(
    db: Connection, chat_id: int, contact_id: int, language: Language, owner: str, now: datetime
) -> bool:
    if open_in(db, chat_id):
        return False
    # Of two who come at once the second finds the first.
    one_at_a_time(db, f"chat {chat_id}")
    if open_in(db, chat_id):
        return False
    state = "taken" if owner else "waiting"
    values = {"chat_id": chat_id, "contact_id": contact_id or None, "language": language}
    who = {"state": state, "owner": owner, "opened_at": now, "moved_at": now}
    db.execute(insert(rows).values(**values, **who))
    return True


def _end(db: Connection, found: HandOver, now: datetime) -> None:
    ended = {"state": "ended", "ended_at": now}
    db.execute(update(rows).where(rows.c.id == found.id, OPEN).values(ended))


def _tell(db: Connection, found: HandOver, words: Any, what: str, now: datetime) -> None:
    with speaking(found.language):
        text = words()
    put(db, found, text, f"hand over:{found.id}:{what}", now)


def put(db: Connection, found: HandOver, text: str, key: str, now: datetime) -> None:
    """Let a message go to this chat, once for `key`."""
    payload: dict[str, Any] = {"chat_id": found.chat_id, "method": "sendMessage"}
    payload["args"] = {"text": text}
    if found.contact_id:
        # Who unlinks the chat is told nothing more there.
        payload["contact_id"] = found.contact_id
    outbox.put(db, "telegram", key, payload, now)


def _ask_to_call(db: Connection, found: HandOver, now: datetime) -> None:
    contact = people.by_id(db, found.contact_id or 0)
    if contact is not None and contact.msisdn:
        open_ticket(
            db,
            category="call_back",
            msisdn=contact.msisdn,
            contact_id=contact.id,
            about="/agent",
            language=contact.language,
            now=now,
        )


def _note(
    db: Connection, hand_over_id: int, by: str, action: str, now: datetime, reason: str = ""
) -> None:
    details = {"reason": reason} if reason else {}
    line = {"at": now, "actor": by[:40], "action": action, "subject": f"hand-over {hand_over_id}"}
    db.execute(insert(audit).values(**line, details=details))


def _note_of(db: Connection, contact_id: int, by: str, now: datetime, reason: str) -> None:
    """Who asks who looked at a person finds it under their number."""
    line = {"at": now, "actor": by[:40], "action": "chat entered"}
    whose = {"subject": f"contact {contact_id}", "details": {"reason": reason}}
    db.execute(insert(audit).values(**line, **whose))


def _must_have(db: Connection, hand_over_id: int) -> HandOver:
    found = by_id(db, hand_over_id)
    if found is None:
        raise RuntimeError(f"hand-over {hand_over_id} went while it was held")
    return found


def _hand_over(row: RowMapping) -> HandOver:
    return HandOver(**{name: row[name] for name in HandOver.__slots__})
