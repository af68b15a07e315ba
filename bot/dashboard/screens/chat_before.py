"""What the bot and a person said in a chat before staff took it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from bot.dashboard.screens.one_call import Hop, hop_of
from bot.market.hand_overs import HandOver
from bot.storage.schema import transcripts

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Before:
    """The last hops of the conversation, the oldest first, and `id`, the row of the newest.

    `whole` is False when it began before them.
    """

    id: int
    hops: list[Hop]
    whole: bool


def before(db: Connection, chat: HandOver, msisdn: str, ours: str) -> Before | None:
    """The conversation that stands still, of the person with this number, or of nobody known."""
    table = transcripts
    mine = table.c.owner == (msisdn or f"tg:{chat.chat_id}")
    here = table.c.session_key.startswith(f"telegram:{chat.chat_id}.", autoescape=True)
    then = table.c.at_ms <= int(chat.opened_at.timestamp() * 1000)
    # By the time: by the row PostgreSQL would begin with the newest of everybody.
    newest = table.c.at_ms.desc(), table.c.id.desc()
    query = select(table).where(mine, here, then).order_by(*newest).limit(_SHOWN)
    rows = list(db.execute(query).mappings())
    if not rows:
        return None
    # It begins anew once the person has written nothing for long.
    first = next((place for place, row in enumerate(rows) if row["hop"] <= 1), None)
    last = rows if first is None else rows[: first + 1]
    hops = [hop_of(row, ours) for row in reversed(last)]
    return Before(rows[0]["id"], hops, whole=first is not None)
