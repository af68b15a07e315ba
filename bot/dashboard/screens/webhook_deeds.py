"""Sending and applying webhooks again: through the same dedupe as the first time, on record."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import Connection, select, update

from bot.dashboard.access.members import Member, note
from bot.i18n.ticket_sentences import DeliveryTrouble
from bot.market import hub_news, settlement, subscriptions
from bot.market.payments import OPEN
from bot.storage import outbox
from bot.storage.schema import hub_events, inbox, payments
from bot.storage.schema import outbox as letters


def apply_again(db: Connection, event_id: int, by: Member, now: datetime) -> str:
    """A parked event of the hub is tried again; one that was ended before has no effect."""
    values = {"state": "waiting", "attempts": 0, "due_at": now, "done_at": None}
    parked = (hub_events.c.id == event_id) & (hub_events.c.state == "parked")
    done = db.execute(update(hub_events).where(parked).values(values)).rowcount == 1
    return _noted(db, by, f"event in {event_id}", now, "again" if done else "duplicate")


def hear_again(db: Connection, callback_id: int, by: Member, now: datetime) -> str:
    """An operator's callback makes us ask once more; what is settled stays as it is."""
    row = db.execute(select(inbox.c.token).where(inbox.c.id == callback_id)).first()
    token = row.token if row is not None else ""
    still = (payments.c.callback_token == token) & payments.c.state.in_(OPEN)
    waits = bool(token) and db.execute(select(payments.c.id).where(still)).first() is not None
    if waits:
        settlement.look_up_now(db, token, now)
    return _noted(db, by, f"callback {callback_id}", now, "asked" if waits else "duplicate")


def send_again(db: Connection, letter_id: int, by: Member, now: datetime) -> str:
    """A delivery that was given up leaves again under its old id; any other has no effect."""
    mine = (letters.c.id == letter_id) & (letters.c.kind == hub_news.KIND)
    key = db.execute(select(letters.c.dedupe_key).where(mine)).scalar()
    done = key is not None and outbox.replay(db, key, now)
    return _noted(db, by, f"delivery {letter_id}", now, "again" if done else "duplicate")


def switch(db: Connection, number: int, by: Member, now: datetime, *, on: bool) -> str:
    """Deliver to this receiver again, or not any more; what is due to it is kept."""
    if on:
        done = subscriptions.enable(db, number)
    else:
        done = subscriptions.disable(db, number, DeliveryTrouble.BY.format(name=by.name))
    note(db, by.name, "receiver switched", f"subscription {number}", now, on=on)
    return ("on" if on else "off") if done else "duplicate"


def test(db: Connection, number: int, by: Member, now: datetime) -> str:
    """A test.ping leaves for this receiver."""
    key = secrets.token_hex(8)
    if subscriptions.by_id(db, number, now) is None:
        return "duplicate"
    hub_news.put(db, number, "test.ping", f"t{key[:8]}", key, {"test": True}, now)
    note(db, by.name, "receiver tested", f"subscription {number}", now)
    return "tested"


def _noted(db: Connection, by: Member, subject: str, now: datetime, outcome: str) -> str:
    note(db, by.name, "webhook replayed", subject, now, outcome=outcome)
    return outcome
