"""An operator's statement, sent as a file and compared with our payments; only the audit keeps it.

What `isoko ledger reconcile` does besides, tickets and asking again, is not done here: a wrong
file would open hundreds.
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from aiohttp import web

from bot.csv_cells import safe_text
from bot.dashboard.access.members import note
from bot.dashboard.forms import fields_of, file_of
from bot.dashboard.guard import VISITOR, Guard
from bot.dashboard.rendering import Pages
from bot.dashboard.screens.payment_words import (
    ABOUT_WORDS,
    BAD_WORDS,
    COMPARED_WORDS,
    REMEDY_WORDS,
    STATE_WORDS,
)
from bot.i18n.formats import local_day
from bot.market import Market
from bot.market.notices import wallet_name
from bot.market.reconciliation import Finding, Kind, StatementProblem, Tally, reconcile
from bot.market.reconciliation.statement import COLUMNS, BadRow
from bot.masking import without_numbers
from bot.msisdn import masked
from bot.payments.provider import AIRTEL_MONEY, MTN_MOMO

# About 15,000 payments; the form's own fields come on top.
FILE_MOST_BYTES = 2_000_000
_FORM_MOST_BYTES = FILE_MOST_BYTES + 16_384
# Of one kind; all are counted.
_SHOWN_MOST = 100
_CELL_MOST = 40
_OPERATORS = (MTN_MOMO, AIRTEL_MONEY)
_FIRST_DAY = date(2020, 1, 1)
# These are shown also where there is none.
_ALWAYS = (Kind.MATCHED, Kind.MISSING_HERE, Kind.MISSING_THERE, Kind.DIFFERING)


@dataclass(frozen=True, slots=True)
class Shown:
    """One finding as the page shows it: what they say, and what we say."""

    line: int
    reference: str
    payment_id: int | None
    about: str
    theirs: list[str]
    ours: list[str]
    state: str


@dataclass(slots=True)
class Compared:
    """What a comparison came to; of each kind the first findings, and how many there are."""

    provider: str
    day: date
    tally: Tally = field(default_factory=Tally)
    shown: dict[Kind, list[Shown]] = field(default_factory=dict)

    def keep(self, finding: Finding) -> None:
        """Take one finding in, while there is room."""
        of_kind = self.shown.setdefault(finding.kind, [])
        if len(of_kind) < _SHOWN_MOST:
            of_kind.append(_as_shown(finding))

    @property
    def kinds(self) -> list[tuple[Kind, int, list[Shown]]]:
        """What was found, the unreadable first, since it counts as missing."""
        counts: Counter[Kind] = self.tally.kinds
        order = [Kind.BAD_ROW, *(kind for kind in Kind if kind is not Kind.BAD_ROW)]
        which = [kind for kind in order if counts[kind] or kind in _ALWAYS]
        return [(kind, counts[kind], self.shown.get(kind, [])) for kind in which]


class StatementPage:
    """The form for a statement, and what came of it."""

    def __init__(self, market: Market, pages: Pages, guard: Guard) -> None:
        self._records, self._pages, self._timezone = market.records, pages, market.hub.timezone
        guard.allow_file(self.compare, _FORM_MOST_BYTES)

    async def ask(self, request: web.Request) -> web.Response:
        """The form alone."""
        return self._page(request, MTN_MOMO, self._today() - timedelta(days=1))

    async def compare(self, request: web.Request) -> web.Response:
        """The form again, with what differs, or why the file is no statement."""
        form, raw = await fields_of(request), await file_of(request, "file")
        provider, day = form.get("operator", ""), self._day_of(form.get("day", ""))
        if provider not in _OPERATORS or day is None:
            raise web.HTTPBadRequest
        if len(raw) > FILE_MOST_BYTES:
            raise web.HTTPRequestEntityTooLarge(FILE_MOST_BYTES, len(raw))
        found = Compared(provider, day)
        try:
            await self._compare(raw, found, request[VISITOR].member.name)
        except StatementProblem as problem:
            return self._page(request, provider, day, problem=problem)
        return self._page(request, provider, day, found)

    async def _compare(self, raw: bytes, found: Compared, by: str) -> None:
        now = datetime.now(UTC)
        found.tally = await reconcile(
            io.StringIO(_text_of(raw), newline=""),
            self._records,
            provider=found.provider,
            day=found.day,
            timezone=self._timezone,
            now=now,
            report=found.keep,
            acts=False,
        )
        counts = {kind.value: count for kind, count in found.tally.kinds.items()}
        about = f"statement {found.provider} {found.day}"
        await self._records.write(
            lambda db: note(db, by, "statement compared", about, now, counts=counts)
        )

    def _page(
        self,
        request: web.Request,
        provider: str,
        day: date,
        found: Compared | None = None,
        problem: StatementProblem | None = None,
    ) -> web.Response:
        visitor = request[VISITOR]
        return self._pages.page(
            "payments_statement.html",
            visitor.member,
            visitor.form,
            status=422 if problem else 200,
            operators={code: wallet_name(code) for code in _OPERATORS},
            provider=provider,
            wanted=day.isoformat(),
            today=self._today().isoformat(),
            found=found,
            problem=problem,
            columns=",".join(COLUMNS),
            megabytes=FILE_MOST_BYTES // 1_000_000,
            compared=COMPARED_WORDS,
            remedies=REMEDY_WORDS,
            abouts=ABOUT_WORDS,
            bad_words=BAD_WORDS,
            states=STATE_WORDS,
        )

    def _today(self) -> date:
        return local_day(datetime.now(UTC), self._timezone)

    def _day_of(self, typed: str) -> date | None:
        try:
            wanted = date.fromisoformat(typed)
        except ValueError:
            return None
        return wanted if _FIRST_DAY <= wanted <= self._today() else None


def _text_of(raw: bytes) -> str:
    """The file as text. Raises `StatementProblem` that names where it is none."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        sign = error.start - before.rfind(b"\n")
        what = f"no UTF-8 text, at sign {sign} of the line"
        raise StatementProblem(what, before.count(b"\n") + 1, str(sign), "text") from error


def _as_shown(finding: Finding) -> Shown:
    row, payment = finding.row, finding.ours
    if isinstance(row, BadRow):
        theirs = [_cell(row.cell)] if row.column else []
    elif row is None:
        theirs = []
    else:
        money, receipt = f"{row.amount} {_cell(row.currency)}", _cell(row.transaction_id)
        theirs = [row.status, money, masked(row.payee_msisdn), receipt]
    ours = []
    if payment is not None:
        ours = [f"{payment.really_rwf} {payment.currency}", payment.provider_txn_id]
        ours.insert(1, masked(payment.payee_msisdn) if payment.payee_msisdn else "")
    return Shown(
        finding.line,
        _cell(finding.reference),
        None if payment is None else payment.id,
        finding.about,
        [one for one in theirs if one],
        [one for one in ours if one],
        "" if payment is None else payment.state,
    )


def _cell(text: str) -> str:
    """What a file holds, as it may be shown: short, numbers masked, computed by no spreadsheet."""
    return safe_text(without_numbers(text[:_CELL_MOST]))
