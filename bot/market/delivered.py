"""What the buyers' side has received is paid to who sold it: once, within the limits of payouts."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, Connection, delete, exists, insert, literal, select

from bot.i18n.ticket_sentences import TicketSentence
from bot.market import offers, people, wallets
from bot.market.limits import PayoutRefused, PayoutRules
from bot.market.offers import Offer
from bot.market.part_tickets import ask_staff
from bot.market.payments import EARNED, Payment, pay_out
from bot.market.tickets import close
from bot.storage.schema import contacts, payments, payout_tries, tickets
from bot.storage.schema import offers as rows
from bot.storage.set_back import has_come

log = structlog.get_logger(__name__)

AT_ONCE = 500
# The limit of a day is another tomorrow, and staff may change any: asked often enough for both.
_TRY_AGAIN = timedelta(hours=1)
_CATEGORY = "payment_missing"
_DELIVERED = rows.c.state == "delivered"
_HAS_PAYOUT = exists(literal(1)).where(payments.c.offer_id == rows.c.id, EARNED)


def unpaid(db: Connection, now: datetime, after: int = 0) -> list[int]:
    """A page of offers behind `after` that were delivered and are to be paid now, by their number.

    None has a payout, not even one that failed; what a limit refused lately is left out.
    """
    due = _DELIVERED & ~_HAS_PAYOUT & ~_put_off(now)
    query = select(rows.c.id).where(due, rows.c.id > after).order_by(rows.c.id).limit(AT_ONCE)
    return list(db.execute(query).scalars())


def pay(
    db: Connection, offer_id: int, currency: str, rules: PayoutRules, now: datetime
) -> Payment | None:
    """Pay this offer's seller what they accepted to sell for; None when it is not to be paid now.

    What the `rules` refuse is told to staff, and is tried again an hour later. A seller without a
    wallet is paid by two people: their payout is flagged as it leaves.
    """
    mine = rows.c.id == offer_id
    db.execute(select(rows.c.id).where(mine).with_for_update())
    # Only now: another process may have paid it since it was listed.
    still = select(rows.c.contact_id).where(mine, _DELIVERED, ~_HAS_PAYOUT, ~_put_off(now))
    contact_id = db.execute(still).scalar()
    offer = None if contact_id is None else offers.by_id(db, offer_id, contact_id)
    if offer is None:
        return None
    try:
        payment = _make(db, offer, currency, rules, now, "")
    except PayoutRefused as why:
        if ask_staff(db, _CATEGORY, offer.named, offer.contact_id, str(why), now):
            log.warning("what was delivered is not paid", part=offer.named, why=str(why))
        _put_off_until(db, offer_id, now + _TRY_AGAIN)
        return None
    close(db, (tickets.c.category == _CATEGORY) & (tickets.c.about == offer.named), now)
    return payment


def pay_again(
    db: Connection, failed: Payment, rules: PayoutRules, now: datetime, held: str
) -> Payment:
    """Make another payout of a delivered offer in place of the `failed` one; `held` says why.

    Raises `PayoutRefused` where the limits do not allow it now.
    """
    mine = rows.c.id == failed.offer_id
    state = db.execute(select(rows.c.state).where(mine).with_for_update()).scalar()
    offer = offers.by_id(db, failed.offer_id or 0, failed.contact_id)
    if offer is None or state != "delivered":
        raise PayoutRefused(TicketSentence.NOTHING_OWED)
    return _make(db, offer, failed.currency, rules, now, held)


def _make(
    db: Connection, offer: Offer, currency: str, rules: PayoutRules, now: datetime, held: str
) -> Payment:
    # Their number for money stays as it is read here: one that is changed now is waited for.
    db.execute(select(contacts.c.id).where(contacts.c.id == offer.contact_id).with_for_update())
    seller = people.payee(db, offer.contact_id)
    return pay_out(
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
        held=held,
    )


def _put_off(now: datetime) -> ColumnElement[bool]:
    come = has_come(payout_tries.c.next_at, now, _TRY_AGAIN)
    return exists(literal(1)).where(payout_tries.c.offer_id == rows.c.id, ~come)


def _put_off_until(db: Connection, offer_id: int, moment: datetime) -> None:
    db.execute(delete(payout_tries).where(payout_tries.c.offer_id == offer_id))
    db.execute(insert(payout_tries).values(offer_id=offer_id, next_at=moment))
