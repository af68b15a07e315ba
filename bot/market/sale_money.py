"""What a buyer has paid is passed on to the seller, in the transaction that says it came."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from bot.market import payments as kept
from bot.market import people, wallet_changes, wallets
from bot.market.limits import PayoutRules, earned_today_rwf
from bot.market.payments import Payment
from bot.storage.one_at_a_time import one_at_a_time
from bot.storage.schema import contacts

# Why such a payout waits for two people although it is not large.
OVER_THE_DAY = "limit of the day"
# The operator refused to pay it once: people have found out why.
REFUSED_BEFORE = "refused before"


def pass_on(
    db: Connection, collected: Payment, rules: PayoutRules, now: datetime, held: str = ""
) -> Payment:
    """Make the payout of what really came, to the seller's number for money.

    The money is here and is the seller's: what would refuse another payout only holds this one for
    two people. It is held, too, where the seller's number changed, or is another's by now; and for
    `held`, where the caller knows of a reason. Who has left is paid to the wallet that is kept.
    """
    one_at_a_time(db, f"passed on to {collected.contact_id}")
    # No more than the payment's own row will: the number for money stays as it is read here, and
    # who erases them, and waits for this payment, is held up no longer than anyway.
    mine = contacts.c.id == collected.contact_id
    db.execute(select(contacts.c.id).where(mine).with_for_update(read=True, key_share=True))
    seller = people.payee(db, collected.contact_id)
    amount_rwf = collected.really_rwf
    before = wallet_changes.before_since(db, collected.contact_id, now, rules.cooling_off_hours)
    held = kept.why_held(db, collected.contact_id, bool(before)) or held
    day_rwf = earned_today_rwf(db, rules, collected.contact_id, now) + amount_rwf
    if not held and day_rwf > rules.person_day_rwf:
        held = OVER_THE_DAY
    payment = kept.make(
        db,
        direction="payout",
        contact_id=collected.contact_id,
        sale_id=collected.sale_id,
        order_code=collected.order_code,
        amount_rwf=amount_rwf,
        provider=wallets.provider_of(seller),
        payee_msisdn=seller.wallet,
        currency=collected.currency,
        held=held if seller.wallet else kept.ANOTHERS,
        created_at=now,
    )
    wallet_changes.tell_held(db, payment, before)
    return payment
