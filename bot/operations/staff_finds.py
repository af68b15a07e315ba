"""What alerts find of the staff's own door and audit, and of what waits for staff."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from bot.dashboard.access import attempts
from bot.dashboard.access.sign_in import EVERYBODY
from bot.dashboard.screens.reveal import REVEAL_REFUSED
from bot.market import subscriptions
from bot.market.staff_alerts import Found
from bot.operations.backlog import waiting
from bot.storage import shop_pulls, telegram_updates
from bot.storage.audit_chain import Patrol
from bot.storage.orphans import strangers
from bot.storage.schema import audit, outbox, staff

_HOUR = timedelta(hours=1)


def sign_ins(db: Connection, most: int, now: datetime) -> Iterator[Found]:
    """Tries to sign in by everybody together, in the last quarter of an hour."""
    tries = attempts.lately(db, EVERYBODY, now)
    if tries >= most:
        yield Found("sign_in_spray", "", tries)


def reveals(db: Connection, most: int, now: datetime) -> Iterator[Found]:
    """Members who asked for more numbers than they may see; asked by name, as the index has it."""
    lately = (audit.c.at > now - _HOUR) & audit.c.actor.in_(select(staff.c.name))
    query = (
        select(audit.c.actor, func.count().label("times"))
        .where(lately, audit.c.action == REVEAL_REFUSED)
        .group_by(audit.c.actor)
    )
    for row in db.execute(query):
        if row.times >= most:
            yield Found("reveals", row.actor, row.times)


def left_over(db: Connection, most: int, now: datetime) -> Iterator[Found]:
    """What nothing will be done about by itself. Old letters that nobody sends again are known."""
    given_up = (outbox.c.state == "dead") & (outbox.c.done_at > now - _HOUR)
    letters = db.execute(select(func.count()).where(given_up)).scalar() or 0
    parked = telegram_updates.waiting(db, now)[1]
    for about, count in (
        ("chats", parked),
        ("hub", waiting(db, now).hub_parked),
        ("letters", letters),
    ):
        if count >= most:
            yield Found("left_over", about, count)


def shops(db: Connection, most: int) -> Iterator[Found]:
    """Shops that do not answer, or not well."""
    for shop in shop_pulls.every_one(db):
        if shop["failures"] >= most:
            yield Found("shop_failing", shop["source"], shop["failures"])


def callbacks(db: Connection, most: int, now: datetime) -> Iterator[Found]:
    """Operators' callbacks of the last hour for no payment of ours, or forged."""
    count = strangers(db, now - _HOUR)
    if count >= most:
        yield Found("stranger_callbacks", "", count)


def receivers(db: Connection) -> Iterator[Found]:
    """Receivers of webhooks that were disabled, but by nobody's hand: what they lack waits."""
    for receiver_id in subscriptions.given_up(db):
        yield Found("receiver_off", str(receiver_id), receiver_id)


def forged(db: Connection, patrol: Patrol) -> Iterator[Found]:
    """The first wrong line of the part of the audit that is looked at now."""
    bad_id = patrol.step(db)
    if bad_id:
        yield Found("audit_chain", "", bad_id)
