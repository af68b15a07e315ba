"""Receipts looked up by their proof code: what anybody may see who holds the code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from bot.market.payments import as_payment
from bot.market.proof import is_valid, tidy
from bot.storage.schema import payments


@dataclass(frozen=True, slots=True)
class Receipt:
    """A payment without its people: the amount, when it was settled or made, how it stands."""

    code: str
    amount_rwf: int
    at: datetime
    state: str
    kind: str


def by_code(db: Connection, code: str) -> Receipt | None:
    """The receipt with this code, as it was typed; None when nobody has it or it has a slip."""
    if not is_valid(code):
        return None
    query = select(payments).where(payments.c.proof_code == tidy(code))
    row = db.execute(query).mappings().first()
    if row is None:
        return None
    found = as_payment(row)
    at = found.dated_at
    return Receipt(found.proof_code, found.really_rwf, at, found.state, found.kind)
