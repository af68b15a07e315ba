"""What is wrong with a world that has come to its end: the common invariants, and this path's own."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection, func, select

from bot.storage.schema import outbox, payment_events
from bot.ussd.gsm7 import fold
from tests import invariants
from tests.invariants import Paid
from tests.sweep.path import Path
from tests.sweep.world import MOST, World


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


def _last_end(db: Connection):
    last = db.execute(select(payment_events.c.at).order_by(payment_events.c.at.desc())).scalar()
    query = select(outbox.c.done_at).order_by(outbox.c.done_at.desc())
    left = db.execute(query.where(outbox.c.done_at.is_not(None))).scalar()
    return max(moment for moment in (last, left, _start(db)) if moment is not None)


def _start(db: Connection):
    """So that a world without news has an end too."""
    first = db.execute(select(outbox.c.written_at)).scalar()
    from datetime import UTC, datetime

    return first or datetime.min.replace(tzinfo=UTC)


def _texts(db: Connection) -> list[str]:
    query = select(outbox.c.payload).where(outbox.c.kind == "sms", func.length(outbox.c.kind) > 0)
    return [fold(payload["text"]) for payload in db.execute(query).scalars()]
