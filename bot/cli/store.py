"""The records, for a command that does one thing with them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from bot.settings import Settings, load_settings
from bot.storage.opening import open_records, upgrade

T = TypeVar("T")


def done(work: Callable[[Connection], T], settings: Settings | None = None) -> T:
    """What `work` gives, once it is committed. Raises `RecordsDown`."""
    return asyncio.run(_do(settings or load_settings(), work))


async def _do(settings: Settings, work: Callable[[Connection], T]) -> T:
    await upgrade(settings.database_url, settings.data_dir)
    records = await open_records(settings.database_url, settings.data_dir)
    try:
        return await records.write(work)
    finally:
        await records.close()
