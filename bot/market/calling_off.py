"""Calling off an order: what nobody has accepted is withdrawn, by the hub or by its staff."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select, update

from bot.i18n.ticket_sentences import TicketSentence
from bot.market import Actor, hub_news, offers
from bot.market.tickets import has_open_ticket, open_ticket
from bot.storage.schema import hub_orders
from bot.storage.schema import offers as rows


def version_of(db: Connection, order_id: int) -> int:
    """Another number once any offer of the order has changed, or one came."""
    query = select(func.coalesce(func.sum(rows.c.version), 0)).where(rows.c.order_id == order_id)
    return int(db.execute(query).scalar_one())


def hold(db: Connection, order_id: int) -> None:
    """Let nobody answer, and nobody be asked, until this transaction ends."""
    # First the order, as the allocation does; then its offers, in the one order of all who do.
    line = select(hub_orders.c.id).where(hub_orders.c.order_id == order_id)
    db.execute(line.with_for_update())
    mine = select(rows.c.id).where(rows.c.order_id == order_id).order_by(rows.c.id)
    db.execute(mine.with_for_update())


def call_off(db: Connection, order_id: int, actor: Actor, now: datetime) -> int | None:
    """Withdraw what nobody has accepted of an order that is held; how many offers that were.

    None when there is nothing to call off: nobody is asked, and nobody would be. What farmers have
    accepted stands: they may have packed it.
    """
    state = db.execute(select(hub_orders.c.state).where(hub_orders.c.order_id == order_id)).scalar()
    waits = (rows.c.order_id == order_id) & (rows.c.state == "offered")
    if state != "open" and db.execute(select(rows.c.id).where(waits)).first() is None:
        return None
    return withdraw(db, order_id, actor, now)


def withdraw(db: Connection, order_id: int, actor: Actor, now: datetime) -> int:
    """Withdraw the offers that wait, and tell who is told of orders; how many there were."""
    waiting = select(rows.c.id).where(rows.c.order_id == order_id, rows.c.state == "offered")
    # Locked before they are changed, and in one order: somebody may be accepting at this moment.
    ids = list(db.execute(waiting.order_by(rows.c.id).with_for_update()).scalars())
    for offer_id in ids:
        offers.move(db, actor, offer_id, "withdraw", now)
    same = hub_orders.c.order_id == order_id
    db.execute(update(hub_orders).where(same).values(state="cancelled"))
    data = hub_news.about_order(db, order_id)
    hub_news.tell(db, "order.cancelled", f"o{order_id}", f"{order_id}:{actor.key}", data, now)
    return len(ids)


def tell_what_stands(db: Connection, order_id: int, key: str, now: datetime) -> None:
    """Tell that an order is cancelled of which nothing waits any more: what is accepted stands."""
    data = hub_news.about_order(db, order_id)
    if data["packs_accepted"]:
        hub_news.tell(db, "order.cancelled", f"o{order_id}", f"{order_id}:{key}", data, now)


def ask_staff(db: Connection, order_id: int, now: datetime) -> None:
    """One open ticket for a shop's order that it has cancelled, where farmers have accepted it."""
    order = hub_news.about_order(db, order_id)
    packs = order["packs_accepted"]
    text = TicketSentence.CALLED_OFF.format(source=order["source"], packs=packs)
    if not packs or has_open_ticket(db, "order", order["code"], text):
        return
    open_ticket(
        db, category="order", msisdn="", contact_id=None, about=order["code"], text=text,
        language="en", now=now,
    )  # fmt: skip
