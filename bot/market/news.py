"""News to people, in their language: where it reaches them, and when.

It leaves through the outbox of its cause: where the person wishes. Who said nothing has it in the
chat when that is where they were last and the link is confirmed, else by SMS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from bot.conversation import Language
from bot.i18n import speaking
from bot.market import news_wishes, people, telegram_links
from bot.market.news_wishes import Hours, Way
from bot.market.telegram_links import Link
from bot.storage import outbox
from bot.storage.outbox import OutboxRow
from bot.storage.schema import contacts, transcripts
from bot.storage.schema import news_wishes as wishes

_CHAT = "telegram:"
_ASKED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one hour to another, on the clock of `timezone`; the same hour twice is never."""

    from_hour: int = 0
    until_hour: int = 0
    timezone: str = "UTC"

    def as_wished(self, hours: Hours | None) -> QuietHours:
        """These hours, or a person's own ones on the same clock."""
        if hours is None:
            return self
        return replace(self, from_hour=hours[0], until_hour=hours[1])

    def leaves_at(self, now: datetime, before: datetime | None = None) -> datetime:
        """`now`, or the end of the quiet hours; what is of no use after `before` never waits."""
        clock = ZoneInfo(self.timezone)
        hour = now.astimezone(clock).hour
        from_hour, until_hour = self.from_hour, self.until_hour
        over_night = from_hour > until_hour
        late, early = hour >= from_hour, hour < until_hour
        if not ((late or early) if over_night else (late and early)):
            return now
        day = now.astimezone(clock).date() + timedelta(days=1 if over_night and late else 0)
        end = datetime.combine(day, time(until_hour), clock).astimezone(UTC)
        return now if before is not None and before <= end else end


# Whoever may be told at any hour.
NEVER = QuietHours()


def tell(
    db: Connection,
    contact_id: int,
    dedupe_key: str,
    words: Callable[[], str],
    now: datetime,
    quiet: QuietHours | None = None,
    *,
    before: datetime | None = None,
    by_phone: bool = False,
) -> bool:
    """Tell the person what `words()` says in their language; once for each `dedupe_key`.

    What can wait for the morning names the hub's `quiet` hours, in whose place the person's own
    stand, and `before` when it is of use. `by_phone` is for what must reach whoever holds the
    number, or was asked for as an SMS. An erased person gets nothing, and one whose news is muted
    nothing that can wait.
    """
    contact = people.by_id(db, contact_id)
    if contact is None or not contact.msisdn:
        return False
    wish = news_wishes.of(db, contact_id)
    if wish.muted and quiet is not None:
        return False
    with speaking(contact.language):
        text = words()
    leaves_at = None if quiet is None else quiet.as_wished(wish.hours).leaves_at(now, before)
    # What never waits is also promised on the screen that it follows: it goes as it always did.
    way = "last" if quiet is None and wish.way == "chat" else wish.way
    link = None if by_phone or contact.verifying else chat_wished(db, contact_id, way)
    if link is None:
        payload = {"contact_id": contact_id, "text": text}
        return outbox.put(db, "sms", dedupe_key, payload, now, leaves_at)
    payload = {**_to_chat(link, contact_id, text), "sms": text}
    return outbox.put(db, "telegram", dedupe_key, payload, now, leaves_at)


def tell_by_sms(
    db: Connection,
    contact_ids: Sequence[int],
    dedupe_key: str,
    words: Callable[[], str],
    now: datetime,
    quiet: QuietHours | None = None,
) -> int:
    """Tell many the same, each in their language and once for the key; to how many it leaves.

    By SMS alone: where each of a thousand was last would take a thousand looks.
    """
    texts: dict[Language, str] = {}
    told = 0
    for start in range(0, len(contact_ids), _ASKED_AT_ONCE):
        mine = contacts.c.id.in_(contact_ids[start : start + _ASKED_AT_ONCE])
        reached = mine & contacts.c.msisdn.is_not(None)
        told_of = contacts.c.id, contacts.c.language, wishes.c.quiet_from, wishes.c.quiet_until
        query = select(*told_of).outerjoin(wishes, wishes.c.contact_id == contacts.c.id)
        query = query.where(reached).order_by(contacts.c.id)
        if quiet is not None:
            query = query.where(wishes.c.muted_since.is_(None))
        for contact_id, language, *hours in db.execute(query).all():
            if language not in texts:
                with speaking(language):
                    texts[language] = words()
            payload = {"contact_id": contact_id, "text": texts[language]}
            key = f"{dedupe_key}:{contact_id}"
            leaves_at = None
            if quiet is not None:
                own = None if hours[0] is None else (hours[0], hours[1])
                leaves_at = quiet.as_wished(own).leaves_at(now)
            told += outbox.put(db, "sms", key, payload, now, leaves_at)
    return told


def tell_chat_too(
    db: Connection, contact_id: int, dedupe_key: str, words: Callable[[], str], now: datetime
) -> bool:
    """Tell the person's chat what their numbers are told, wherever they were last; False without.

    For what a SIM in another hand must not hide. It never becomes an SMS.
    """
    contact, link = people.by_id(db, contact_id), open_link(db, contact_id)
    if contact is None or contact.verifying or link is None:
        return False
    with speaking(contact.language):
        payload = _to_chat(link, contact_id, words())
    return outbox.put(db, "telegram", dedupe_key, payload, now)


def may_reach(db: Connection, contact_id: int, chat_id: int) -> bool:
    """Whether news of this person may still go to this chat, as it is about to leave."""
    link = open_link(db, contact_id)
    return link is not None and link.chat_id == chat_id


def by_sms(db: Connection, row: OutboxRow, now: datetime) -> bool:
    """Let news that cannot reach a chat leave as an SMS. False when it has no words for one."""
    text, contact_id = row.payload.get("sms"), row.payload.get("contact_id")
    if not text or not contact_id:
        return False
    outbox.leave_as(db, row, "sms", {"contact_id": contact_id, "text": text}, now)
    return True


def _to_chat(link: Link, contact_id: int, text: str) -> dict[str, Any]:
    said = {"method": "sendMessage", "args": {"text": text}}
    return {"chat_id": link.chat_id, **said, "contact_id": contact_id}


def chat_wished(db: Connection, contact_id: int, way: Way) -> Link | None:
    """The chat to which the person's news goes that way; without one it is an SMS."""
    if way == "sms":
        return None
    return open_link(db, contact_id) if way == "chat" else chat_of(db, contact_id)


def chat_of(db: Connection, contact_id: int) -> Link | None:
    """The person's chat, when that is where they were last."""
    link = open_link(db, contact_id)
    if link is None:
        return None
    mine = transcripts.c.owner == link.msisdn
    last = select(transcripts.c.session_key).where(mine).order_by(transcripts.c.id.desc()).limit(1)
    return link if str(db.execute(last).scalar() or "").startswith(_CHAT) else None


def open_link(db: Connection, contact_id: int) -> Link | None:
    """The person's chat, wherever they were last; None without one that takes messages."""
    link = telegram_links.of_contact(db, contact_id)
    return link if link is not None and link.confirmed and not link.blocked else None
