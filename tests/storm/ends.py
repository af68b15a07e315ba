"""What a storm ended in, as a digest that does not depend on who was first or when."""

from __future__ import annotations

import hashlib
from collections import Counter

from sqlalchemy import Connection, func, select

from bot.market import ledger
from bot.storage.schema import ledger_lines, orders, outbox, payments, pins

# When an operator broke and whom that made wait is a matter of moments.
_TOLD = (
    outbox.c.kind == "sms",
    outbox.c.dedupe_key.not_like("down:%"),
    outbox.c.dedupe_key.not_like("back:%"),
)


def digest(db: Connection) -> str:
    """A digest of every payment's end, the balances, the orders and the messages."""
    told = [
        ("payments", sorted(_payments(db).items())),
        ("orders", sorted(db.execute(select(orders.c.code, orders.c.packs_accepted)).tuples())),
        ("balances", sorted(_balances(db))),
        ("messages", db.execute(select(func.count()).where(*_TOLD)).scalar()),
        (
            "locks",
            db.execute(select(func.count()).where(pins.c.locked_until.is_not(None))).scalar(),
        ),
    ]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def _payments(db: Connection) -> Counter[tuple[str, int, str]]:
    """By order, amount and state: of a contested order it is not told who got it."""
    query = select(payments.c.order_code, payments.c.amount_rwf, payments.c.state)
    return Counter((row[0], row[1], row[2]) for row in db.execute(query))


def _balances(db: Connection) -> list[tuple[str, int]]:
    plain = (ledger.HUB_FLOAT, ledger.FEES, ledger.SALES, ledger.REVENUE, ledger.SUSPENSE)
    total = func.sum(ledger_lines.c.amount_rwf)
    query = select(ledger_lines.c.account, total).where(ledger_lines.c.account.in_(plain))
    return [(row[0], int(row[1])) for row in db.execute(query.group_by(ledger_lines.c.account))]
