"""What can be taken away as CSV: which columns, by whom, and how many rows at most."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import Column, ColumnElement, RowMapping, Select, func, select

from bot.dashboard.access.roles import Role
from bot.dashboard.screens.asked import like
from bot.dashboard.screens.audit_desk import LINES, as_line, lines_where
from bot.dashboard.screens.csv_cells import Cell
from bot.dashboard.screens.order_desk import OFFER_WORDS
from bot.dashboard.screens.payment_desk import PAYMENTS, payments_where
from bot.dashboard.screens.payment_words import KIND_WORDS, STATE_WORDS
from bot.dashboard.screens.people_desk import ROLE_WORDS, people_where
from bot.market.payments import as_payment
from bot.market.products import PRODUCTS
from bot.masking import without_numbers
from bot.msisdn import masked
from bot.storage.schema import (
    audit,
    contacts,
    ledger_entries,
    ledger_lines,
    offers,
    orders,
    payments,
)

# How many rows each role may take at once; a role that is not here takes none.
MOST_ROWS: Mapping[Role, int] = MappingProxyType(
    {
        "agent": 1_000,
        "supervisor": 20_000,
        "admin": 20_000,
        "finance": 1_000_000,
        "auditor": 1_000_000,
    }
)
_MONEY = frozenset({"supervisor", "finance", "auditor"})


_OFFERS = (
    select(
        offers,
        *(orders.c[name] for name in ("code", "product", "placed_at", "deliver_by", "pack_g")),
        *(contacts.c[name] for name in ("names", "msisdn", "district")),
    )
    .join(orders, orders.c.id == offers.c.order_id)
    .join(contacts, contacts.c.id == offers.c.contact_id)
)
_LEDGER = select(ledger_lines, ledger_entries.c.cause, ledger_entries.c.at).join(
    ledger_entries, ledger_entries.c.id == ledger_lines.c.entry_id
)


@dataclass(frozen=True, slots=True)
class Table:
    """One export. `filters` maps each filter to its values, or to None where any text will do."""

    roles: Collection[str]
    columns: tuple[str, ...]
    filters: Mapping[str, Collection[str] | None]
    rows: Select[Any]
    where: Callable[[Mapping[str, str]], list[ColumnElement[bool]]]
    key: Column[Any]
    cells: Callable[[RowMapping], tuple[Cell, ...]]


def tables() -> Mapping[str, Table]:
    """Every export by its name. Numbers are masked, and who was erased is `person` alone."""
    return {
        "orders": Table(
            frozenset(MOST_ROWS),
            ("order", "product", "placed_at", "deliver_by", "pack_g", "price_rwf", "person",
             "name", "number", "district", "packs", "packs_accepted", "state", "answered_at"),
            {"q": None, "product": PRODUCTS, "state": OFFER_WORDS},
            _OFFERS,
            _offers_where,
            offers.c.id,
            _offer_cells,
        ),
        "payments": Table(
            _MONEY,
            ("reference", "kind", "order", "amount_rwf", "moved_rwf", "fee_rwf", "provider",
             "state", "reason", "person", "name", "number", "created_at", "settled_at",
             "confirmed_at", "operator_transaction"),
            {"q": None, "state": STATE_WORDS, "kind": KIND_WORDS, "provider": None},
            PAYMENTS,
            payments_where,
            payments.c.id,
            _payment_cells,
        ),
        "ledger": Table(
            _MONEY,
            ("entry", "cause", "at", "account", "amount_rwf"),
            {},
            _LEDGER,
            lambda _asked: [],
            ledger_lines.c.id,
            _ledger_cells,
        ),
        "people": Table(
            frozenset({"supervisor", "auditor"}),
            ("person", "name", "number", "district", "language", "role", "crop", "since"),
            {"q": None, "role": ROLE_WORDS},
            # Who was erased is nobody any more.
            select(contacts).where(contacts.c.erased_at.is_(None)),
            people_where,
            contacts.c.id,
            _person_cells,
        ),
        "audit": Table(
            frozenset({"auditor", "admin"}),
            ("line", "at", "actor", "action", "subject", "details", "digest", "ip", "session"),
            {"actor": None, "action": None, "subject": None, "ip": None},
            LINES,
            lines_where,
            audit.c.id,
            _audit_cells,
        ),
    }  # fmt: skip


def may_export(name: str, role: Role) -> bool:
    """Whether this role may take this table away."""
    return role in MOST_ROWS and role in tables()[name].roles


def _offers_where(filters: Mapping[str, str]) -> list[ColumnElement[bool]]:
    which: list[ColumnElement[bool]] = []
    if filters.get("q"):
        which.append(func.upper(orders.c.code).like(like(filters["q"].upper()), escape="\\"))
    if filters.get("product"):
        which.append(orders.c.product == filters["product"])
    if filters.get("state"):
        which.append(offers.c.state == filters["state"])
    return which


def _offer_cells(row: RowMapping) -> tuple[Cell, ...]:
    return (
        *(row[name] for name in ("code", "product", "placed_at", "deliver_by", "pack_g")),
        row["price_rwf"],
        *(
            row["contact_id"],
            without_numbers(row["names"]),
            _number(row["msisdn"]),
            row["district"],
        ),
        *(row[name] for name in ("packs", "packs_accepted", "state", "answered_at")),
    )


def _payment_cells(row: RowMapping) -> tuple[Cell, ...]:
    payment = as_payment(row)
    return (
        *(payment.reference, payment.kind, payment.order_code, payment.amount_rwf),
        *(
            payment.moved_rwf,
            payment.fee_rwf,
            payment.provider,
            payment.state,
            without_numbers(payment.reason),
        ),
        *(
            payment.contact_id,
            without_numbers(row["names"]),
            _number(payment.payee_msisdn),
            payment.created_at,
        ),
        *(payment.settled_at, payment.confirmed_at, payment.provider_txn_id),
    )


def _ledger_cells(row: RowMapping) -> tuple[Cell, ...]:
    return tuple(row[name] for name in ("entry_id", "cause", "at", "account", "amount_rwf"))


def _person_cells(row: RowMapping) -> tuple[Cell, ...]:
    kept = ("district", "language", "role", "crop", "created_at")
    return (
        row["id"],
        without_numbers(row["names"]),
        _number(row["msisdn"]),
        *(row[name] for name in kept),
    )


def _audit_cells(row: RowMapping) -> tuple[Cell, ...]:
    line = as_line(row)
    said = line.id, line.at, line.actor, line.action, line.subject, line.details, line.digest
    return (*said, line.ip, line.session)


def _number(msisdn: str | None) -> str:
    return masked(msisdn) if msisdn else ""
