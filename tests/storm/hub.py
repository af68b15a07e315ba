"""The marketplace hub in the storm: makes payouts in batches, and pays for what was accepted."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, select

from bot.market import Actor, offers, payments
from bot.market.limits import PayoutRules
from bot.storage.schema import contacts, orders
from bot.storage.schema import offers as offer_rows
from bot.storage.schema import payments as payment_rows
from tests.storm import world

_RULES = PayoutRules(person_day_rwf=10**12)
_NAMED = select(
    payment_rows.c.reference,
    payment_rows.c.order_code,
    payment_rows.c.payee_msisdn,
    payment_rows.c.refunds_id,
)


def make_rows(db: Connection, first: int, end: int) -> None:
    """Payouts with these numbers, each once: who died on the way does it again."""
    now = datetime.now(UTC)
    codes = [f"KR-{number}" for number in range(first, end)]
    there = select(payment_rows.c.order_code).where(payment_rows.c.order_code.in_(codes))
    made = set(db.execute(there).scalars())
    ids = dict(db.execute(select(contacts.c.msisdn, contacts.c.id)).tuples().all())
    for number in range(first, end):
        code = f"KR-{number}"
        if code in made:
            continue
        owner = world.farmer(1_000_000 - number % 40)
        payments.pay_out(
            db, contact_id=ids[owner], offer_id=None, order_code=code, currency="RWF",
            amount_rwf=1_000 + number, payee_msisdn=world.payee(number), rules=_RULES, now=now,
            provider=world.provider_of(number),
        )  # fmt: skip


def pay_for_accepted(db: Connection) -> None:
    """Every accepted offer is carried to its delivery and paid for, in one transaction."""
    now = datetime.now(UTC)
    query = (
        select(offer_rows, orders.c.code, contacts.c.msisdn, contacts.c.wallet_provider)
        .join(orders, orders.c.id == offer_rows.c.order_id)
        .join(contacts, contacts.c.id == offer_rows.c.contact_id)
        .where(offer_rows.c.state == "accepted")
        .order_by(offer_rows.c.id)
        .limit(50)
    )
    for row in db.execute(query).mappings().all():
        for trigger in ("hand_over", "ship", "deliver"):
            offers.move(
                db, Actor("hub", "storm", f"{trigger}-{row['id']}"), row["id"], trigger, now
            )
        payments.pay_out(
            db, contact_id=row["contact_id"], offer_id=row["id"], order_code=row["code"],
            amount_rwf=row["packs_accepted"] * row["price_rwf"], provider=row["wallet_provider"],
            payee_msisdn=row["msisdn"], currency="RWF", now=now, rules=_RULES,
        )  # fmt: skip


def name_of(db: Connection, reference: str) -> str:
    """What the seed calls this payment; "" for none of ours."""
    found = db.execute(_NAMED.where(payment_rows.c.reference == reference)).first()
    return "" if found is None else _name(*found[1:])


def names(db: Connection) -> dict[str, str]:
    """The same of every payment, by its reference."""
    return {row[0]: _name(*row[1:]) for row in db.execute(_NAMED)}


def _name(order_code: str, payee_msisdn: str, refunds_id: int | None) -> str:
    return f"{order_code} {payee_msisdn}" + (" back" if refunds_id else "")
