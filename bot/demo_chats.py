"""The demo's chat that is linked beforehand, so that the sharing of an order has both sides."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert

from bot.market import people, telegram_links
from bot.simulator.routes import account_of
from bot.storage.schema import telegram_links as rows

# A member of the co-operative who is asked how many kilos she gives.
MEMBER = "+250788000005"


def link_a_member(db: Connection, now: datetime) -> bool:
    """Link the member's pretended account with her number, unless it or she is linked already."""
    contact, account = people.by_msisdn(db, MEMBER), account_of(MEMBER)
    if contact is None or telegram_links.of_contact(db, contact.id) is not None:
        return False
    if telegram_links.of_user(db, account) is not None:
        return False
    link = {"user_id": account, "chat_id": account, "msisdn": MEMBER, "contact_id": contact.id}
    when = {"language": contact.language, "made_at": now, "confirmed_at": now}
    db.execute(insert(rows).values(**link, **when))
    return True
