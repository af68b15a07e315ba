"""The daily sheet: the hub's float on one day, as a page and as CSV; from the ledger."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

from aiohttp import web

from bot.dashboard.access.members import note
from bot.dashboard.forms import fields_of
from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens.asked import address
from bot.dashboard.screens.csv_cells import lines_of
from bot.i18n.formats import local_day
from bot.kept_text import kept_text
from bot.market import Market
from bot.market.float_days import FloatDay, of_day

_PATH = "/dashboard/payments/day"
_REASON_MOST = 160
# It reads all of the ledger; so many days are kept for so long.
_GOOD_FOR_S, _KEPT_MOST = 60.0, 32
_FIRST_DAY = date(2020, 1, 1)


class FloatSheet:
    """The page of one day, and its CSV."""

    def __init__(self, market: Market, pages: Pages) -> None:
        self._records, self._pages, self._timezone = market.records, pages, market.hub.timezone
        self._kept: dict[date, tuple[float, FloatDay]] = {}

    async def show(self, request: web.Request) -> web.Response:
        """The day of the address, or today; no later one."""
        visitor, today = request[VISITOR], self._today()
        wanted = _day_of(request.query.get("day", ""), today)
        before, after = wanted - timedelta(days=1), wanted + timedelta(days=1)
        return self._pages.page(
            "payments_day.html",
            visitor.member,
            visitor.form,
            sheet=await self._sheet(wanted),
            is_over=wanted < today,
            today=today.isoformat(),
            earlier=address(_PATH, day=before.isoformat()),
            later=address(_PATH, day=after.isoformat()) if after <= today else "",
        )

    async def csv(self, request: web.Request) -> web.Response:
        """The same as a table to take away; with a reason, on record."""
        form, by, now = await fields_of(request), request[VISITOR].member.name, datetime.now(UTC)
        wanted = _day_of(form.get("day", ""), self._today())
        reason = kept_text(form.get("reason", ""), _REASON_MOST)
        if not reason:
            raise web.HTTPSeeOther(address(_PATH, day=wanted.isoformat()))
        sheet = await self._sheet(wanted)
        about = {"reason": reason, "filter": f"day={wanted}", "count": 1}
        await self._records.write(
            lambda db: note(db, by, "exported", "export float", now, whole=True, **about)
        )
        name = f'attachment; filename="isoko-float-{wanted}.csv"'
        return web.Response(
            text=_as_csv(sheet), content_type="text/csv", headers={"Content-Disposition": name}
        )

    async def _sheet(self, wanted: date) -> FloatDay:
        kept = self._kept.get(wanted)
        if kept is not None and time.monotonic() - kept[0] < _GOOD_FOR_S:
            return kept[1]
        sheet = await of_day(self._records, wanted, self._timezone)
        if len(self._kept) >= _KEPT_MOST:
            self._kept.clear()
        self._kept[wanted] = time.monotonic(), sheet
        return sheet

    def _today(self) -> date:
        return local_day(datetime.now(UTC), self._timezone)


def _day_of(typed: str, today: date) -> date:
    try:
        wanted = date.fromisoformat(typed[:10])
    except ValueError:
        return today
    return wanted if _FIRST_DAY <= wanted <= today else today


def _as_csv(sheet: FloatDay) -> str:
    columns = "day", "opening_rwf", "in_rwf", "out_rwf", "fees_rwf", "closing_rwf"
    money = sheet.opening_rwf, sheet.in_rwf, sheet.out_rwf, sheet.fees_rwf, sheet.closing_rwf
    return lines_of([columns, (sheet.day, *money)])
