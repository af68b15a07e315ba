"""Sessions inside one process, beside a database that many could share: a second server waits."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.storage.postgres import open_engine
from bot.storage.records import RecordsDown

_LOCK = 0x150C1


class OnlyServer:
    """A lock in the database, held by a connection of its own: it goes when the process goes."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._engine: AsyncEngine | None = None
        self._held: AsyncConnection | None = None

    async def take(self) -> None:
        """Take the lock. Raises `RecordsDown` when another server has it, or none can be asked."""
        self._engine = open_engine(self._url)
        try:
            self._held = await self._engine.connect()
            ask = text("SELECT pg_try_advisory_lock(:key)")
            is_ours = (await self._held.execute(ask, {"key": _LOCK})).scalar()
            await self._held.commit()
        except (OSError, SQLAlchemyError) as error:
            await self.give_back()
            raise RecordsDown(
                f"the database cannot be reached ({error}): check ISOKO_DATABASE_URL"
            ) from error
        if not is_ours:
            await self.give_back()
            raise RecordsDown(
                "another server already uses this database, and this one would keep its sessions "
                "to itself: set ISOKO_REDIS_URL for both, or stop the other"
            )

    async def give_back(self) -> None:
        """Let the next server in."""
        if self._held is not None:
            await self._held.close()
        if self._engine is not None:
            await self._engine.dispose()
        self._held = self._engine = None
