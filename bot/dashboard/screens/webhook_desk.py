"""Webhooks as staff see them: what came in and what was made of it, what leaves and how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from bot.dashboard.screens.asked import PAGE
from bot.i18n import N_
from bot.market import hub_news, subscriptions
from bot.market.subscriptions import Subscription
from bot.storage.schema import hub_events, inbox, outbox

IN_WORDS = {
    "waiting": N_("waiting"),
    "applied": N_("applied"),
    "refused": N_("refused"),
    "ignored": N_("ignored"),
    "parked": N_("parked"),
}
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


def events_page(db: Connection, filters: Mapping[str, str], before: int) -> tuple[list[Came], int]:
    """What the hub sent, the newest first; each was kept because its signature was right."""
    query = select(hub_events)
    if filters.get("state"):
        query = query.where(hub_events.c.state == filters["state"])
    if before:
        query = query.where(hub_events.c.id < before)
    rows = db.execute(query.order_by(hub_events.c.id.desc()).limit(PAGE + 1)).mappings().all()
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
        for row in rows[:PAGE]
    ]
    return found, found[-1].id if len(rows) > PAGE else 0


def callbacks_page(db: Connection, before: int) -> tuple[list[Came], int]:
    """What operators called back with, the newest first."""
    query = select(inbox)
    if before:
        query = query.where(inbox.c.id < before)
    rows = db.execute(query.order_by(inbox.c.id.desc()).limit(PAGE + 1)).mappings().all()
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
    return found, found[-1].id if len(rows) > PAGE else 0


def deliveries_page(
    db: Connection, filters: Mapping[str, str], before: int
) -> tuple[list[Leaves], int]:
    """What leaves for the hub's receivers, the newest first."""
    query = select(outbox).where(outbox.c.kind == hub_news.KIND)
    if filters.get("state"):
        query = query.where(outbox.c.state == filters["state"])
    if filters.get("to"):
        query = query.where(outbox.c.via == subscriptions.via_of(int(filters["to"])))
    if before:
        query = query.where(outbox.c.id < before)
    rows = db.execute(query.order_by(outbox.c.id.desc()).limit(PAGE + 1)).mappings().all()
    found = [
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
        for row in rows[:PAGE]
    ]
    return found, found[-1].id if len(rows) > PAGE else 0


def receivers(db: Connection, now: datetime) -> list[Receiver]:
    """Every receiver, and what waits for it."""
    query = select(outbox.c.via, outbox.c.state, func.count()).where(
        outbox.c.kind == hub_news.KIND, outbox.c.state.in_(("waiting", "dead"))
    )
    rows = db.execute(query.group_by(outbox.c.via, outbox.c.state)).all()
    counts = {(row[0], row[1]): row[2] for row in rows}
    return [
        Receiver(one, counts.get((one.via, "waiting"), 0), counts.get((one.via, "dead"), 0))
        for one in subscriptions.all_of_them(db, now)
    ]
