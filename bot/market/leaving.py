"""Somebody leaves: what is still owed is said before, goes to staff after, and stays payable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, func, literal, select

from bot.i18n.ticket_sentences import TicketSentence
from bot.market import Actor, bills, kept_wallets, obligations, people, splits
from bot.market.payments import EARNED, OPEN
from bot.storage.schema import contacts, offers, payments

# The goods are out of the farmer's hands, so the price is owed whatever they do.
_GIVEN = ("handed_over", "shipped", "delivered")
_HAS_PAYOUT = exists(literal(1)).where(
    payments.c.offer_id == offers.c.id, EARNED, payments.c.state != "failed"
)


@dataclass(frozen=True, slots=True)
class Due:
    """What is between a person and the hub: `to_bring` orders, `visits`, and francs both ways."""

    owed_rwf: int
    bills_rwf: int
    to_bring: int
    disputed: int
    visits: int


def due(db: Connection, contact_id: int, now: datetime) -> Due:
    """What would be left behind if this person left now."""
    price = func.sum(offers.c.packs_accepted * offers.c.price_rwf)
    goods_rwf = int(db.execute(select(price).where(_unpaid(contact_id))).scalar() or 0)
    on_its_way = EARNED & payments.c.state.in_((*OPEN, "flagged")) & payments.c.sale_id.is_(None)
    own = payments.c.contact_id == contact_id
    # What a buyer may still refuse is promised to nobody.
    came = kept_wallets.sales_unpaid(contact_id) & (payments.c.state == "succeeded")
    really_rwf = func.sum(func.coalesce(payments.c.moved_rwf, payments.c.amount_rwf))
    coming = select(really_rwf).where(own & on_its_way | came)
    return Due(
        owed_rwf=goods_rwf + int(db.execute(coming).scalar() or 0),
        bills_rwf=sum(bill.amount_rwf for bill in bills.to_pay(db, contact_id)),
        to_bring=_count(db, contact_id, "accepted"),
        disputed=_count(db, contact_id, "disputed"),
        visits=len(obligations.visits(db, contact_id, now)),
    )


def leave(db: Connection, contact_id: int, by: str, key: str, now: datetime) -> None:
    """Forget this person, as `by` asked; what they owe and are owed goes to staff.

    Their wallet's number stays only while goods that they gave, or a sale, are not paid.
    """
    # Nothing of theirs is handed over, or paid, between the looking and the forgetting.
    db.execute(select(contacts.c.id).where(contacts.c.id == contact_id).with_for_update())
    splits.forget(db, contact_id, now)
    people.erase(db, contact_id, now, keep_wallet=kept_wallets.is_needed(db, contact_id))
    # Behind the erasing, which closes what the person has asked for.
    obligations.withdraw(db, Actor(by[:40], "server", key[:64], contact_id), now)
    obligations.show_to_staff(db, contact_id, TicketSentence.HAS_LEFT, now)


def _unpaid(contact_id: int) -> ColumnElement[bool]:
    mine = (offers.c.contact_id == contact_id) & offers.c.state.in_(_GIVEN)
    return mine & ~_HAS_PAYOUT


def _count(db: Connection, contact_id: int, state: str) -> int:
    mine = (offers.c.contact_id == contact_id) & (offers.c.state == state)
    return int(db.execute(select(func.count()).where(mine)).scalar() or 0)
