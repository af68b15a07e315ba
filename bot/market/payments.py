"""Payments as they are kept: made with their reference, looked up, confirmed by the person."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from bot.market import Actor, hub_news, ledger, offers, people, postings, wallet_changes
from bot.market.approvals import HUB, approve
from bot.market.limits import USUAL, PayoutRules, refuse_over
from bot.market.lines import line_of
from bot.market.lives import PAYMENT_LIFE, Forbidden, advance
from bot.market.proof import new_proof
from bot.storage import outbox
from bot.storage.schema import payment_events, payments
from bot.storage.set_back import is_ahead

# States in which the operator has not told yet what became of the money.
OPEN = ("created", "sent", "unknown")
# Why a payment is held for somebody whose number may be another's by now.
UNVERIFIED = "number unverified"
# Why it may not leave at all: the number it would go to has a new owner.
ANOTHERS = "number another's now"

Kind = Literal["payout", "collection", "refund"]


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment as it stands."""

    id: int
    reference: str
    callback_token: str
    direction: str
    contact_id: int
    offer_id: int | None
    order_code: str
    provider: str
    payee_msisdn: str
    amount_rwf: int
    fee_rwf: int
    currency: str
    state: str
    version: int
    reason: str
    provider_txn_id: str
    proof_code: str
    created_at: datetime
    settled_at: datetime | None
    confirmed_at: datetime | None
    look_ups: int
    bill_id: int | None = None
    refunds_id: int | None = None
    sale_id: int | None = None
    asks: int = 0
    held: str = ""
    moved_rwf: int | None = None
    look_up_at: datetime | None = None
    asked_at: datetime | None = None

    @property
    def kind(self) -> Kind:
        """A payout, a collection, or the refund of one, which is paid out."""
        if self.refunds_id is not None:
            return "refund"
        return "collection" if self.direction == "collection" else "payout"

    @property
    def of_buyer(self) -> bool:
        """Whether a buyer is asked for it, on behalf of the person: the payer is somebody else."""
        return self.sale_id is not None and self.direction == "collection"

    @property
    def dated_at(self) -> datetime:
        """The moment it goes by on a statement: when it was settled, or until then made."""
        return self.settled_at or self.created_at

    @property
    def really_rwf(self) -> int:
        """What moved when it succeeded, which staff may have found to be another amount."""
        return self.amount_rwf if self.moved_rwf is None else self.moved_rwf


_all = select(payments)
# What is the person's own; what a buyer is asked for, on their behalf, is not.
_OWN = (payments.c.direction == "payout") | payments.c.sale_id.is_(None)
# What a person was paid; a refund is their own money coming back.
EARNED = (payments.c.direction == "payout") & payments.c.refunds_id.is_(None)


def pay_out(
    db: Connection,
    *,
    contact_id: int,
    offer_id: int | None,
    order_code: str,
    amount_rwf: int,
    fee_rwf: int = 0,
    provider: str,
    payee_msisdn: str,
    currency: str,
    now: datetime,
    rules: PayoutRules = USUAL,
    held: str = "",
) -> Payment:
    """Create a payout with its reference, owe it in the ledger, and let it leave by the outbox.

    Making it approves it: what is sent later must be exactly this. Where `held` says why, it waits
    for two people first; without a `payee_msisdn` it is flagged as it leaves, for two people to
    end. Raises `PayoutRefused` when it breaks one of the `rules`; then nothing was written.
    """
    refuse_over(
        db,
        rules,
        contact_id=contact_id,
        offer_id=offer_id,
        amount_rwf=amount_rwf,
        currency=currency,
        now=now,
    )
    before = wallet_changes.before_since(db, contact_id, now, rules.cooling_off_hours)
    held = why_held(db, contact_id, bool(before)) or held
    payment = make(
        db,
        direction="payout",
        contact_id=contact_id,
        offer_id=offer_id,
        order_code=order_code,
        amount_rwf=amount_rwf,
        fee_rwf=fee_rwf,
        provider=provider,
        payee_msisdn=payee_msisdn,
        currency=currency,
        held=held if payee_msisdn else ANOTHERS,
        created_at=now,
    )
    wallet_changes.tell_held(db, payment, before)
    return payment


