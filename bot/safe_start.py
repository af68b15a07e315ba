"""Before anybody is answered: stores that would lose what they acknowledge stop the start."""

from __future__ import annotations

from bot.settings import Settings
from bot.storage.durability import weakness
from bot.storage.records import Records, RecordsDown
from bot.storage.sessions import Sessions


async def refuse_weak_stores(settings: Settings, records: Records, sessions: Sessions) -> None:
    """Raise `RecordsDown` with the remedy when a store is not safe to serve from.

    A demo may run on a PostgreSQL that forgets; a Redis that drops calls spoils a demo, too.
    """
    if settings.env == "production" and (trouble := await weakness(records)):
        raise RecordsDown(trouble)
    if trouble := await sessions.check():
        raise RecordsDown(f"sessions: {trouble}")
