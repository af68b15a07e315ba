"""A filled line of which a part is called off: what is missing now is offered anew, or is over."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from bot.market import hub_news
from bot.market.hub_orders import open_line
from bot.storage import hub_inbox
from bot.storage.schema import hub_orders as rows
from bot.storage.schema import offers, orders

_NEWS = {"expired": "order.expired", "cancelled": "order.cancelled"}


def hold(db: Connection, offer_id: int) -> None:
    """Let nobody look at the line of this offer until this transaction ends."""
    # Before the offer itself, in the one order of all who hold both.
    line = select(rows.c.id).join(offers, offers.c.order_id == rows.c.order_id)
    db.execute(line.where(offers.c.id == offer_id).with_for_update(of=rows))


def open_again(db: Connection, order_id: int, now: datetime) -> None:
    """Offer what a filled line, that is held, misses now; where that is over the hub is told.

    It is over once the goods are due, and where the hub has called off the order meanwhile.
    """
    query = (
        select(rows.c.source, rows.c.hub_order_id, rows.c.state, orders.c.deliver_by)
        .join(orders, orders.c.id == rows.c.order_id)
        .where(rows.c.order_id == order_id)
    )
    line = db.execute(query).first()
    if line is None or line.state != "filled":
        return
    if hub_inbox.is_called_off(db, hub_inbox.lane(line.source, line.hub_order_id)):
        state = "cancelled"
    else:
        state = "open" if line.deliver_by > now else "expired"
    if state == "open":
        open_line(db, order_id, line.deliver_by, now)
        hub_news.review(db, order_id, now)
        return
    db.execute(update(rows).where(rows.c.order_id == order_id).values(state=state))
    data = hub_news.about_order(db, order_id)
    hub_news.tell(db, _NEWS[state], f"o{order_id}", f"{order_id}:filled", data, now)
