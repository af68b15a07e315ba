"""The wallet of somebody who has left: kept while goods that they gave away are not paid."""

from __future__ import annotations

from sqlalchemy import Connection, literal, select

from bot.market import people
from bot.storage.schema import offers

# The goods are out of the farmer's hands, so the price is owed until it is paid or called off.
_OWED = ("handed_over", "shipped", "delivered", "disputed")


def is_needed(db: Connection, contact_id: int) -> bool:
    """Whether money may still have to go to this person's wallet."""
    owed = (offers.c.contact_id == contact_id) & offers.c.state.in_(_OWED)
    return db.execute(select(literal(1)).where(owed).limit(1)).first() is not None


def forget_unless_needed(db: Connection, contact_id: int) -> None:
    """Who has left needs no wallet here once all that they gave is paid, or called off."""
    if not is_needed(db, contact_id):
        people.forget_wallet(db, contact_id)
