"""Whether the goods of an offer ever left the farmer's hands; in dispute its state does not say."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, literal_column

from bot.storage.schema import offer_events, offers


def was_brought() -> ColumnElement[bool]:
    """Of an offer in a query: whether it was ever handed over."""
    return exists().where(
        offer_events.c.offer_id == offers.c.id,
        offer_events.c.to_state == literal_column("'handed_over'"),
    )


def holds_stock() -> ColumnElement[bool]:
    """Of an offer in a query: whether it is still promised of the farmer's stock."""
    accepted: ColumnElement[str] = literal_column("'accepted'")
    disputed: ColumnElement[str] = literal_column("'disputed'")
    # What is merely accepted needs no look at its events.
    waits = (offers.c.state == accepted) | ~was_brought()
    return offers.c.state.in_((accepted, disputed)) & waits
