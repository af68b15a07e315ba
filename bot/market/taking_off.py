"""Taking a person off a number that is another's by now.

What is owed to and by them is kept and shown to staff; nothing of it stays with the number.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, update

from bot.i18n.ticket_sentences import TicketSentence
from bot.market import (
    Actor,
    buyers,
    obligations,
    people,
    splits,
    telegram_links,
)
from bot.market.held_money import hold_back, move_wallets_off
from bot.market.people import Contact
from bot.storage.schema import call_acts, contacts, hops, pin_failures, pins, tickets, transcripts

# What only the person on the phone could have told.
_ASKED_BY_PHONE = ("call_back", "pin_forgotten", "verify", "new_owner", "other")


def take_off(db: Connection, contact: Contact, by: str, key: str, now: datetime) -> dict[str, str]:
    """End all that ties this person to the number; what was done, counted, for the audit.

    `by` is the member of staff, `key` the cause. The person stays, without number and PIN, with
    offers, payments, bills and ledger; each of them that waits for somebody has a ticket.
    """
    number = contact.msisdn
    # First, so that from here on nothing is sent to the number, and nobody acts for the person.
    values: dict[str, object] = {"msisdn": None, "seen_day": 0}
    if contact.wallet == number:
        values |= {"wallet": "", "wallet_provider": ""}
    db.execute(update(contacts).where(contacts.c.id == contact.id).values(values))
    _end_access(db, contact.id, number, now)
    _part_from_tickets(db, contact.id, number, now)
    actor = Actor(f"staff:{by}"[:40], "staff", key[:64], contact.id)
    withdrawn = obligations.withdraw(db, actor, now)
    splits.forget(db, contact.id, now)
    held = hold_back(db, contact.id, number, by, now)
    # Behind the stopping, which finds by the number what it was asked to pay.
    buyers.forget_number(db, number)
    moved = move_wallets_off(db, contact.id, number, by, now)
    shown = obligations.show_to_staff(db, contact.id, TicketSentence.NEW_OWNER, now)
    counts = {"withdrawn": withdrawn, "held": held, "wallets": moved, "tickets": shown}
    return {name: str(count) for name, count in counts.items()}


def _end_access(db: Connection, contact_id: int, number: str, now: datetime) -> None:
    for table in (pin_failures, pins):
        db.execute(delete(table).where(table.c.contact_id == contact_id))
    # A call that was cut would go on from here, and a call's record would be the new owner's.
    db.execute(delete(hops).where(hops.c.owner == number))
    db.execute(delete(transcripts).where(transcripts.c.owner == number))
    db.execute(delete(call_acts).where(call_acts.c.owner == number))
    people.cancel_messages(db, contact_id, number)
    telegram_links.forget(db, contact_id, number, now)


def _part_from_tickets(db: Connection, contact_id: int, number: str, now: datetime) -> None:
    mine = (tickets.c.contact_id == contact_id) | (tickets.c.msisdn == number)
    asked = mine & tickets.c.category.in_(_ASKED_BY_PHONE) & (tickets.c.state != "closed")
    db.execute(update(tickets).where(asked).values(state="closed", closed_at=now))
    # The rest is for staff to answer without calling: the number is the new owner's.
    db.execute(update(tickets).where(mine).values(msisdn=""))
