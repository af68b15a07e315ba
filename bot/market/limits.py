"""How much may be paid out: asked when a payout is made, before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, func, select

from bot.i18n.ticket_sentences import TicketSentence
from bot.market import offers
from bot.storage.schema import contacts, payments


class PayoutRefused(ValueError):
    """This payout may not be made; the message says which limit it breaks."""


@dataclass(frozen=True, slots=True)
class PayoutRules:
    """The hub's limits, in francs, and the clock of its days.

    Above `release_above_rwf` a payout waits until two members of staff have released it; so does
    each that is made within `cooling_off_hours` of a change of the person's number for money.
    """

    largest_rwf: int = 5_000_000
    person_day_rwf: int = 5_000_000
    release_above_rwf: int = 3_000_000
    currency: str = "RWF"
    timezone: str = "Africa/Kigali"
    cooling_off_hours: int = 72

    @property
    def part_most_rwf(self) -> int:
        """What a part of an order may bring: more than that could never be paid."""
        return min(self.largest_rwf, self.person_day_rwf)


USUAL = PayoutRules()


def refuse_over(
    db: Connection,
    rules: PayoutRules,
    *,
    contact_id: int,
    offer_id: int | None,
    amount_rwf: int,
    currency: str,
    now: datetime,
) -> None:
    """Raise `PayoutRefused` when a limit is broken; holds the person, so that two cannot pass."""
    if type(amount_rwf) is not int or amount_rwf <= 0:
        raise PayoutRefused(TicketSentence.NOT_WHOLE)
    if amount_rwf > rules.largest_rwf:
        raise PayoutRefused(
            TicketSentence.TOO_LARGE.format(amount=amount_rwf, most=rules.largest_rwf)
        )
    if currency != rules.currency:
        raise PayoutRefused(
            TicketSentence.OTHER_CURRENCY.format(currency=repr(currency), hubs=rules.currency)
        )
    db.execute(select(contacts.c.id).where(contacts.c.id == contact_id).with_for_update())
    day_rwf = earned_today_rwf(db, rules, contact_id, now) + amount_rwf
    if day_rwf > rules.person_day_rwf:
        raise PayoutRefused(
            TicketSentence.DAY_FULL.format(amount=day_rwf, most=rules.person_day_rwf)
        )
    if offer_id is not None:
        _refuse_over_order(db, contact_id, offer_id, amount_rwf)


def earned_today_rwf(db: Connection, rules: PayoutRules, contact_id: int, now: datetime) -> int:
    """What was promised to this person since the hub's midnight, what buyers paid them included.

    A refund is no part of it: it is their own money coming back.
    """
    today = datetime.combine(now.astimezone(ZoneInfo(rules.timezone)), time())
    start = today.replace(tzinfo=ZoneInfo(rules.timezone))
    earned = (payments.c.direction == "payout") & payments.c.refunds_id.is_(None)
    mine = earned & (payments.c.contact_id == contact_id) & (payments.c.created_at >= start)
    return _promised(db, mine)


def _refuse_over_order(db: Connection, contact_id: int, offer_id: int, amount_rwf: int) -> None:
    offer = offers.by_id(db, offer_id, contact_id)
    if offer is None:
        raise PayoutRefused(TicketSentence.NOT_THEIRS)
    order_rwf = _promised(db, payments.c.offer_id == offer_id) + amount_rwf
    if order_rwf > offer.accepted_rwf:
        raise PayoutRefused(
            TicketSentence.ORDER_FULL.format(amount=order_rwf, most=offer.accepted_rwf)
        )


def _promised(db: Connection, which: ColumnElement[bool]) -> int:
    """What was paid or is still to be paid; what failed is given back."""
    total = select(func.sum(payments.c.amount_rwf)).where(which, payments.c.state != "failed")
    return int(db.execute(total).scalar() or 0)
