"""Messages to people that could not be sent, as staff see them: to whom, when, and why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, select

from bot.dashboard.screens.asked import PAGE
from bot.dashboard.screens.letters import letters_page
from bot.i18n import N_
from bot.msisdn import masked
from bot.storage.schema import contacts, outbox, telegram_links

# What of the outbox is a message to a person; money and webhooks have pages of their own.
WAY_WORDS = {"sms": N_("SMS"), "telegram": N_("Telegram")}


@dataclass(frozen=True, slots=True)
class Unsent:
    """A dead letter to a person: `number` is masked and "" where none is known.

    `contact_id` is 0 for nobody's; `what` is what Telegram was asked to do, "" of an SMS.
    """

    id: int
    way: str
    what: str
    number: str
    contact_id: int
    attempts: int
    why: str
    written_at: datetime
    given_up_at: datetime | None


def messages(db: Connection, filters: Mapping[str, str], before: int) -> tuple[list[Unsent], int]:
    """A page of what could not be sent, the newest first; and where the next begins, 0 for nowhere.

    `filters` has `way`, a key of `WAY_WORDS` or "" for all.
    """
    ways = (filters["way"],) if filters.get("way") else tuple(WAY_WORDS)
    rows = letters_page(db, outbox.c.kind.in_(ways) & (outbox.c.state == "dead"), before)
    numbers, people = _numbers(db, rows[:PAGE]), _of_chats(db, rows[:PAGE])
    found = [_unsent(row, numbers, people) for row in rows[:PAGE]]
    return found, found[-1].id if len(rows) > PAGE else 0


def _unsent(
    row: RowMapping, numbers: Mapping[int, str], people: Mapping[int, tuple[str, int]]
) -> Unsent:
    said = row["payload"]
    contact_id = said.get("contact_id") or 0
    number = said.get("msisdn") or numbers.get(contact_id, "")
    if not number and not contact_id:
        # An answer in a chat names the chat only.
        number, contact_id = people.get(_chat(row), ("", 0))
    return Unsent(
        row["id"],
        row["kind"],
        str(said.get("method", "")),
        masked(number) if number else "",
        contact_id,
        row["attempts"],
        row["last_error"],
        row["written_at"],
        row["done_at"],
    )


def _numbers(db: Connection, rows: Sequence[RowMapping]) -> dict[int, str]:
    ids = {row["payload"].get("contact_id") for row in rows} - {None, 0}
    query = select(contacts.c.id, contacts.c.msisdn).where(contacts.c.id.in_(ids))
    return {row.id: row.msisdn or "" for row in db.execute(query)}


def _of_chats(db: Connection, rows: Sequence[RowMapping]) -> dict[int, tuple[str, int]]:
    """The number and the person of each private chat, which has the id of its account."""
    link = telegram_links.c
    live: ColumnElement[bool] = link.confirmed_at.is_not(None) & link.ended_at.is_(None)
    chats = {_chat(row) for row in rows if row["kind"] == "telegram"}
    query = select(link.user_id, link.msisdn, link.contact_id)
    found = db.execute(query.where(link.user_id.in_(chats), live))
    return {row.user_id: (row.msisdn, row.contact_id or 0) for row in found}


def _chat(row: RowMapping) -> int:
    return int(row["payload"].get("chat_id") or 0)
