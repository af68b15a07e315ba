"""Payments: what needs a person, one payment with its story, and what staff may do about it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from aiohttp import web
from sqlalchemy import Connection

from bot.dashboard.access.members import Member
from bot.dashboard.access.roles import ASKERS, BOOKKEEPERS, COMPARERS, MONEY
from bot.dashboard.forms import fields_of
from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens import payment_deeds
from bot.dashboard.screens.asked import address, before_asked, choice_asked, text_asked
from bot.dashboard.screens.code_words import word_of
from bot.dashboard.screens.export_tables import may_export
from bot.dashboard.screens.payment_desk import (
    PaymentPage,
    last_reconciliations,
    one_payment,
    payments_page,
    to_be_looked_at,
)
from bot.dashboard.screens.payment_words import (
    ANSWER_WORDS,
    COMPARED_WORDS,
    END_WORDS,
    KIND_WORDS,
    SAID,
    STATE_WORDS,
    TALK_WORDS,
)
from bot.dashboard.screens.ticket_words import in_the_language_spoken
from bot.market import Market
from bot.market.notices import wallet_name
from bot.market.payments import OPEN, Payment
from bot.payments.provider import AIRTEL_MONEY, MTN_MOMO

_PATH = "/dashboard/payments"
_OPERATORS = (MTN_MOMO, AIRTEL_MONEY)


class _Deed(Protocol):
    def __call__(
        self,
        db: Connection,
        payment: Payment,
        by: Member,
        form: dict[str, str],
        /,
        *,
        now: datetime,
    ) -> str: ...


class Payments:
    """The payments' pages."""

    def __init__(self, market: Market, pages: Pages) -> None:
        self._records, self._pages, self._rules = market.records, pages, market.payouts

    async def listed(self, request: web.Request) -> web.Response:
        """What needs a person first, when nothing is filtered; then the newest."""
        visitor = request[VISITOR]
        filters = {
            "q": text_asked(request, "q"),
            "state": choice_asked(request, "state", STATE_WORDS),
            "kind": choice_asked(request, "kind", KIND_WORDS),
            "provider": choice_asked(request, "provider", _OPERATORS),
        }
        before, rules = before_asked(request), self._rules
        read = self._records.read
        found, page = await payments_page(self._records, filters, before)
        first = not before and not any(filters.values())
        return self._pages.page(
            "payments.html",
            visitor.member,
            visitor.form,
            payments=found,
            urgent=await read(lambda db: to_be_looked_at(db, rules)) if first else [],
            first=first,
            reconciliations=await read(last_reconciliations),
            filters=filters,
            next_page=address(_PATH, **filters, before=page.following) if page.following else "",
            partly=page.partly,
            words=STATE_WORDS,
            kinds=KIND_WORDS,
            operators={code: wallet_name(code) for code in _OPERATORS},
            may_see_float=visitor.member.role in BOOKKEEPERS,
            may_compare=visitor.member.role in COMPARERS,
            compared=COMPARED_WORDS,
            may_export=may_export("payments", visitor.member.role),
        )

    async def one(self, request: web.Request) -> web.Response:
        """One payment: its events, its postings, what called back, and what can be done."""
        visitor, found = request[VISITOR], await self._found(request)
        payment, role = found.row.payment, visitor.member.role
        return self._pages.page(
            "payment.html",
            visitor.member,
            visitor.form,
            word=word_of,
            spoken=in_the_language_spoken,
            found=found,
            payment=payment,
            words=STATE_WORDS,
            kinds=KIND_WORDS,
            ends=END_WORDS,
            talk_words=TALK_WORDS,
            answer_words=ANSWER_WORDS,
            said=SAID.get(request.query.get("said", ""), ""),
            may_ask=role in ASKERS and payment.state in OPEN and payment.asks > 0,
            may_send=role in MONEY and any(one["state"] == "dead" for one in found.letters),
            may_release=role in MONEY and found.waits_for_release,
            may_stop=role in MONEY and payment.state in OPEN and payment.asks > 0,
            may_end=role in MONEY and payment.state == "flagged",
            may_pass_on=role in MONEY and found.is_refused,
            may_export=may_export("ledger", role),
        )

    async def ask(self, request: web.Request) -> web.Response:
        """Have the operator asked about it at once."""
        return await self._do(request, payment_deeds.ask)

    async def send(self, request: web.Request) -> web.Response:
        """Let it leave again that could not be sent, under its old reference."""
        return await self._do(request, payment_deeds.send)

    async def release(self, request: web.Request) -> web.Response:
        """Release what waits for two people; the second release lets it leave."""
        return await self._do(request, partial(payment_deeds.release, rules=self._rules))

    async def pass_on(self, request: web.Request) -> web.Response:
        """Pass on again to the seller what the operator refused to pay; two release it."""
        return await self._do(request, partial(payment_deeds.pass_on, rules=self._rules))

    async def stop(self, request: web.Request) -> web.Response:
        """Have its operator asked no more, so that two people can end it."""
        return await self._do(request, payment_deeds.stop)

    async def propose(self, request: web.Request) -> web.Response:
        """Say what became of a flagged payment; somebody else says so too."""
        return await self._do(request, payment_deeds.propose)

    async def settle(self, request: web.Request) -> web.Response:
        """End it as somebody else proposed."""
        return await self._do(request, partial(payment_deeds.settle, rules=self._rules))

    async def withdraw(self, request: web.Request) -> web.Response:
        """Take back what was proposed."""
        return await self._do(request, payment_deeds.withdraw)

    async def _do(self, request: web.Request, deed: _Deed) -> web.Response:
        member, form, now = request[VISITOR].member, await fields_of(request), datetime.now(UTC)
        payment = (await self._found(request)).row.payment
        said = await self._records.write(lambda db: deed(db, payment, member, form, now=now))
        raise web.HTTPSeeOther(f"{_PATH}/{payment.id}?said={said}")

    async def _found(self, request: web.Request) -> PaymentPage:
        payment_id, rules = int(request.match_info["id"]), self._rules
        found = await self._records.read(lambda db: one_payment(db, payment_id, rules))
        if found is None:
            raise web.HTTPNotFound
        return found
