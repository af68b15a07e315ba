"""What is wrong with a world that has come to its end: the common invariants, and this path's own."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

from bot.storage.schema import outbox, payment_events
from bot.ussd.gsm7 import fold
from tests import invariants
from tests.invariants import Paid
from tests.sweep.path import Path
from tests.sweep.world import MOST, World

_NEVER = datetime.min.replace(tzinfo=UTC)


async def faults(world: World, path: Path) -> list[str]:
    """Every invariant that does not hold, in words; none is the good answer."""
    book = _book(world)
    arrived = Counter(fact["text"] for fact in world.operators.sms._notebook.all("sms"))

    def look(db: Connection) -> dict[str, bool]:
        return {
            **invariants.of_money(db),
            **invariants.of_stock(db),
            **invariants.of_traffic(db),
            **({} if path.paid_before else invariants.of_operators(db, book, frozenset())),
            "I11 there is no dead letter": _dead(db) == 0,
            "I5 the last came to its end in time": _last_end(db) <= world.calm_since + MOST,
            "I11 every message reached its phone": all(arrived[one] for one in _texts(db)),
            **path.rules(db),
        }

    return world.wrong + invariants.violated(await world.records.read(look))


def doubles(world: World) -> int:
    """How many messages reached a phone a second time, as at least once allows."""
    arrived = Counter(fact["text"] for fact in world.operators.sms._notebook.all("sms"))
    return arrived.total() - len(arrived)


def _book(world: World) -> list[Paid]:
    """Both operators' own books."""
    momo, airtel = world.operators.momo, world.operators.airtel
    mtn = [
        Paid(one["reference"], int(one["amount"]), momo.status(one) == "SUCCESSFUL")
        for one in momo.transfers()
    ]
    other = [
        Paid(one["id"], one["amount_rwf"], airtel.state(one) == "TS") for one in airtel.transfers()
    ]
    return mtn + other


def _last_end(db: Connection) -> datetime:
    events = db.execute(select(payment_events.c.at)).scalars().all()
    left = db.execute(select(outbox.c.done_at)).scalars().all()
    return max((moment for moment in [*events, *left] if moment), default=_NEVER)


def _dead(db: Connection) -> int:
    return db.execute(select(func.count()).where(outbox.c.state == "dead")).scalar()


def _texts(db: Connection) -> list[str]:
    query = select(outbox.c.payload).where(outbox.c.kind == "sms")
    return [fold(payload["text"]) for payload in db.execute(query).scalars()]
