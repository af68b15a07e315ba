"""Changing the number for money: said to the old number, and remembered for a cooling-off time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, insert, select, update

from bot.i18n import speaking
from bot.market import Actor, notices, people
from bot.market.people import Contact
from bot.storage import outbox
from bot.storage.schema import audit, contacts
from bot.storage.schema import wallet_changes as rows

if TYPE_CHECKING:
    from bot.market.payments import Payment


def change(
    db: Connection, actor: Actor, wallet: str, provider: str, now: datetime
) -> Literal["changed", "same", "verify", "gone"]:
    """Pay this person to the number `wallet` from now on, and tell the number before.

    `provider` is who serves it, "" where only its prefix tells. Nothing changes for somebody who
    must first be called ("verify"). What is on its way goes where it was sent.
    """
    held = select(contacts.c.id).where(contacts.c.id == actor.contact_id).with_for_update()
    db.execute(held)
    contact = people.by_id(db, actor.contact_id)
    if contact is None:
        return "gone"
    if contact.verifying:
        return "verify"
    if contact.wallet == wallet:
        return "same"
    mine = contacts.c.id == contact.id
    db.execute(update(contacts).where(mine).values(wallet=wallet, wallet_provider=provider))
    before = contact.wallet
    change_row = {"contact_id": contact.id, "before": before, "after": wallet, "at": now}
    db.execute(insert(rows).values(change_row))
    line = {
        "at": now,
        "actor": actor.by[:40],
        "action": "number for money changed",
        "subject": f"contact {contact.id}",
        "details": {"channel": actor.channel},
    }
    db.execute(insert(audit).values(line))
    _tell_old(db, contact, before, f"wallet-changed:{actor.key}", now)
    return "changed"


def before_within(db: Connection, contact_id: int, moment: datetime, hours: int) -> str | None:
    """The number that was changed in the `hours` up to `moment`, the latest; None without one."""
    recent = (rows.c.at <= moment) & (rows.c.at > moment - timedelta(hours=hours))
    query = select(rows.c.before).where(rows.c.contact_id == contact_id, recent)
    return db.execute(query.order_by(rows.c.id.desc()).limit(1)).scalar()


def tell_held(db: Connection, payment: Payment, before: str) -> None:
    """Tell the number before that this payout to the new one waits for a check."""
    contact = people.by_id(db, payment.contact_id)
    if contact is None or not before:
        return
    with speaking(contact.language):
        text = notices.payout_held(payment)
    _send(db, contact.id, before, f"held:{payment.reference}", text, payment.created_at)


def _tell_old(db: Connection, contact: Contact, before: str, key: str, now: datetime) -> None:
    with speaking(contact.language):
        text = notices.wallet_changed()
    _send(db, contact.id, before, key, text, now)
    if contact.msisdn != before:
        outbox.put(db, "sms", f"{key}:own", {"contact_id": contact.id, "text": text}, now)


def _send(db: Connection, contact_id: int, to: str, key: str, text: str, now: datetime) -> None:
    payload = {"msisdn": to, "about_contact": contact_id, "text": text}
    outbox.put(db, "sms", key, payload, now)
