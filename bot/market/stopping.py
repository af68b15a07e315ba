"""Stopping a payment that no answer ends: its operator is asked no more, and two people end it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, select

from bot.i18n.ticket_sentences import TicketSentence
from bot.kept_text import kept_text
from bot.market import settlement
from bot.market.approvals import HUB
from bot.market.letters import keys_of
from bot.market.payments import OPEN, Payment, as_payment, by_reference, locked
from bot.storage.schema import outbox, payments

Stopped = Literal["stopped", "gone", "ended", "not_asked", "too_early", "no_name", "no_reason"]


def old(db: Connection, now: datetime) -> list[Payment]:
    """Payments that were asked for long ago, and whose end nobody knows; the oldest first."""
    open_ones = select(payments).where(payments.c.state.in_(OPEN)).order_by(payments.c.id)
    found = [as_payment(row) for row in db.execute(open_ones).mappings().all()]
    return [one for one in found if _was_asked(one) and settlement.is_old(db, one, now)]


def stop(db: Connection, reference: str, *, reason: str, by: str, now: datetime) -> Stopped:
    """Flag a payment that nobody knows for long, so that two people can end it.

    Such as one that was turned away at first, and refused when it was asked for again: it is not
    there, and what is not there is no failure. It moves no money and says nothing to the person.
    Who ends it asks the operator after this: before, it may have been asked for once more.
    """
    name = " ".join(by.split()).casefold()
    if not name or name == HUB:
        return "no_name"
    if not reason.strip():
        return "no_reason"
    if by_reference(db, reference) is None:
        return "gone"
    payment = locked(db, reference)
    if payment.state not in OPEN:
        return "ended"
    if not _was_asked(payment):
        return "not_asked"
    if not settlement.is_old(db, payment, now) or _in_hand(db, payment, now):
        return "too_early"
    why = TicketSentence.STOPPED.format(reason=kept_text(reason, 160))
    settlement.flag(db, payment, why, f"staff {name}"[:40], now)
    return "stopped"


def _in_hand(db: Connection, payment: Payment, now: datetime) -> bool:
    """Whether a sender may be asking the operator at this very moment."""
    mine = (outbox.c.kind == payment.kind) & outbox.c.dedupe_key.in_(keys_of(payment))
    held = (outbox.c.state == "waiting") & (outbox.c.lease_until > now)
    return db.execute(select(outbox.c.id).where(mine, held).limit(1)).first() is not None


def _was_asked(payment: Payment) -> bool:
    return payment.state != "created" or payment.asks > 0
