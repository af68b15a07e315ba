"""What must hold of callbacks and messages after any storm, kill or crash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Connection, func, select

from bot.storage.schema import (
    contacts,
    inbox,
    ledger_entries,
    operators,
    outbox,
    payment_events,
    payments,
)
from bot.ussd.gsm7 import fold
from tests.storm.of_money import OVER
from tests.storm.seen import Seen


def kept_before_answered(db: Connection, seen: Seen) -> Iterable[str]:
    """I9: each 2xx to a callback has a row that was there before it, and is there still."""
    yield from (f"{event} was answered before it was kept" for event in seen.acknowledged_early)
    kept = set(db.execute(select(inbox.c.source, inbox.c.event_id)).tuples())
    yield from (f"{one} was answered and is lost" for one in seen.acknowledged - kept)


def applied_once(db: Connection, _seen: Seen) -> Iterable[str]:
    """I10: each callback applied, each payment ended and each cause posted once."""
    for row in db.execute(select(inbox.c.event_id).where(inbox.c.applied_at.is_(None))):
        yield f"{row[0]} was never applied"
    ends = select(payment_events.c.payment_id).where(payment_events.c.to_state.in_(OVER))
    several = ends.group_by(payment_events.c.payment_id).having(func.count() > 1)
    yield from (f"payment {one} ended more than once" for one in db.execute(several).scalars())
    for column, table in ((ledger_entries.c.cause, "entry"), (outbox.c.dedupe_key, "news")):
        twice = select(column).group_by(column).having(func.count() > 1)
        yield from (f"{table} {one} is there twice" for one in db.execute(twice).scalars())


def news_arrived(db: Connection, seen: Seen) -> Iterable[str]:
    """I11: each message arrived, and whatever arrived is one of ours."""
    arrived, wanted = Counter(seen.sms), set[tuple[str, str]]()
    numbers = dict(db.execute(select(contacts.c.id, contacts.c.msisdn)).tuples().all())
    for payload in db.execute(select(outbox.c.payload).where(outbox.c.kind == "sms")).scalars():
        number = numbers.get(payload.get("contact_id", 0)) or payload.get("msisdn", "")
        wanted.add((number, fold(payload["text"])))
    yield from (f"{one} never arrived" for one in wanted if not arrived[one])
    yield from (f"{one} arrived and is none of ours" for one in arrived if one not in wanted)
    paid = select(func.count()).where(payments.c.state == "succeeded")
    told = select(func.count()).where(outbox.c.dedupe_key.like("money:%"))
    if db.execute(paid).scalar() != db.execute(told).scalar():
        yield "not everybody who was paid was told"


def nothing_waits(db: Connection, seen: Seen) -> Iterable[str]:
    """I19: every backlog is back at nothing."""
    states = select(outbox.c.state, func.count()).where(outbox.c.state != "sent")
    for state, count in db.execute(states.group_by(outbox.c.state)).tuples():
        yield f"{count} pieces of news are {state}"
    asked = select(func.count()).where(payments.c.look_up_at.is_not(None))
    if count := db.execute(asked).scalar():
        yield f"{count} look-ups wait"
    shut = select(operators.c.provider, operators.c.state).where(operators.c.state != "working")
    yield from (f"{row[0]} is {row[1]}" for row in db.execute(shut))
    yield from (f"{count} {name}" for name, count in seen.backlog.items() if count)
