"""Money on its way to a number that is another's by now: none of it leaves any more."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from bot.i18n.ticket_sentences import TicketSentence
from bot.market import settlement
from bot.market.payments import ANOTHERS, OPEN, Payment, as_payment, must_have
from bot.market.tickets import open_ticket
from bot.storage.schema import audit, contacts, payments, wallet_changes


def hold_back(db: Connection, contact_id: int, number: str, by: str, now: datetime) -> int:
    """Stop what goes to this person or to the number; how many payments were stopped.

    What no operator was asked for is flagged, with a ticket, and what is owed stays owed; a
    collection that nobody was asked to pay fails. What is asked for already comes to its end, but
    is never asked for again, nor is a collection given back to the number.
    """
    whose = (payments.c.contact_id == contact_id) | (payments.c.payee_msisdn == number)
    alive = payments.c.state.in_(OPEN) | (payments.c.direction == "collection")
    query = select(payments).where(whose, alive).order_by(payments.c.id).with_for_update()
    found = [as_payment(row) for row in db.execute(query).mappings().all()]
    ids = [payment.id for payment in found]
    if ids:
        db.execute(update(payments).where(payments.c.id.in_(ids)).values(held=ANOTHERS))
    return sum(_stop(db, must_have(db, payment.reference), by, now) for payment in found)


def move_wallets_off(db: Connection, contact_id: int, number: str, by: str, now: datetime) -> int:
    """Others whose money went to this number have it on their own again; how many they are.

    That counts as a change of their number for money, so that two people release what comes soon,
    and a ticket asks staff to call them.
    """
    query = select(contacts.c.id, contacts.c.msisdn, contacts.c.language).where(
        contacts.c.wallet == number, contacts.c.id != contact_id
    )
    others = db.execute(query.with_for_update()).all()
    for other in others:
        own = other.msisdn or ""
        mine = contacts.c.id == other.id
        db.execute(update(contacts).where(mine).values(wallet=own, wallet_provider=""))
        row = {"contact_id": other.id, "before": "", "after": own, "at": now}
        db.execute(insert(wallet_changes).values(row))
        line = {"at": now, "actor": by[:40], "action": "number for money changed"}
        why = {"why": "the number has a new owner"}
        db.execute(insert(audit).values(**line, subject=f"contact {other.id}", details=why))
        open_ticket(
            db,
            category="call_back",
            msisdn=own,
            contact_id=other.id,
            text=TicketSentence.WALLET_GONE,
            language=other.language,
            now=now,
        )
    # Nobody tells the new owner of changes, or of payments, of those who used the number.
    for column in (wallet_changes.c.before, wallet_changes.c.after):
        db.execute(update(wallet_changes).where(column == number).values({column: ""}))
    return len(others)


def _stop(db: Connection, payment: Payment, by: str, now: datetime) -> bool:
    if payment.state != "created" or payment.asks:
        return False
    if payment.kind == "collection":
        settlement.note_stuck(db, payment.reference, TicketSentence.ANOTHERS, now)
    else:
        settlement.flag(db, payment, TicketSentence.ANOTHERS, f"staff {by}"[:40], now)
    return True
