"""A person's statement as a table: every payment in a row, and what was received in all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from bot.i18n import _
from bot.i18n.formats import day
from bot.market import notices, payments, people
from bot.market.payment_words import payment_state
from bot.market.payments import Payment
from bot.msisdn import masked

# The newest ones; who has more sees the total of all the same.
ROWS_MAX = 1000
Cell = str | int


@dataclass(frozen=True, slots=True)
class Statement:
    """What stands on it, in the language that is spoken. `rows` begin with the newest payment.

    The last cell of a row is what was received by it, in francs: they add up to `received_rwf`
    unless `cut`, which says that there are older payments than those shown.
    """

    title: str
    whose: str
    made: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: str
    received_rwf: int
    cut: bool


def statement_of(
    db: Connection, contact_id: int, timezone: str, now: datetime, rows_max: int = ROWS_MAX
) -> Statement | None:
    """The statement of a person; None when nobody is known by this number any more."""
    contact = people.by_id(db, contact_id)
    if contact is None or not contact.msisdn:
        return None
    found = payments.statement(db, contact_id, rows_max + 1)
    zone = ZoneInfo(timezone)
    return Statement(
        title=_("Isoko statement"),
        whose=f"{contact.names}, {masked(contact.msisdn)}",
        made=day(now.astimezone(zone).date()),
        heads=_heads(),
        rows=tuple(_row(one, zone) for one in found[:rows_max]),
        total=_("Total received (Frw)"),
        received_rwf=payments.received_rwf(db, contact_id),
        cut=len(found) > rows_max,
    )


def _heads() -> tuple[str, ...]:
    return (
        _("Date"), _("Time"), _("Order"), _("Amount (Frw)"), _("State"), _("Wallet"),
        _("Transaction"), _("Proof"), _("Received (Frw)"),
    )  # fmt: skip


def _row(one: Payment, zone: ZoneInfo) -> tuple[Cell, ...]:
    when = one.dated_at.astimezone(zone)
    received = one.kind == "payout" and one.state == "succeeded"
    return (
        day(when.date()),
        f"{when:%H:%M}",
        one.order_code,
        one.really_rwf,
        payment_state(one.state, one.kind),
        notices.wallet_name(one.provider),
        one.provider_txn_id,
        one.proof_code,
        one.really_rwf if received else 0,
    )
