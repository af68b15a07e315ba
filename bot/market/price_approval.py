"""Prices that the hub published: staff approve or refuse each, by name, and it is on record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, insert, select, update

from bot.market import hub_news
from bot.storage.schema import audit, prices

WAITS = "published by the hub, to be approved"
Outcome = Literal["shown", "refused", "gone", "no_name"]


def waiting(db: Connection, hub: str) -> Sequence[RowMapping]:
    """The published prices of a hub that nobody has decided on, the oldest first."""
    undecided = (prices.c.hub == hub) & (prices.c.state == "flagged") & (prices.c.reason == WAITS)
    return db.execute(select(prices).where(undecided).order_by(prices.c.id)).mappings().all()


def history(db: Connection, hub: str, product: str, limit: int = 20) -> Sequence[RowMapping]:
    """Every published price of a product as it was decided, the newest day first."""
    query = select(prices).where(prices.c.hub == hub, prices.c.product == product)
    return db.execute(query.order_by(prices.c.valid_on.desc()).limit(limit)).mappings().all()


def decide(
    db: Connection, hub: str, price_id: int, by: str, now: datetime, *, shown: bool, why: str = ""
) -> Outcome:
    """Show a hub's price to its farmers, or refuse it; once. `by` is a member of staff's name."""
    name = by.strip()[:40]
    if not name:
        return "no_name"
    mine = (prices.c.hub == hub) & (prices.c.id == price_id)
    values: dict[str, Any] = {"reason": f"refused by {name}: {why}"[:160]}
    if shown:
        values = {"state": "shown", "reason": f"approved by {name}"[:160]}
    change = update(prices).where(mine, prices.c.state == "flagged", prices.c.reason == WAITS)
    if db.execute(change.values(values)).rowcount != 1:
        return "gone"
    line = {
        "at": now,
        "actor": name,
        "action": "price approved" if shown else "price refused",
        "subject": f"price {price_id}",
        "details": {"why": why[:160]},
    }
    db.execute(insert(audit), line)
    row = db.execute(select(prices).where(prices.c.id == price_id)).mappings().one()
    data = {name: row[name] for name in ("product", "place", "kind", "amount_rwf", "unit")}
    data["valid_on"] = row["valid_on"].isoformat()
    if not shown:
        # What staff wrote is for staff: it may name somebody.
        data["reason"] = "staff refused it"
    kind = "price.shown" if shown else "price.refused"
    hub_news.tell(db, kind, f"p{price_id}", str(price_id), data, now)
    return "shown" if shown else "refused"
