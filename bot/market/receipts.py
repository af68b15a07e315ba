"""Receipts looked up by their proof code: what anybody may see who holds the code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from bot.market.proof import is_valid, tidy
from bot.storage.schema import payments


@dataclass(frozen=True, slots=True)
class Receipt:
    """A payment without its people: the amount, when it was settled or made, how it stands."""

    code: str
    amount_rwf: int
    at: datetime
    state: str


def by_code(db: Connection, code: str) -> Receipt | None:
    """The receipt with this code, as it was typed; None when nobody has it or it has a slip."""
    if not is_valid(code):
        return None
    columns = (
        payments.c.proof_code,
        payments.c.amount_rwf,
        payments.c.created_at,
        payments.c.settled_at,
        payments.c.state,
    )
    row = db.execute(select(*columns).where(payments.c.proof_code == tidy(code))).first()
    if row is None:
        return None
    at = row.settled_at or row.created_at
    return Receipt(row.proof_code, row.amount_rwf, at, row.state)
