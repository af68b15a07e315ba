"""What has left says for some days what it said; then only that it left, under its key."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from bot.storage.schema import outbox
from bot.storage.schema.delivery import IS_FULL

# What names nobody, and tells staff which one it was.
_STAYS = ("subscription", "event_id", "type", "reference")


def empty_before(db: Connection, moment: datetime, limit: int) -> int:
    """Empty at most `limit` letters that left before `moment`, the oldest first; how many."""
    old = select(outbox.c.id, outbox.c.payload).where(IS_FULL, outbox.c.done_at < moment)
    found = db.execute(old.order_by(outbox.c.done_at).limit(limit)).all()
    gone = {"contact_id": None, "msisdn": None, "lane": "", "last_error": "", "emptied": 1}
    # One that is sent again meanwhile keeps what it says.
    this = update(outbox).where(outbox.c.id == bindparam("the_id"), IS_FULL)
    rows = [
        {
            "the_id": row.id,
            "left": {name: row.payload[name] for name in _STAYS if name in row.payload},
        }
        for row in found
    ]
    if rows:
        left = bindparam("left", type_=outbox.c.payload.type)
        db.execute(this.values(payload=left, **gone), rows)
    return len(rows)
