"""One webhook delivery as staff see it: its tries, what was sent, and to whom."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from bot.market import hub_news, subscriptions
from bot.market.subscriptions import Subscription
from bot.masking import without_numbers
from bot.storage import webhook_tries
from bot.storage.schema import outbox
from bot.storage.webhook_tries import Try

_HIDDEN = "v1,•••"


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """One delivery. `headers` are those of its newest try; signatures and numbers are hidden.

    `first` is the id of the one that leaves before it for the same order, 0 where there is none.
    """

    id: int
    event_id: str
    type: str
    state: str
    attempts: int
    last_error: str
    due_at: datetime
    written_at: datetime
    done_at: datetime | None
    receiver: Subscription | None
    tries: list[Try]
    headers: dict[str, str]
    body: str
    first: int


def one_delivery(db: Connection, letter_id: int, now: datetime) -> DeliveryPage | None:
    """The delivery with this number, with all that is known of it; None for any other letter."""
    mine = (outbox.c.id == letter_id) & (outbox.c.kind == hub_news.KIND)
    row = db.execute(select(outbox).where(mine)).mappings().first()
    if row is None:
        return None
    said, tries = row["payload"], webhook_tries.of_letter(db, letter_id)
    return DeliveryPage(
        letter_id,
        said.get("event_id", ""),
        said.get("type", ""),
        row["state"],
        row["attempts"],
        row["last_error"],
        row["due_at"],
        row["written_at"],
        row["done_at"],
        subscriptions.by_id(db, said.get("subscription", 0), now),
        tries,
        _headers(said, tries),
        _pretty(said.get("body", "")),
        _before(db, row),
    )


def _headers(said: dict[str, Any], tries: list[Try]) -> dict[str, str]:
    """What the newest try was sent with: the signatures are to be made by who has the secret."""
    if not tries:
        return {}
    return {
        "Content-Type": "application/json",
        "User-Agent": hub_news.USER_AGENT,
        "webhook-id": said.get("event_id", ""),
        "webhook-timestamp": str(int(tries[0].at.timestamp())),
        "webhook-signature": " ".join([_HIDDEN] * tries[0].signatures),
    }


def _pretty(body: str) -> str:
    try:
        laid_out = json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except ValueError:
        laid_out = body
    return without_numbers(laid_out)


def _before(db: Connection, row: RowMapping) -> int:
    """What of its lane waits and was tried before it: nothing passes that."""
    ahead = (outbox.c.lane == row["lane"]) & (outbox.c.id < row["id"])
    waits = (outbox.c.kind == hub_news.KIND) & (outbox.c.state == "waiting")
    if row["state"] != "waiting" or not row["lane"]:
        return 0
    query = select(outbox.c.id).where(waits, ahead).order_by(outbox.c.id).limit(1)
    return int(db.execute(query).scalar() or 0)