def why_held(db: Connection, contact_id: int, changed: bool) -> str:
    """Why a payout to this person needs people; `changed`: their number for money was, lately."""
    contact = people.by_id(db, contact_id)
    if contact is not None and not contact.msisdn:
        return ANOTHERS
    # Also of who has left: whoever has the SIM may have done that for them.
    if people.payee(db, contact_id).verifying:
        return UNVERIFIED
    return "number changed" if changed else ""


def make(
    db: Connection, *, created_at: datetime, leaves_at: datetime | None = None, **terms: Any
) -> Payment:
    """Keep a payment under a new reference, with what it owes; making it approves it.

    `terms` are its columns. It goes to its operator at `leaves_at`, or at once.
    """
    reference = str(uuid.uuid4())
    values = {
        "reference": reference,
        "callback_token": secrets.token_urlsafe(32),
        "proof_code": new_proof(),
        "created_at": created_at,
        **terms,
    }
    db.execute(insert(payments).values(values))
    payment = must_have(db, reference)
    lines = postings.owed(payment)
    if lines:
        ledger.post(db, f"payment:{reference}:owed", lines, created_at)
    send(db, payment, "", created_at, leaves_at)
    approve(db, payment, HUB, created_at)
    return payment


def send(
    db: Connection,
    payment: Payment,
    occasion: str,
    now: datetime,
    leaves_at: datetime | None = None,
) -> bool:
    """Let it leave by the outbox, once for each `occasion`, which is "" at first."""
    return outbox.put(
        db,
        payment.kind,
        outbox_key(payment, occasion),
        {"reference": payment.reference},
        now,
        leaves_at,
        via=line_of(payment),
    )


def outbox_key(payment: Payment, occasion: str = "") -> str:
    """The key under which this payment leaves."""
    key = f"{payment.kind}:{payment.reference}"
    return f"{key}:{occasion}" if occasion else key


def by_id(db: Connection, payment_id: int, contact_id: int) -> Payment | None:
    """This person's payment; another person's is None."""
    query = _all.where(payments.c.id == payment_id, payments.c.contact_id == contact_id)
    row = db.execute(query).mappings().first()
    return None if row is None else as_payment(row)


def by_reference(db: Connection, reference: str) -> Payment | None:
    """The payment with this reference, or None."""
    row = db.execute(_all.where(payments.c.reference == reference)).mappings().first()
    return None if row is None else as_payment(row)


def with_id(db: Connection, payment_id: int) -> Payment:
    """The payment with this id, which is there."""
    return as_payment(db.execute(_all.where(payments.c.id == payment_id)).mappings().one())


def to_confirm(db: Connection, contact_id: int) -> list[Payment]:
    """Money that arrived and that the person has not confirmed, the newest first."""
    query = _all.where(
        payments.c.contact_id == contact_id,
        EARNED,
        payments.c.state == "succeeded",
        payments.c.confirmed_at.is_(None),
    )
    return _listed(db, query)


def under_way(db: Connection, contact_id: int) -> list[Payment]:
    """Money that is on its way or being checked, the newest first."""
    mine = payments.c.contact_id == contact_id
    return _listed(db, _all.where(mine, _OWN, payments.c.state.in_((*OPEN, "flagged"))))


def statement(db: Connection, contact_id: int, limit: int = 9) -> list[Payment]:
    """The newest payments of a person."""
    return _listed(db, _all.where(payments.c.contact_id == contact_id, _OWN).limit(limit))


def newest_payout(db: Connection, contact_id: int) -> Payment | None:
    """The newest money that the person earned, however it stands; None before the first."""
    mine = (payments.c.contact_id == contact_id) & EARNED
    query = _all.where(mine).order_by(payments.c.id.desc()).limit(1)
    row = db.execute(query).mappings().first()
    return None if row is None else as_payment(row)


