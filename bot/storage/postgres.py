"""Records in PostgreSQL, through asyncpg."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.storage.records import RecordsDown

T = TypeVar("T")

_TRIES = 5
# PostgreSQL asks for these to be tried again: serialization_failure and deadlock_detected.
_TRY_AGAIN = {"40001", "40P01"}


class PostgresRecords:
    """`Records` on PostgreSQL, for any number of processes."""

    def __init__(self, url: str, pool_size: int = 10) -> None:
        self._engine: AsyncEngine = create_async_engine(
            _driver_url(url),
            pool_size=pool_size,
            pool_timeout=2,
            pool_pre_ping=True,
            # What people gave us stands in the parameters: an error in a log must not repeat it.
            hide_parameters=True,
        )

        @event.listens_for(self._engine.sync_engine, "connect")
        def _prepare(driver_connection: Any, _record: Any) -> None:
            cursor = driver_connection.cursor()
            cursor.execute("SET synchronous_commit = on")
            cursor.execute("SET statement_timeout = '5s'")
            cursor.execute("SET lock_timeout = '3s'")
            cursor.close()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on a pooled connection."""
        try:
            async with self._engine.connect() as db:
                return await db.run_sync(work)
        except (OperationalError, OSError) as error:
            raise RecordsDown(str(error)) from error

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in its own transaction; try again when the server asks for it."""
        for attempt in range(1, _TRIES + 1):
            try:
                async with self._engine.begin() as db:
                    return await db.run_sync(work)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", "") not in _TRY_AGAIN or attempt == _TRIES:
                    raise _as_ours(error) from error
                await asyncio.sleep(random.uniform(0, 0.02 * attempt))  # noqa: S311  jitter only
            except OSError as error:
                raise RecordsDown(str(error)) from error
        raise RecordsDown("the records stayed busy")

    async def close(self) -> None:
        """Let go of the pool."""
        await self._engine.dispose()


def _driver_url(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"postgresql+asyncpg://{rest}" if scheme in {"postgres", "postgresql"} else url


def _as_ours(error: DBAPIError) -> Exception:
    return RecordsDown(str(error.orig)) if isinstance(error, OperationalError) else error
