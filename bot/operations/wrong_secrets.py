"""Who knocks with a wrong secret, counted by door and source, minute by minute and in bounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection

from bot.market.staff_alerts import Found
from bot.source import counted_as
from bot.storage import minutes

_PREFIX = "guess "
# So many sources in a minute are told apart; those after them are counted as one.
_SOURCES_MAX = 50
_OTHERS = "others"
_MINUTES, _TOLD_MAX = 5, 5


class WrongSecrets:
    """This process's count since it was last written down."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, door: str, source: str) -> None:
        """One more."""
        name = f"{_PREFIX}{door} {counted_as(source)}"
        if name not in self.counts and len(self.counts) >= _SOURCES_MAX:
            name = f"{_PREFIX}{door} {_OTHERS}"
        self.counts[name] += 1

    def written(self, counts: Counter[str]) -> None:
        """These stand in the records, and their minute is over."""
        self.counts = self.counts - counts


def guesses(db: Connection, most: int, now: datetime) -> Iterator[Found]:
    """Sources with so many wrong secrets in five minutes, at whichever process; the worst first."""
    last = int(now.timestamp() // 60)
    total: Counter[str] = Counter()
    for minute in minutes.found(db, last - _MINUTES + 1, last + 1):
        total += Counter({k: n for k, n in minute.kinds.items() if k.startswith(_PREFIX)})
    for name, count in total.most_common(_TOLD_MAX):
        if count >= most:
            yield Found("wrong_secrets", name.removeprefix(_PREFIX)[:40], count)
