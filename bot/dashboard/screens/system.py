"""System: what runs here, whether its parts are well, and the books and the audit with them."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from aiohttp import web
from sqlalchemy import Connection, func, select

from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.market import Market, outages
from bot.market.outages import Standing
from bot.storage import outbox
from bot.storage.opening import revision_of, revision_wanted
from bot.storage.schema import audit, audit_seals, hub_events, ledger_lines, telegram_updates
from bot.storage.schema.telegram_updates import PARKED


@dataclass(frozen=True, slots=True)
class Checks:
    """What was found, as of now. `off_rwf` is the sum of all lines of the ledger."""

    store: str
    revision: str
    off_rwf: int
    operators: list[Standing]
    letters: dict[str, int]
    hub_parked: int
    chat_parked: int
    audit_lines: int
    audit_sealed: int


class System:
    """The page about the server itself."""

    def __init__(self, market: Market, pages: Pages, fingerprint: str) -> None:
        self._records, self._pages, self._fingerprint = market.records, pages, fingerprint

    async def show(self, request: web.Request) -> web.Response:
        """Version, settings' fingerprint, tables, and one line for each part."""
        visitor = request[VISITOR]
        return self._pages.page(
            "system.html",
            visitor.member,
            visitor.form,
            checks=await self._records.read(_look),
            version=version("isoko"),
            python=platform.python_version(),
            fingerprint=self._fingerprint,
            wanted=revision_wanted(),
            utc_now=datetime.now(UTC),
        )


def _look(db: Connection) -> Checks:
    parked = select(func.count()).where(hub_events.c.state == "parked")
    chats = select(func.count()).select_from(telegram_updates).where(PARKED)
    total = select(func.sum(ledger_lines.c.amount_rwf))
    lines = select(func.count()).select_from(audit)
    sealed = select(func.count()).select_from(audit_seals)
    return Checks(
        "PostgreSQL" if db.dialect.name == "postgresql" else "SQLite",
        revision_of(db),
        int(db.execute(total).scalar() or 0),
        outages.standing(db),
        outbox.counts(db),
        int(db.execute(parked).scalar() or 0),
        int(db.execute(chats).scalar() or 0),
        int(db.execute(lines).scalar() or 0),
        int(db.execute(sealed).scalar() or 0),
    )
