"""The statement of a day at the pretended MoMo, in the form of docs/reconciliation.md."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from aiohttp import web

from bot.sandbox.momo_transfers import Transfers

PATH = "/sandbox/mtn-momo/statement.csv"
_COLUMNS = ("reference", "transaction_id", "amount", "currency", "payee", "status", "time")
# The operator's own day. Rwanda has no summer time.
_KIGALI = timezone(timedelta(hours=2))


class Statement:
    """What the operator says came in and went out."""

    def __init__(self, transfers: Transfers) -> None:
        self._transfers = transfers

    def mount(self, app: web.Application) -> None:
        """Add the statement's route to `app`."""
        app.router.add_get(PATH, self.show)

    async def show(self, request: web.Request) -> web.Response:
        """The payments of `?date=YYYY-MM-DD`; today's when no date is given."""
        asked = request.query.get("date", "")
        try:
            day = date.fromisoformat(asked) if asked else datetime.now(_KIGALI).date()
        except ValueError:
            return web.Response(status=400, text="date must be YYYY-MM-DD\n")
        return web.Response(text=self.text(day), content_type="text/csv")

    def text(self, day: date) -> str:
        """The file: a header, then a row for each payment of `day`, the oldest first."""
        file = io.StringIO()
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(_COLUMNS)
        for transfer in self._transfers.all():
            taken_at = datetime.fromtimestamp(transfer["at"], UTC).astimezone(_KIGALI)
            # A refund of what was never collected concerns no wallet.
            if transfer["party"] and taken_at.date() == day:
                rows.writerow(self._cells(transfer, taken_at))
        return file.getvalue()

    def _cells(self, transfer: dict[str, Any], taken_at: datetime) -> list[str]:
        shown = self._transfers.shown(transfer)
        status = shown["status"] if shown["status"] in {"SUCCESSFUL", "FAILED"} else "PENDING"
        return [
            transfer["reference"],
            shown.get("financialTransactionId", ""),
            shown["amount"],
            shown["currency"],
            transfer["party"],
            status,
            taken_at.isoformat(timespec="seconds"),
        ]
