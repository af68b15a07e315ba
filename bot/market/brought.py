"""Whether the goods of an offer ever left the farmer's hands; in dispute its state does not say."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists

from bot.storage.schema import offer_events, offers


def was_brought() -> ColumnElement[bool]:
    """Of an offer in a query: whether it was ever handed over."""
    return exists().where(
        offer_events.c.offer_id == offers.c.id, offer_events.c.to_state == "handed_over"
    )
