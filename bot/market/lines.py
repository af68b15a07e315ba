"""An operator's lines: paying out and collecting are products of their own, with their own keys.

What one of them does not answer says nothing of the other. Refunds are paid, so they use the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, case, literal

from bot.storage.schema import payments

if TYPE_CHECKING:
    from bot.market.payments import Payment

_IN = ":in"


def line_of(payment: Payment) -> str:
    """The line through which this payment goes."""
    provider = payment.provider
    return collecting_line(provider) if payment.kind == "collection" else provider


def collecting_line(provider: str) -> str:
    """The line through which this operator collects; the one it pays through has its own name."""
    return provider + _IN


def provider_on(line: str) -> str:
    """Whose line it is."""
    return line.removesuffix(_IN)


def collects(line: str) -> bool:
    """Whether people pay through it."""
    return line.endswith(_IN)


def line_column() -> ColumnElement[str]:
    """The line of each row of the payments."""
    collecting = payments.c.provider + literal(_IN)
    return case((payments.c.direction == "collection", collecting), else_=payments.c.provider)


def named(line: str) -> str:
    """A line as staff read it."""
    return f"{provider_on(line)} (collecting)" if collects(line) else line
