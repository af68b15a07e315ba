"""Changing the number for money: told to the old number and the chat, remembered for a while."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, insert, select, update

from bot.i18n import speaking
from bot.market import Actor, news, notices, people
from bot.market.limits import USUAL
from bot.market.people import Contact
from bot.storage import outbox
from bot.storage.schema import audit, contacts
from bot.storage.schema import wallet_changes as rows

if TYPE_CHECKING:
    from bot.market.payments import Payment


def change(
    db: Connection,
    actor: Actor,
    wallet: str,
    provider: str,
    now: datetime,
    hours: int = USUAL.cooling_off_hours,
) -> Literal["changed", "same", "verify", "gone"]:
    """Pay this person to the number `wallet` from now on, and tell those of the last `hours`.

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
    earlier = before_since(db, contact.id, now, hours)
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
    key = f"wallet-changed:{actor.key}"
    _tell(db, contact, [before, *earlier], key, notices.wallet_changed, now)
    return "changed"


def before_since(db: Connection, contact_id: int, now: datetime, hours: int) -> list[str]:
    """The numbers that money went to before each change of the last `hours`, the latest first.

    "" for those of an erased person. A change that another clock put after `now` counts too.
    """
    recent = rows.c.at > now - timedelta(hours=hours)
    query = select(rows.c.before).where(rows.c.contact_id == contact_id, recent)
    return list(dict.fromkeys(db.execute(query.order_by(rows.c.id.desc())).scalars()))


def tell_held(db: Connection, payment: Payment, before: list[str]) -> None:
    """Tell the numbers `before`, the person's own and their chat that this payout is held."""
    contact = people.by_id(db, payment.contact_id)
    if contact is not None and before:
        key = f"held:{payment.reference}"
        _tell(db, contact, before, key, lambda: notices.payout_held(payment), payment.created_at)


def _tell(
    db: Connection,
    contact: Contact,
    before: list[str],
    key: str,
    words: Callable[[], str],
    now: datetime,
) -> None:
    """Whoever may be the true one: two changes in a row must not hide the first from its owner."""
    with speaking(contact.language):
        text = words()
    for which, number in enumerate(filter(None, dict.fromkeys(before))):
        payload = {"msisdn": number, "about_contact": contact.id, "text": text}
        outbox.put(db, "sms", f"{key}:{which}" if which else key, payload, now)
    if contact.msisdn and contact.msisdn not in before:
        outbox.put(db, "sms", f"{key}:own", {"contact_id": contact.id, "text": text}, now)
    news.tell_chat_too(db, contact.id, f"{key}:chat", words, now)
