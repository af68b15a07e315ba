"""What a person owes and is owed when they go: what waits is withdrawn, the rest goes to staff."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from bot.i18n.ticket_sentences import DueSentence, TicketSentence
from bot.market import Actor, bills, bookings, offers, stock_listings
from bot.market.tickets import open_ticket
from bot.storage.schema import bookings as booking_rows
from bot.storage.schema import offers as offer_rows

# Somebody still has to bring, to carry or to pay for these.
UNDER_WAY = ("accepted", "handed_over", "shipped", "delivered", "disputed")


def withdraw(db: Connection, actor: Actor, now: datetime) -> int:
    """Take back all that waits for the answer of this person; how much that was."""
    whose = offer_rows.c.contact_id == actor.contact_id
    waiting = select(offer_rows.c.id).where(whose, offer_rows.c.state == "offered")
    # Locked before they are changed, and in one order: the clock may close one at this moment.
    found = list(db.execute(waiting.order_by(offer_rows.c.id).with_for_update()).scalars())
    for offer_id in found:
        offers.move(db, actor, offer_id, "withdraw", now)
    count = len(found) + stock_listings.withdraw_all(db, actor.contact_id, now)
    # A page of them at a time.
    while requests := bookings.open_for(db, actor.contact_id, now):
        for booking in requests:
            bookings.withdraw(db, actor, booking, now)
        count += len(requests)
    return count


def show_to_staff(db: Connection, contact_id: int, why: TicketSentence, now: datetime) -> int:
    """A ticket, with `why`, for all that waits for a person whom nobody can call; how many."""
    due = [*_orders_under_way(db, contact_id)]
    for code in visits(db, contact_id, now):
        due.append(("booking", code, str(DueSentence.VISIT)))
    for bill in bills.to_pay(db, contact_id):
        unpaid = DueSentence.BILL.format(bill=bill.id, amount=bill.amount_rwf)
        due.append(("other", bill.order_code, unpaid))
    for category, about, what in due:
        open_ticket(
            db,
            category=category,
            msisdn="",
            contact_id=contact_id,
            about=about,
            text=why.format(due=what),
            language="en",
            now=now,
        )
    return len(due)


def _orders_under_way(db: Connection, contact_id: int) -> list[tuple[str, str, str]]:
    whose = offer_rows.c.contact_id == contact_id
    query = select(offer_rows.c.id).where(whose, offer_rows.c.state.in_(UNDER_WAY))
    found = [offers.by_id(db, offer_id, contact_id) for offer_id in db.execute(query).scalars()]
    said = DueSentence.ORDER.format
    return [
        ("order", offer.code, said(stage=offer.state, amount=offer.accepted_rwf))
        for offer in found
        if offer is not None
    ]


def visits(db: Connection, contact_id: int, now: datetime) -> list[str]:
    """The codes of the visits that this host has accepted and that are still to come."""
    accepted = (booking_rows.c.state == "accepted") & (booking_rows.c.starts_at > now)
    query = select(booking_rows.c.code).where(booking_rows.c.contact_id == contact_id, accepted)
    return list(db.execute(query).scalars())
