"""The figures of the first screen, each counted from the records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from bot.dashboard.screens.message_desk import WAY_WORDS
from bot.dashboard.screens.payment_desk import not_sent
from bot.dashboard.screens.ticket_desk import OPEN
from bot.market import clearance, hub_news, retries
from bot.market.limits import PayoutRules
from bot.storage.schema import outbox, payments, tickets


@dataclass(frozen=True, slots=True)
class Counts:
    """How things stand. `oldest_news` is when the oldest waiting message fell due.

    A message is for a person; webhooks and payments that were given up are counted apart.
    """

    tickets: dict[str, int]
    tickets_late: int
    payments_unknown: int
    payments_flagged: int
    payments_under_way: int
    payouts_waiting: int
    payments_untaken: int
    news_waiting: int
    news_dead: int
    webhooks_dead: int
    payments_dead: int
    oldest_news: datetime | None


def counts(db: Connection, rules: PayoutRules, now: datetime) -> Counts:
    """Everything that waits for somebody, as it is at this moment."""
    is_open = tickets.c.state.in_(OPEN)
    by_category = select(tickets.c.category, func.count()).where(is_open)
    open_ones = db.execute(by_category.group_by(tickets.c.category)).all()
    late = select(func.count()).where(is_open, tickets.c.due_at < now)
    unsettled = ("created", "sent", "unknown", "flagged")
    by_state = select(payments.c.state, func.count()).where(payments.c.state.in_(unsettled))
    money = {row[0]: row[1] for row in db.execute(by_state.group_by(payments.c.state))}
    waiting = clearance.how_many_wait(db, rules)
    to_people, due = outbox.c.kind.in_(WAY_WORDS), outbox.c.due_at <= now
    waits = select(func.count()).where(to_people, outbox.c.state == "waiting")
    oldest = select(func.min(outbox.c.due_at)).where(to_people, outbox.c.state == "waiting", due)
    given_up = _given_up(db)
    return Counts(
        tickets={row[0]: row[1] for row in sorted(open_ones, key=lambda row: -row[1])},
        tickets_late=db.execute(late).scalar() or 0,
        payments_unknown=money.get("unknown", 0),
        payments_flagged=money.get("flagged", 0),
        payments_under_way=money.get("created", 0) + money.get("sent", 0) - waiting,
        payouts_waiting=waiting,
        payments_untaken=sum(one.payments for one in retries.untaken(db)),
        news_waiting=db.execute(waits).scalar() or 0,
        news_dead=sum(given_up.get(way, 0) for way in WAY_WORDS),
        webhooks_dead=given_up.get(hub_news.KIND, 0),
        payments_dead=db.execute(select(func.count()).where(not_sent())).scalar() or 0,
        oldest_news=db.execute(oldest).scalar(),
    )


def _given_up(db: Connection) -> dict[str, int]:
    """How many dead letters there are, by their kind."""
    query = select(outbox.c.kind, func.count()).where(outbox.c.state == "dead")
    return {row[0]: row[1] for row in db.execute(query.group_by(outbox.c.kind))}
