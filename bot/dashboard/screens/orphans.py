"""Callbacks that came for nobody: a person finds their payment, and the operator is asked about it.

A callback is believed never, so this decides nothing about money: the operator's answer does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web
from sqlalchemy import Connection, or_, select

from bot.dashboard.access.members import Member, note
from bot.dashboard.access.roles import MONEY
from bot.dashboard.forms import fields_of
from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens.asked import PAGE
from bot.i18n import N_
from bot.kept_text import kept_text
from bot.market import Market, settlement
from bot.market.payments import OPEN, locked
from bot.masking import without_numbers
from bot.storage import orphans
from bot.storage.orphans import Orphan
from bot.storage.schema import payments

_PATH = "/dashboard/payments/orphans"
_REASON_MOST, _BODY_MOST = 160, 600
_SAID = {
    "asked": N_("It belongs to that payment. The operator is asked now: only its answer counts."),
    "matched": N_("It belongs to that payment, which is settled or flagged: nothing else changed."),
    "no_payment": N_("No payment of this operator has that reference or receipt."),
    "no_reason": N_("Say why. Nothing was changed."),
    "no_effect": N_("No effect: this was done already, or is not needed any more."),
    "nobodys": N_("Noted: it is nobody's."),
}


@dataclass(frozen=True, slots=True)
class OrphanRow:
    """One such callback; `body` has its numbers masked."""

    id: int
    source: str
    received_at: datetime
    body: str


class Orphans:
    """The page of callbacks for nobody."""

    def __init__(self, market: Market, pages: Pages) -> None:
        self._records, self._pages = market.records, pages

    async def listed(self, request: web.Request) -> web.Response:
        """The newest first."""
        visitor = request[VISITOR]
        found = await self._records.read(lambda db: orphans.for_people(db, PAGE))
        return self._pages.page(
            "orphans.html",
            visitor.member,
            visitor.form,
            orphans=[_row(one) for one in found],
            said=_SAID.get(request.query.get("said", ""), ""),
            may_match=visitor.member.role in MONEY,
        )

    async def match(self, request: web.Request) -> web.Response:
        """Say which payment it belongs to."""
        return await self._do(request, match)

    async def nobodys(self, request: web.Request) -> web.Response:
        """Say that it belongs to none."""
        return await self._do(request, nobodys)

    async def _do(
        self,
        request: web.Request,
        deed: Callable[[Connection, int, Member, dict[str, str], datetime], str],
    ) -> web.Response:
        number, by, form = int(request.match_info["id"]), request[VISITOR], await fields_of(request)
        now = datetime.now(UTC)
        said = await self._records.write(lambda db: deed(db, number, by.member, form, now))
        raise web.HTTPSeeOther(f"{_PATH}?said={said}")


def match(db: Connection, number: int, by: Member, form: dict[str, str], now: datetime) -> str:
    """It belongs to the payment that the form names: its operator is asked, if that is open."""
    reason = kept_text(form.get("reason", ""), _REASON_MOST)
    if not reason:
        return "no_reason"
    orphan = orphans.one_for_people(db, number)
    if orphan is None:
        return "no_effect"
    reference = _reference_of(db, orphan.source, form.get("payment", ""))
    if not reference:
        return "no_payment"
    payment = locked(db, reference)
    said = "asked" if payment.state in OPEN else "matched"
    orphans.end_by_hand(db, orphan, f"{said} by hand: {by.name}", now, payment.callback_token)
    if said == "asked":
        settlement.look_up_now(db, payment.callback_token, now)
    note(db, by.name, "callback matched", f"payment {reference}", now, inbox=number, reason=reason)
    return said


def nobodys(db: Connection, number: int, by: Member, form: dict[str, str], now: datetime) -> str:
    """It belongs to no payment of ours: somebody's guess, or another system's."""
    reason = kept_text(form.get("reason", ""), _REASON_MOST)
    if not reason:
        return "no_reason"
    orphan = orphans.one_for_people(db, number)
    if orphan is None:
        return "no_effect"
    orphans.end_by_hand(db, orphan, f"nobody's: {by.name}", now)
    note(db, by.name, "callback is nobody's", f"callback {number}", now, reason=reason)
    return "nobodys"


def _reference_of(db: Connection, source: str, typed: str) -> str:
    """The payment's reference by its whole reference or receipt; "" for none of this operator."""
    wanted = "".join(typed.split()).replace("\0", "")[:64]
    same = or_(payments.c.reference == wanted.lower(), payments.c.proof_code == wanted.upper())
    query = select(payments.c.reference).where(same, payments.c.provider == source).limit(2)
    found = list(db.execute(query).scalars()) if wanted else []
    return str(found[0]) if len(found) == 1 else ""


def _row(one: Orphan) -> OrphanRow:
    text = one.body[:_BODY_MOST].decode("utf-8", "replace")
    return OrphanRow(one.id, one.source, one.received_at, without_numbers(text))
