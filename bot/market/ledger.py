"""The double-entry ledger: every entry sums to zero, is posted once, and is never changed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from bot.storage.schema import ledger_entries, ledger_lines

HUB_FLOAT = "hub_float"
FEES = "fees"
SALES = "hub_sales"


def payable(contact_id: int) -> str:
    """The account of what the hub owes a person; below zero is owed."""
    return f"farmer_payable:{contact_id}"


def post(db: Connection, cause: str, lines: list[tuple[str, int]], now: datetime) -> bool:
    """Post an entry of (account, amount in francs). False when this cause was posted before.

    Raises ValueError when the lines do not sum to zero, or one of them is zero.
    """
    if sum(amount_rwf for _account, amount_rwf in lines) != 0:
        raise ValueError(f"entry {cause!r} does not sum to zero")
    if any(amount_rwf == 0 for _account, amount_rwf in lines):
        raise ValueError(f"entry {cause!r} has a line of nothing")
    if db.execute(select(ledger_entries.c.id).where(ledger_entries.c.cause == cause)).first():
        return False
    key = db.execute(insert(ledger_entries).values(cause=cause, at=now)).inserted_primary_key
    entry_id = key[0] if key else 0
    rows = [{"entry_id": entry_id, "account": a, "amount_rwf": rwf} for a, rwf in lines]
    db.execute(insert(ledger_lines), rows)
    return True


def balance(db: Connection, account: str) -> int:
    """The balance of an account, computed from its lines."""
    query = select(func.sum(ledger_lines.c.amount_rwf)).where(ledger_lines.c.account == account)
    return int(db.execute(query).scalar() or 0)


def verify(db: Connection) -> list[str]:
    """Every entry that does not sum to zero, in words; empty when the books are right."""
    total = func.sum(ledger_lines.c.amount_rwf)
    query = (
        select(ledger_entries.c.cause, total)
        .join(ledger_lines, ledger_lines.c.entry_id == ledger_entries.c.id, isouter=True)
        .group_by(ledger_entries.c.cause)
        .having((total != 0) | total.is_(None))
    )
    return [f"{cause}: off by {off or 'all lines'}" for cause, off in db.execute(query)]