def received_rwf(db: Connection, contact_id: int) -> int:
    """All that a person was ever paid, however long the list of it is."""
    mine = (payments.c.contact_id == contact_id) & EARNED & (payments.c.state == "succeeded")
    really_rwf = func.coalesce(payments.c.moved_rwf, payments.c.amount_rwf)
    return int(db.execute(select(func.sum(really_rwf)).where(mine)).scalar() or 0)


def confirm(
    db: Connection, actor: Actor, payment_id: int, now: datetime
) -> Literal["confirmed", "already", "gone"]:
    """The person says that the money is there; the order is then confirmed too."""
    payment = by_id(db, payment_id, actor.contact_id)
    if payment is None or payment.kind != "payout" or payment.state != "succeeded":
        return "gone"
    fresh = (payments.c.id == payment_id) & payments.c.confirmed_at.is_(None)
    if db.execute(update(payments).where(fresh).values(confirmed_at=now)).rowcount != 1:
        return "already"
    carry_offer(db, payment, actor, "confirm", now)
    return "confirmed"


def carry_offer(
    db: Connection, payment: Payment, actor: Actor, trigger: str, now: datetime
) -> None:
    """Carry the payment's order along its own life, where there is one."""
    if payment.offer_id is None:
        return
    try:
        offers.move(db, actor, payment.offer_id, trigger, now)
    except Forbidden:
        # A disputed or hand-corrected order does not hold up the money's own truth.
        return


def change(
    db: Connection, payment: Payment, trigger: str, by: str, now: datetime, **more: Any
) -> None:
    """The only place where a payment's state changes; of a farmer's for an order the hub hears."""
    state = advance(PAYMENT_LIFE, payment.state, trigger)
    same = (payments.c.id == payment.id) & (payments.c.version == payment.version)
    values = {"state": state, "version": payment.version + 1, **more}
    if db.execute(update(payments).where(same).values(values)).rowcount != 1:
        raise RuntimeError(f"payment {payment.reference} changed while it was locked")
    event = {
        "payment_id": payment.id,
        "from_state": payment.state,
        "to_state": state,
        "at": now,
        "by": by,
        "reason": str(more.get("reason", ""))[:160],
    }
    db.execute(insert(payment_events).values(event))
    if payment.kind == "payout" and payment.offer_id is not None:
        moved_rwf = more.get("moved_rwf") or payment.amount_rwf
        hub_news.payment_changed(db, payment.offer_id, payment.id, state, moved_rwf, now)


def locked(db: Connection, reference: str) -> Payment:
    """The payment, held against every other change until this transaction ends."""
    query = _all.where(payments.c.reference == reference).with_for_update()
    return as_payment(db.execute(query).mappings().one())


def count_ask(db: Connection, payment: Payment, now: datetime) -> Payment:
    """Write down, before it happens, that the operator is asked to move this locked payment."""
    mine = payments.c.id == payment.id
    asked = {"asks": payments.c.asks + 1, "asked_at": payment.asked_at or now}
    db.execute(update(payments).where(mine).values(asked))
    return must_have(db, payment.reference)


def bring_back(db: Connection, now: datetime) -> int:
    """Count those asked for from now that a clock dated which has been set back since; how many.

    So they grow old: are asked for again, shown to staff, and may be stopped.
    """
    ahead = payments.c.state.in_(OPEN) & is_ahead(payments.c.asked_at, now)
    return db.execute(update(payments).where(ahead).values(asked_at=now)).rowcount


def must_have(db: Connection, reference: str) -> Payment:
    """The payment with this reference, which is there."""
    return as_payment(db.execute(_all.where(payments.c.reference == reference)).mappings().one())


def _listed(db: Connection, query: Any) -> list[Payment]:
    ordered = query.order_by(payments.c.id.desc())
    return [as_payment(row) for row in db.execute(ordered).mappings()]


def as_payment(row: RowMapping) -> Payment:
    """A row of the payments as a value."""
    return Payment(**{name: row[name] for name in Payment.__slots__})
