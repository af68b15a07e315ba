"""People as staff see them: found by number or name, each with what we hold, masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, false, func, select

from bot.dashboard.screens.asked import like
from bot.dashboard.screens.by_lots import Found, page_of
from bot.dashboard.screens.past_calls import PastCall, calls_of
from bot.i18n import N_
from bot.market import pin_reset
from bot.market.proposals import Proposal, waiting
from bot.masking import without_numbers
from bot.msisdn import masked, read_msisdn
from bot.storage.records import Records
from bot.storage.schema import (
    consents,
    contacts,
    offers,
    orders,
    payments,
    pins,
    telegram_links,
    tickets,
)

ROLE_WORDS = {
    "farmer": N_("farmer"),
    "crafts": N_("maker of crafts"),
    "cooperative": N_("co-operative"),
    "host": N_("host"),
}
_SHOWN = 20
_DIGITS_MAX = 2


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Somebody in the list; `number` is masked, and "" where none is kept."""

    id: int
    name: str
    number: str
    district: str
    language: str
    role: str
    crop: str
    created_at: datetime
    erased_at: datetime | None
    verifying: bool
    shared_phone: bool


@dataclass(frozen=True, slots=True)
class PersonPage:
    """One person. `pin` is "none", "set", "locked" or "reset"."""

    row: PersonRow
    pin: str
    locked_until: datetime | None
    consents: list[RowMapping]
    telegram: bool
    offers: list[RowMapping]
    payments: list[RowMapping]
    tickets: list[RowMapping]
    calls: list[PastCall]
    erasing: Proposal | None


def people_where(filters: Mapping[str, str]) -> list[ColumnElement[bool]]:
    """Which people: `q` is a part of a name, never of a number; and by `role`."""
    which: list[ColumnElement[bool]] = []
    wanted = filters.get("q", "")
    if sum(sign.isdigit() for sign in wanted) > _DIGITS_MAX:
        # Some write their number with their name: it could be guessed digit by digit.
        which.append(false())
    elif wanted:
        # The database's own small letters are ASCII's; ours are put beside them.
        either = func.lower(contacts.c.names).like(like(wanted.lower()), escape="\\")
        which.append(either | contacts.c.names.like(like(wanted), escape="\\"))
    if filters.get("role"):
        which.append(contacts.c.role == filters["role"])
    return which


async def people_page(
    records: Records, filters: Mapping[str, str], before: int
) -> tuple[list[PersonRow], Found]:
    """A page of people, the newest first; and how far it went."""
    which = people_where(filters)
    found = await page_of(records, select(contacts), contacts.c.id, which, before)
    return [_row(row) for row in found.rows], found


def contact_with(db: Connection, typed: str, country: str) -> int:
    """Whose whole number was typed, in any form; 0 for nobody's."""
    msisdn = read_msisdn("".join(typed.split()), country)
    if msisdn is None:
        return 0
    return int(db.execute(select(contacts.c.id).where(contacts.c.msisdn == msisdn)).scalar() or 0)


def one_person(db: Connection, contact_id: int, now: datetime) -> PersonPage | None:
    """The person with this id, also one who was erased."""
    found = db.execute(select(contacts).where(contacts.c.id == contact_id)).mappings().first()
    if found is None:
        return None
    pin = db.execute(select(pins).where(pins.c.contact_id == contact_id)).mappings().first()
    until = pin["locked_until"] if pin else None
    agreed = select(consents).where(consents.c.contact_id == contact_id).order_by(consents.c.id)
    chat = telegram_links.c.confirmed_at.is_not(None) & telegram_links.c.ended_at.is_(None)
    linked = select(telegram_links.c.id).where(chat, telegram_links.c.contact_id == contact_id)
    return PersonPage(
        _row(found),
        _pin_state(db, contact_id, pin, now),
        until if until and until > now else None,
        list(db.execute(agreed).mappings()),
        db.execute(linked).first() is not None,
        _offers(db, contact_id),
        _newest(db, payments, contact_id, "amount_rwf", "state", "order_code", "created_at"),
        _newest(db, tickets, contact_id, "code", "category", "state", "opened_at"),
        calls_of(db, found["msisdn"] or ""),
        waiting(db, "erase", subject_of(contact_id)),
    )


def subject_of(contact_id: int) -> str:
    """What the audit and the proposals call them."""
    return f"contact {contact_id}"


def _row(row: RowMapping) -> PersonRow:
    return PersonRow(
        row["id"],
        without_numbers(row["names"]),
        masked(row["msisdn"]) if row["msisdn"] else "",
        row["district"],
        row["language"],
        row["role"],
        row["crop"],
        row["created_at"],
        row["erased_at"],
        verifying=row["verify_since"] is not None,
        shared_phone=bool(row["shared_phone"]),
    )


def _pin_state(db: Connection, contact_id: int, pin: RowMapping | None, now: datetime) -> str:
    if pin is None:
        return "none"
    if pin_reset.is_reset(db, contact_id):
        return "reset"
    return "locked" if pin["locked_until"] and pin["locked_until"] > now else "set"


def _offers(db: Connection, contact_id: int) -> list[RowMapping]:
    query = (
        select(orders.c.code, offers.c.packs, offers.c.packs_accepted, offers.c.state)
        .join(orders, orders.c.id == offers.c.order_id)
        .where(offers.c.contact_id == contact_id)
        .order_by(offers.c.id.desc())
        .limit(_SHOWN)
    )
    return list(db.execute(query).mappings())


def _newest(db: Connection, table: Any, contact_id: int, *names: str) -> list[RowMapping]:
    wanted = [table.c[name] for name in ("id", *names)]
    query = select(*wanted).where(table.c.contact_id == contact_id)
    return list(db.execute(query.order_by(table.c.id.desc()).limit(_SHOWN)).mappings())
