"""Updates as they are taken in hand: read once more, or parked when nobody can apply them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec
import structlog
from sqlalchemy import Connection, insert

from bot.engine.hop import redacted
from bot.market import hand_overs, telegram_links
from bot.market.telegram_links import Link
from bot.storage import telegram_updates
from bot.storage.schema import audit
from bot.storage.telegram_updates import Held
from bot.telegram.wire import Update, reread

log = structlog.get_logger(__name__)

_DIED = "each process that had it in hand died or was cut off"


@dataclass(frozen=True, slots=True)
class InHand:
    """An update in hand, what it says, and the number for which its sender speaks."""

    held: Held
    update: Update
    link: Link | None
    # The hand-over in which staff have the chat, 0 while the bot has it.
    hand_over: int = 0


def taken(db: Connection, held: Held, update: Update) -> InHand:
    """An update with what must be known of its sender and its chat before it is applied."""
    return InHand(held, update, _link(db, update), hand_overs.open_in(db, held.chat_id))


def is_given_up(ends: int, tries_max: int) -> bool:
    """Whether an update of which so many tries came to an end is tried no more."""
    return ends >= tries_max


def read_or_park(db: Connection, held: Held, tries_max: int, now: datetime) -> InHand | None:
    """The update that was just taken; None when it is parked, since nobody could apply it.

    That is one whose tries all ended without a word, and one that cannot be read again.
    """
    if is_given_up(held.attempts - 1, tries_max):
        park(db, held, _DIED, now)
        return None
    try:
        return taken(db, held, reread(held.body))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        park(db, held, type(error).__name__, now)
        return None


def park(db: Connection, held: Held, why: str, now: datetime) -> None:
    """Put an update aside for people, on record. Raises `LeaseLost`."""
    log.error("telegram update parked", update=held.update_id, why=why)
    telegram_updates.park(db, held, why, without_pins(held.body), now)
    line = {
        "at": now,
        "actor": "server",
        "action": "telegram update parked",
        "subject": f"telegram update {held.update_id}",
        "details": {"why": why, "tries": held.attempts},
    }
    db.execute(insert(audit), line)


def without_pins(raw: bytes) -> bytes:
    """Typed text cut out as far as it may be a PIN; the numbers of updates stay."""
    try:
        plain = msgspec.json.decode(raw)
        if isinstance(plain, dict) and isinstance(plain.get("message"), dict):
            message = plain["message"]
            if isinstance(message.get("text"), str):
                message["text"] = redacted(message["text"], secret=True)
        return msgspec.json.encode(plain)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return redacted(raw.decode("utf-8", "replace"), secret=False).encode()


def _link(db: Connection, update: Update) -> Link | None:
    """The number for which the sender's account speaks; only what its phone has confirmed."""
    if update.sender is None:
        return None
    link = telegram_links.of_user(db, update.sender.id)
    return link if link is not None and link.confirmed else None
