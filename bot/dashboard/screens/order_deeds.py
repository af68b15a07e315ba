"""What staff do about an order and its parts: call off, tell again, receive, dispute; on record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, select

from bot.dashboard.access.members import Member, note
from bot.dashboard.screens.asked import count_in
from bot.kept_text import kept_text
from bot.market import Actor, Market, calling_off, disputes, receiving
from bot.market.telling_again import tell_again
from bot.storage.schema import offers, orders

_REASON_MOST = 160
_CHANNEL = "dashboard"


def cancel(db: Connection, code: str, by: Member, form: dict[str, str], now: datetime) -> str:
    """Call off what nobody has accepted, as the hub's own cancellation does; with a reason.

    "changed" when a farmer has answered since the page was made.
    """
    reason = kept_text(form.get("reason", ""), _REASON_MOST)
    if not reason:
        return "no_reason"
    order_id = db.execute(select(orders.c.id).where(orders.c.code == code)).scalar()
    if order_id is None:
        return "no_effect"
    calling_off.hold(db, order_id)
    if form.get("version") != str(calling_off.version_of(db, order_id)):
        return "changed"
    actor = Actor(by.name, "dashboard", f"desk:{order_id}:{now:%Y%m%d%H%M%S%f}")
    count = calling_off.call_off(db, order_id, actor, now)
    if count is None:
        return "no_effect"
    note(db, by.name, "order called off", f"order {code}", now, reason=reason, offers=count)
    return "cancelled"


def notify(
    db: Connection, market: Market, code: str, offer_id: int, by: Member, now: datetime
) -> str:
    """Send the notice of one of its offers again."""
    if not _is_part(db, code, offer_id):
        return "no_effect"
    said = tell_again(db, offer_id, market.hub, market.quiet, now)
    note(db, by.name, "notice sent again", f"order {code}", now, offer=offer_id, outcome=said)
    return said


def receive(
    db: Connection, code: str, offer_id: int, by: Member, form: dict[str, str], now: datetime
) -> str:
    """Note that a part came to the collection point, and how many kilograms."""
    if not _is_part(db, code, offer_id):
        return "no_effect"
    weight_g = receiving.grams_of(form.get("kilos", ""))
    return receiving.note_received(db, offer_id, weight_g, by.name, _CHANNEL, now)


def dispute(
    db: Connection, code: str, offer_id: int, by: Member, form: dict[str, str], now: datetime
) -> str:
    """Stop a part that is not paid yet, with a reason."""
    return _dispute(disputes.dispute, db, code, offer_id, by, form, now)


def resume(
    db: Connection, code: str, offer_id: int, by: Member, form: dict[str, str], now: datetime
) -> str:
    """Let a disputed part go on from where it stood."""
    return _dispute(disputes.resume, db, code, offer_id, by, form, now)


def call_off(
    db: Connection, code: str, offer_id: int, by: Member, form: dict[str, str], now: datetime
) -> str:
    """End a disputed part: it is not paid."""
    return _dispute(disputes.call_off, db, code, offer_id, by, form, now)


def _dispute(
    deed: Callable[..., str],
    db: Connection,
    code: str,
    offer_id: int,
    by: Member,
    form: dict[str, str],
    now: datetime,
) -> str:
    if not _is_part(db, code, offer_id):
        return "no_effect"
    seen, reason = count_in(form.get("version", "")), form.get("reason", "")
    return deed(db, offer_id, reason=reason, by=by.name, channel=_CHANNEL, now=now, seen=seen)


def _is_part(db: Connection, code: str, offer_id: int) -> bool:
    whose = (
        select(orders.c.id)
        .join(offers, offers.c.order_id == orders.c.id)
        .where(orders.c.code == code, offers.c.id == offer_id)
    )
    return db.execute(whose).first() is not None
