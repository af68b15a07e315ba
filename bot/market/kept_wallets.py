"""The wallet of somebody who has left: kept while goods they gave, or a sale, are not paid."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, exists, literal, select

from bot.market import people
from bot.storage.schema import offers, payments

# The goods are out of the farmer's hands, so the price is owed until it is paid or called off.
_OWED = ("handed_over", "shipped", "delivered", "disputed")
_payout = payments.alias()


def is_needed(db: Connection, contact_id: int) -> bool:
    """Whether money may still have to go to this person's wallet."""
    given = (offers.c.contact_id == contact_id) & offers.c.state.in_(_OWED)
    goods = exists(literal(1)).where(given)
    sold = exists(literal(1)).where(sales_unpaid(contact_id))
    return bool(db.execute(select(goods | sold)).scalar())


def sales_unpaid(contact_id: int) -> ColumnElement[bool]:
    """Of payments: what buyers have paid, or may yet pay, that this seller does not have yet."""
    arrived = exists(literal(1)).where(
        # The index is by person.
        _payout.c.contact_id == payments.c.contact_id,
        _payout.c.sale_id == payments.c.sale_id,
        _payout.c.direction == "payout",
        _payout.c.state == "succeeded",
    )
    asked = payments.c.sale_id.is_not(None) & (payments.c.direction == "collection")
    mine = (payments.c.contact_id == contact_id) & asked
    return mine & (payments.c.state != "failed") & ~arrived


def forget_unless_needed(db: Connection, contact_id: int) -> None:
    """Who has left needs no wallet here once all that they gave or sold is paid, or is off."""
    if not is_needed(db, contact_id):
        people.forget_wallet(db, contact_id)
