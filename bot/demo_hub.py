"""The demo's hub: carries handed-over orders on, and pays, so that the whole loop is seen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from bot.market import Actor, Market, delivered, offers
from bot.storage.rounds import one_round
from bot.storage.schema import offers as offer_rows
from bot.storage.schema import orders

_STEP_S = 10.0
_NEXT = {"handed_over": "ship", "shipped": "deliver"}


class DemoHub:
    """Moves one step at a time what farmers have handed over; all but the order `left_alone`."""

    def __init__(
        self,
        market: Market,
        news: Callable[[], None],
        left_alone: str = "",
        step_s: float = _STEP_S,
    ) -> None:
        self._market, self._news, self._step_s = market, news, step_s
        self._left_alone = left_alone

    async def run(self) -> None:
        """Carry on until cancelled."""
        while True:
            await asyncio.sleep(self._step_s)
            await one_round("demo hub", lambda: self._market.records.write(self._carry_on))
            self._news()

    def _carry_on(self, db: Connection) -> None:
        now = datetime.now(UTC)
        query = (
            select(offer_rows.c.id, offer_rows.c.state)
            .join(orders, orders.c.id == offer_rows.c.order_id)
            .where(
                offer_rows.c.state.in_(("handed_over", "shipped", "delivered")),
                orders.c.code != self._left_alone,
            )
        )
        for row in db.execute(query).all():
            if row.state in _NEXT:
                self._move(db, row.id, _NEXT[row.state], now)
            else:
                # Housekeeping pays, too: here it is quicker, for who looks on.
                hub = self._market.hub
                delivered.pay(db, row.id, hub.currency, self._market.payouts, now)

    def _move(self, db: Connection, offer_id: int, trigger: str, now: datetime) -> None:
        actor = Actor("hub", "demo", f"demo-{trigger}-{offer_id}")
        offers.move(db, actor, offer_id, trigger, now)
