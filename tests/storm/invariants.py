"""What must hold after any storm, kill or crash; the numbers are the project's own list.

Each takes the records and what was seen from outside, and gives what is wrong, in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlalchemy import Connection

from bot.storage.records import Records
from tests.storm import of_collections, of_messages, of_money, of_trade
from tests.storm.seen import Seen

Invariant = Callable[[Connection, Seen], Iterable[str]]
INVARIANTS: dict[str, tuple[Invariant, ...]] = {
    "I1": (of_trade.told_is_taken, of_collections.told_is_asked),
    "I2": (of_trade.taken_is_told,),
    "I3": (of_trade.never_oversold,),
    "I4": (of_money.sent_once, of_collections.collected_once),
    "I5": (of_money.over_in_time,),
    "I6": (of_money.books_are_right,),
    "I7": (of_money.same_as_operators, of_collections.given_back_is_wanted),
    "I9": (of_messages.kept_before_answered,),
    "I10": (of_messages.applied_once,),
    "I11": (of_messages.news_arrived,),
    "I12": (of_trade.repeats_are_equal,),
    "I18": (of_trade.locks_hold,),
    "I19": (of_messages.nothing_waits,),
}


async def violated(records: Records, seen: Seen) -> list[str]:
    """Every way in which one of them does not hold; each asks in a transaction of its own."""
    found: list[str] = []
    for name, checks in INVARIANTS.items():
        for check in checks:
            wrong = await records.read(lambda db, check=check: list(check(db, seen)))
            found += [f"{name}: {what}" for what in wrong]
    return found
