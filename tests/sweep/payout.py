"""What the paths of payouts share: an operator that decides, and a payout that arrived."""

from __future__ import annotations

from sqlalchemy import Connection, select

from bot.storage.schema import offers, payments
from tests.sweep.path import AT_ONCE
from tests.sweep.world import World


def decide(world: World) -> None:
    """The operators decide what is pending: it succeeds."""
    for transfer in [*world.operators.momo.transfers(), *world.operators.airtel.transfers()]:
        transfer["settles_at"] = 0.0
    world.turn(AT_ONCE)


def looked_up(db: Connection, times: int) -> bool:
    """Whether the operator was asked so often what became of a payout."""
    return db.execute(select(payments.c.look_ups)).scalar() >= times


def all_succeeded(db: Connection) -> dict[str, bool]:
    """The payout arrived, and its order is paid."""
    states = db.execute(select(payments.c.state)).scalars().all()
    orders = db.execute(select(offers.c.state)).scalars().all()
    return {
        "the payout arrived": states == ["succeeded"],
        "its order is paid": orders == ["paid"],
    }
