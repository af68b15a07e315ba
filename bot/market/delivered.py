"""What the buyers' side has received is paid to who sold it: once, within the limits of payouts."""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy import Connection, exists, literal, select

from bot.market import leaving, offers, people, wallets
from bot.market.limits import PayoutRefused, PayoutRules
from bot.market.offers import Offer
from bot.market.payments import EARNED, Payment, pay_out
from bot.market.people import Contact
from bot.market.tickets import has_ticket, open_ticket
from bot.storage.schema import offers as rows
from bot.storage.schema import payments

log = structlog.get_logger(__name__)

AT_ONCE = 500
_DELIVERED = rows.c.state == "delivered"
_HAS_PAYOUT = exists(literal(1)).where(payments.c.offer_id == rows.c.id, EARNED)


def unpaid(db: Connection) -> list[int]:
    """Offers that were delivered and have no payout, not even one that failed: the oldest first."""
    query = select(rows.c.id).where(_DELIVERED, ~_HAS_PAYOUT).order_by(rows.c.id).limit(AT_ONCE)
    return list(db.execute(query).scalars())


def pay(
    db: Connection, offer_id: int, currency: str, rules: PayoutRules, now: datetime
) -> Payment | None:
    """Pay this offer's seller what they accepted to sell for; None when it is not to be paid now.

    What the `rules` refuse is told to staff, once, and may be tried again: a day's limit passes.
    """
    mine = rows.c.id == offer_id
    db.execute(select(rows.c.id).where(mine).with_for_update())
    # Only now: another process may have paid it since it was listed.
    still = select(rows.c.contact_id).where(mine, _DELIVERED, ~_HAS_PAYOUT)
    contact_id = db.execute(still).scalar()
    if contact_id is None:
        return None
    offer, seller = offers.by_id(db, offer_id, contact_id), people.payee(db, contact_id)
    if offer is None:
        return None
    has_left = people.by_id(db, contact_id) is None
    if has_left and not seller.wallet:
        _ask_staff_once(
            db, seller, offer, "the seller has left, and no wallet of theirs is kept", now
        )
        return None
    try:
        payment = pay_out(
            db,
            contact_id=seller.id,
            offer_id=offer.id,
            order_code=offer.code,
            amount_rwf=offer.accepted_rwf,
            provider=wallets.provider_of(seller),
            payee_msisdn=seller.wallet,
            currency=currency,
            now=now,
            rules=rules,
        )
    except PayoutRefused as why:
        _ask_staff_once(db, seller, offer, str(why), now)
        return None
    # The payment has its own copy, which goes when it is settled.
    leaving.forget_wallet_if_paid(db, contact_id)
    return payment


def _ask_staff_once(db: Connection, seller: Contact, offer: Offer, why: str, now: datetime) -> None:
    if has_ticket(db, "payment_missing", offer.code):
        return
    log.warning("what was delivered is not paid", order=offer.code, why=why)
    open_ticket(
        db,
        category="payment_missing",
        msisdn=seller.msisdn,
        contact_id=seller.id,
        about=offer.code,
        text=why,
        language=seller.language,
        now=now,
    )
