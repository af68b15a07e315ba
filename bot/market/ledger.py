"""The double-entry ledger: every entry sums to zero, is posted once, and is never changed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from bot.storage.in_lots import total
from bot.storage.records import Records
from bot.storage.schema import ledger_entries, ledger_lines

HUB_FLOAT = "hub_float"
FEES = "fees"
SALES = "hub_sales"
# What people pay the hub for.
REVENUE = "hub_revenue"
# What staff found to be lost, or too much, when they ended a payment by hand.
WRITE_OFF = "write_off"
# Money that left or came otherwise than we asked, until people have found out why.
SUSPENSE = "suspense"


def payable(contact_id: int) -> str:
    """The account of what the hub owes a person; below zero is owed."""
    return f"farmer_payable:{contact_id}"


def receivable(contact_id: int) -> str:
    """The account of what a person owes the hub; above zero is owed."""
    return f"receivable:{contact_id}"


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
    entry_id = _next_number(db)
    rows = [{"entry_id": entry_id, "account": a, "amount_rwf": rwf} for a, rwf in lines]
    db.execute(insert(ledger_lines), rows)
    # Last: the database checks the sum when the entry comes, and takes no line after it.
    db.execute(insert(ledger_entries).values(id=entry_id, cause=cause, at=now))
    return True


def balance(db: Connection, account: str) -> int:
    """The balance of an account, computed from its lines."""
    query = select(func.sum(ledger_lines.c.amount_rwf)).where(ledger_lines.c.account == account)
    return int(db.execute(query).scalar() or 0)


async def off_rwf(records: Records) -> int:
    """What all lines sum up to, which must be nothing; read entry by entry, in lots."""
    lines, amount = select(ledger_lines), func.sum(ledger_lines.c.amount_rwf)
    return await total(records, lines, ledger_lines.c.entry_id, amount)


def _next_number(db: Connection) -> int:
    if db.dialect.name == "postgresql":
        sequence = func.pg_get_serial_sequence(ledger_entries.name, "id")
        return int(db.execute(select(func.nextval(sequence))).scalar_one())
    # One writer at a time, and no entry is ever removed.
    return int(db.execute(select(func.max(ledger_entries.c.id))).scalar() or 0) + 1
