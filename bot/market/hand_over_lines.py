"""What is said in a chat that staff have: each line once, and nothing in it that may be a PIN."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from bot.market.hand_overs import Outcome, by_id, put
from bot.pins_in_texts import may_be_about_a_pin, without_pins
from bot.storage.schema import hand_over_lines as rows
from bot.storage.schema import hand_overs

TEXT_MAX = 1000
_LINES_MAX = 200


@dataclass(frozen=True, slots=True)
class Line:
    """What somebody said: "person", or "staff" with a name."""

    who: str
    name: str
    text: str
    at: datetime
    id: int = 0


def heard(db: Connection, hand_over_id: int, text: str, key: str, now: datetime) -> None:
    """Keep what the person wrote, once for `key`; what may be a PIN is cut out."""
    _keep_line(db, hand_over_id, "person", "", text, key, now)


def say(
    db: Connection,
    hand_over_id: int,
    by: str,
    text: str,
    key: str,
    now: datetime,
    *,
    ready: bool = False,
    seen: int | None = None,
) -> Outcome:
    """Let a line of whoever has the chat reach it, once for `key`.

    It may not speak of a PIN; what is `ready`, words of our own, warns of giving it away.
    `seen` is the newest line that they had read: where there is a newer one nothing is sent.
    """
    said = text.strip()[:TEXT_MAX]
    if not said:
        return "empty"
    if not ready and may_be_about_a_pin(said):
        return "pin"
    found = by_id(db, hand_over_id, hold=True)
    if found is None or found.state == "ended":
        return "gone"
    if found.owner != by:
        return "anothers"
    if _is_kept(db, key):
        return "done"
    if seen is not None and _newest(db, hand_over_id) > seen:
        return "newer"
    if _keep_line(db, hand_over_id, "staff", by, said, key, now):
        put(db, found, f"{by.title()}: {said}", key, now)
    return "done"


def lines_of(db: Connection, hand_over_id: int) -> list[Line]:
    """What was said, the oldest first; of very much the newest part."""
    newest = (
        select(rows)
        .where(rows.c.hand_over_id == hand_over_id)
        .order_by(rows.c.id.desc())
        .limit(_LINES_MAX)
    )
    found = [
        Line(row["who"], row["name"], row["text"], row["at"], row["id"])
        for row in db.execute(newest).mappings()
    ]
    return found[::-1]


def _is_kept(db: Connection, key: str) -> bool:
    return db.execute(select(rows.c.id).where(rows.c.key == key)).first() is not None


def _newest(db: Connection, hand_over_id: int) -> int:
    query = select(func.max(rows.c.id)).where(rows.c.hand_over_id == hand_over_id)
    return int(db.execute(query).scalar() or 0)


def _keep_line(
    db: Connection, hand_over_id: int, who: str, name: str, text: str, key: str, now: datetime
) -> bool:
    if _is_kept(db, key):
        return False
    # PostgreSQL keeps no NUL.
    said = without_pins(text.replace("\x00", ""))[:TEXT_MAX]
    line = {"hand_over_id": hand_over_id, "who": who, "name": name, "text": said}
    db.execute(insert(rows).values(**line, at=now, key=key))
    if who == "staff":
        # Who writes and is not answered has the bot again: only staff keep it waiting.
        here = hand_overs.c.id == hand_over_id
        db.execute(update(hand_overs).where(here).values(moved_at=now))
    return True
