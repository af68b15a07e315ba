"""System: what runs here, whether its parts are well, and the books and the audit with them."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version

from aiohttp import web
from sqlalchemy import Connection, func, select

from bot.dashboard.access.roles import AUDITORS, STAFF_READERS
from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens.code_words import word_of
from bot.dashboard.screens.fresh import Fresh
from bot.market import Market, outages
from bot.market.ledger import off_rwf
from bot.market.outages import Standing
from bot.storage import backups, outbox
from bot.storage.opening import revision_of, revision_wanted
from bot.storage.schema import audit, audit_seals, hub_events, telegram_updates
from bot.storage.schema.telegram_updates import PARKED

# It reads all of the ledger.
_SUM_GOOD_FOR_S = 60.0


@dataclass(frozen=True, slots=True)
class Checks:
    """What was found, as of now. `audit_newest` and `audit_sealed` are numbers of lines."""

    store: str
    revision: str
    operators: list[Standing]
    letters: dict[str, int]
    hub_parked: int
    chat_parked: int
    audit_newest: int
    audit_sealed: int
    backed_up_at: datetime | None


class System:
    """The page about the server itself."""

    def __init__(self, market: Market, pages: Pages, fingerprint: str) -> None:
        self._records, self._pages, self._fingerprint = market.records, pages, fingerprint
        self._off_rwf: Fresh[int] = Fresh(partial(off_rwf, market.records), _SUM_GOOD_FOR_S)

    async def show(self, request: web.Request) -> web.Response:
        """Version, settings' fingerprint, tables, and one line for each part."""
        visitor = request[VISITOR]
        return self._pages.page(
            "system.html",
            visitor.member,
            visitor.form,
            word=word_of,
            checks=await self._records.read(_look),
            off_rwf=await self._off_rwf.get(),
            version=version("isoko"),
            python=platform.python_version(),
            fingerprint=self._fingerprint,
            wanted=revision_wanted(),
            utc_now=datetime.now(UTC),
            may_check=visitor.member.role in AUDITORS,
            may_see_settings=visitor.member.role in STAFF_READERS,
        )


def _look(db: Connection) -> Checks:
    parked = select(func.count()).where(hub_events.c.state == "parked")
    chats = select(func.count()).select_from(telegram_updates).where(PARKED)
    newest = select(func.max(audit.c.id))
    sealed = select(func.max(audit_seals.c.audit_id))
    return Checks(
        "PostgreSQL" if db.dialect.name == "postgresql" else "SQLite",
        revision_of(db),
        outages.standing(db),
        outbox.unsent(db),
        int(db.execute(parked).scalar() or 0),
        int(db.execute(chats).scalar() or 0),
        int(db.execute(newest).scalar() or 0),
        int(db.execute(sealed).scalar() or 0),
        backups.last(db),
    )
