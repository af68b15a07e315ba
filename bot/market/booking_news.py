"""What the hub hears of guests' requests: how each stands, and never who the host is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from bot.market import hub_news

if TYPE_CHECKING:
    from bot.market.bookings import Booking


def tell(db: Connection, booking: Booking, now: datetime) -> None:
    """A request has come to its state in this transaction: whoever waits for it hears of it."""
    kind, key = f"booking.{booking.state}", f"{booking.id}:{booking.version}"
    hub_news.tell(db, kind, f"b{booking.id}", key, lambda: about(booking), now)


def about(booking: Booking) -> dict[str, Any]:
    """What every piece of news about a request says of it, and whoever asks is told."""
    proposed_at = booking.proposed_at
    return {
        "booking_id": booking.code,
        "state": booking.state,
        "experience": booking.experience,
        "guests": booking.guests,
        "starts_at": _moment(booking.starts_at),
        "amount_rwf": booking.amount_rwf,
        "answer_by": _moment(booking.answer_by),
        "proposed_at": None if proposed_at is None else _moment(proposed_at),
    }


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
