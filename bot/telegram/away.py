"""Tries that ended only because the records were away: given back once these are there again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.storage import telegram_updates
from bot.storage.records import Records
from bot.storage.telegram_updates import Held


class Away:
    """What this process had in hand when the records went away.

    It is no more than that was in hand at once: while they are away nothing else is taken.
    """

    def __init__(self, records: Records, again_s: float) -> None:
        self._records, self._again_s = records, again_s
        self._held: dict[int, Held] = {}

    def note(self, held: Held) -> None:
        """The records were away before this one came to an end."""
        self._held[held.id] = held

    async def give_back(self) -> int:
        """Let them wait as if they had not been taken; how many. Raises `RecordsDown`.

        Must come before anything is taken again, so that no row lacks more than one try of ours.
        """
        mine = list(self._held.values())
        if not mine:
            return 0
        due = datetime.now(UTC) + timedelta(seconds=self._again_s)
        await self._records.write(lambda db: telegram_updates.give_back(db, mine, due))
        for held in mine:
            self._held.pop(held.id, None)
        return len(mine)
