"""Webhooks as staff see them: what came in and what was made of it, what leaves and how often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, func, select

from bot.dashboard.screens.asked import PAGE
from bot.dashboard.screens.by_lots import Found, page_of
from bot.dashboard.screens.letters import letters_page
from bot.i18n import N_
from bot.market import hub_news, subscriptions
from bot.market.subscriptions import Subscription
from bot.storage.records import Records
from bot.storage.schema import hub_events, inbox, outbox
from bot.storage.schema.delivery import HAS_VIA

IN_WORDS = {
    "waiting": N_("waiting"),
    "applied": N_("applied"),
    "refused": N_("refused"),
    "ignored": N_("ignored"),
    "parked": N_("parked"),
}
# Few, or soon to be looked into; what was sent only grows.
UNSENT = ("waiting", "dead")
OUT_WORDS = {"waiting": N_("waiting"), "sent": N_("sent"), "dead": N_("given up")}
TRIES = 1 + len(hub_news.RETRY_AFTER_S)
RECOVER_WITHIN = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Came:
    """One event that came in; `kind` is "hub" or "operator", and both number their own rows."""

    kind: str
    id: int
    source: str
    event_id: str
    type: str
    state: str
    outcome: str
    attempts: int
    received_at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Leaves:
    """One delivery. `tries` is how often it may be tried."""

    id: int
    subscription: int
    event_id: str
    type: str
    state: str
    attempts: int
    tries: int
    last_error: str
    due_at: datetime
    written_at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Receiver:
    """A subscription, and how much waits for it or was given up."""

    of: Subscription
    waiting: int
    dead: int


async def events_page(
    records: Records, filters: Mapping[str, str], before: int
) -> tuple[list[Came], Found]:
    """What the hub sent, the newest first, and how far the page went.

    Each was kept because its signature was right.
    """
    which = [hub_events.c.state == filters["state"]] if filters.get("state") else []
    page = await page_of(records, select(hub_events), hub_events.c.id, which, before)
    found = [
        Came(
            "hub",
            row["id"],
            row["source"],
            row["event_id"],
            row["type"],
            row["state"],
            row["outcome"],
            row["attempts"],
            row["received_at"],
            row["done_at"],
        )
        for row in page.rows
    ]
    return found, page


def callbacks_page(db: Connection, before: int) -> tuple[list[Came], Found]:
    """What operators called back with, the newest first, and how far the page went."""
    query = select(inbox)
    if before:
        query = query.where(inbox.c.id < before)
    rows = list(db.execute(query.order_by(inbox.c.id.desc()).limit(PAGE + 1)).mappings())
    found = [
        Came(
            "operator",
            row["id"],
            row["source"],
            row["event_id"],
            "",
            "applied" if row["applied_at"] else "waiting",
            row["outcome"],
            1,
            row["received_at"],
            row["applied_at"],
        )
        for row in rows[:PAGE]
    ]
    return found, Found(rows[:PAGE], found[-1].id if len(rows) > PAGE else 0)


async def deliveries_page(
    records: Records, filters: Mapping[str, str], before: int
) -> tuple[list[Leaves], Found]:
    """What leaves for the hub's receivers, the newest first, and how far the page went."""
    mine = outbox.c.kind == hub_news.KIND
    if filters.get("to"):
        mine = HAS_VIA & (outbox.c.via == subscriptions.via_of(int(filters["to"])))
    if filters.get("state"):
        mine &= outbox.c.state == filters["state"]
    if filters.get("state") in UNSENT:
        rows = list(await records.read(lambda db: letters_page(db, mine, before)))
        page = Found(rows[:PAGE], rows[PAGE - 1]["id"] if len(rows) > PAGE else 0)
        return _leaves(page.rows), page
    # What was sent is kept for ever, and grows with every order.
    page = await page_of(records, select(outbox), outbox.c.id, [mine], before)
    return _leaves(page.rows), page


def _leaves(rows: Sequence[RowMapping]) -> list[Leaves]:
    return [
        Leaves(
            row["id"],
            row["payload"].get("subscription", 0),
            row["payload"].get("event_id", ""),
            row["payload"].get("type", ""),
            row["state"],
            row["attempts"],
            TRIES,
            row["last_error"],
            row["due_at"],
            row["written_at"],
            row["done_at"],
        )
        for row in rows
    ]


def receivers(db: Connection, now: datetime) -> list[Receiver]:
    """Every receiver, and what waits for it."""
    query = select(outbox.c.via, outbox.c.state, func.count()).where(
        outbox.c.kind == hub_news.KIND, outbox.c.state.in_(UNSENT)
    )
    rows = db.execute(query.group_by(outbox.c.via, outbox.c.state)).all()
    counts = {(row[0], row[1]): row[2] for row in rows}
    return [
        Receiver(one, counts.get((one.via, "waiting"), 0), counts.get((one.via, "dead"), 0))
        for one in subscriptions.all_of_them(db, now)
    ]
