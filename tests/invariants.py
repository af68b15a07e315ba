"""What must hold after every fault run, by the numbers of the project's list of invariants.

Each function gives rules by name; `violated` names those that do not hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from bot.market import books
from bot.storage.schema import (
    inbox,
    offer_events,
    offers,
    orders,
    outbox,
    payment_events,
    payments,
    stocks,
    tickets,
)

_END = {"succeeded", "failed", "flagged"}
_TAKEN = ("accepted", "handed_over", "shipped", "delivered", "paid", "confirmed", "disputed")


@dataclass(frozen=True, slots=True)
class Paid:
    """One payment in an operator's book; `came` says that its money reached the payee."""

    reference: str
    amount_rwf: int
    came: bool


def violated(rules: Mapping[str, bool]) -> list[str]:
    """Each rule that does not hold, in words."""
    return [f"VIOLATED: {name}" for name, holds in rules.items() if not holds]


def of_money(db: Connection) -> dict[str, bool]:
    """What holds of payments and books whenever the world has come to rest."""
    # The books want to be looked at first: as of one moment.
    wrong = books.check(db).faults
    states = Counter(db.execute(select(payments.c.state)).scalars())
    return {
        "I4 an order is paid at most once": _at_most_once(db),
        "I5 each payment is settled, failed or flagged": set(states) <= _END,
        "I6 the books are right": wrong == [],
        "I11 one message for each payment that arrived": _news(db, "money:%")
        == states["succeeded"],
        "I11 one message for each that failed": _news(db, "failed:%") == states["failed"],
        "each flagged one has its ticket": _tickets(db, "payment_flagged") == _flags(db),
        "each failed one has its ticket": _tickets(db, "payment_missing") >= states["failed"],
    }


def of_operators(db: Connection, book: list[Paid], apart: frozenset[str]) -> dict[str, bool]:
    """I7: what the operators paid is what we say; `apart` are references they altered on the way."""
    query = select(payments.c.reference, payments.c.state, payments.c.amount_rwf)
    ours = {row.reference: row for row in db.execute(query)}
    came = [paid for paid in book if paid.came]
    succeeded = {reference for reference, row in ours.items() if row.state == "succeeded"}
    return {
        "I4 each reference was paid once": len({paid.reference for paid in book}) == len(book),
        "I7 the operator paid nothing that is not ours": all(p.reference in ours for p in book),
        "I7 what it paid is settled, or flagged": all(
            ours[paid.reference].state == ("flagged" if paid.reference in apart else "succeeded")
            and (paid.reference in apart or ours[paid.reference].amount_rwf == paid.amount_rwf)
            for paid in came
            if paid.reference in ours
        ),
        "I7 what is settled it paid": succeeded <= {paid.reference for paid in came},
    }


def of_offers(db: Connection, told: set[int]) -> dict[str, bool]:
    """I1 to I3, of acceptances; `told` are the contacts who were told that the order is theirs."""
    query = select(offers.c.contact_id).where(offers.c.state.in_(_TAKEN))
    taken = Counter(db.execute(query).scalars())
    return {
        "I1 whoever was told has exactly one accepted order": all(taken[one] == 1 for one in told),
        "I2 nobody is accepted who was not told": set(taken) <= told,
        "I11 one message for each acceptance": _news(db, "accepted:%") == taken.total(),
        **of_stock(db),
    }


def of_stock(db: Connection) -> dict[str, bool]:
    """I3 and I4, of all orders."""
    # Not what stands there again after a dispute, nor what was called off out of one.
    accepts = select(offer_events.c.offer_id).where(
        offer_events.c.to_state == "accepted", offer_events.c.from_state == "offered"
    )
    counted = Counter(db.execute(accepts).scalars())
    stands = select(offers.c.order_id, func.sum(offers.c.packs_accepted))
    # The hub has what was shipped, also where it was called off since.
    shipped = offers.c.id.in_(
        select(offer_events.c.offer_id).where(offer_events.c.to_state == "shipped")
    )
    by_order = stands.where((offers.c.state != "withdrawn") | shipped).group_by("order_id")
    sums = {order: int(packs) for order, packs in db.execute(by_order)}
    kept = db.execute(select(orders.c.id, orders.c.packs_accepted, orders.c.packs)).all()
    over = select(func.count()).where(stocks.c.promised_g > stocks.c.available_g)
    return {
        "I3 never more than ordered": all(
            sums.get(row.id, 0) == row.packs_accepted <= row.packs for row in kept
        ),
        "I3 never more than in stock": db.execute(over).scalar() == 0,
        "I4 each offer was accepted once": max(counted.values(), default=0) <= 1,
    }


def of_traffic(db: Connection) -> dict[str, bool]:
    """I10 and I19: what came in was applied once, and nothing waits to go out."""
    unapplied = select(func.count()).where(inbox.c.applied_at.is_(None))
    left = select(func.count()).where(outbox.c.state == "waiting")
    return {
        "I10 each event that came in was applied": db.execute(unapplied).scalar() == 0,
        "I19 nothing waits": db.execute(left).scalar() == 0,
    }


def _at_most_once(db: Connection) -> bool:
    query = select(payments.c.offer_id).where(
        payments.c.state == "succeeded", payments.c.offer_id.is_not(None)
    )
    return max(Counter(db.execute(query).scalars()).values(), default=0) <= 1


def _flags(db: Connection) -> int:
    """How often a payment was flagged, also where people have ended it since."""
    query = select(func.count()).where(payment_events.c.to_state == "flagged")
    return int(db.execute(query).scalar() or 0)


def _news(db: Connection, keys: str) -> int:
    query = select(func.count()).where(outbox.c.dedupe_key.like(keys))
    return int(db.execute(query).scalar() or 0)


def _tickets(db: Connection, category: str) -> int:
    query = select(func.count()).where(tickets.c.category == category)
    return int(db.execute(query).scalar() or 0)
