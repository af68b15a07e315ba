"""How far the members are: a bar, and the one message in the co-operative's chat that shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from bot.i18n import _, speaking
from bot.market import news, news_wishes, people, products
from bot.storage import outbox
from bot.storage.schema import offers, orders, shares, splits

_CELLS = 10


def bar(reserved: int, needed: int) -> str:
    """`[####......]`: full only when nothing is missing."""
    full = reserved * _CELLS // needed
    return f"[{'#' * full}{'.' * (_CELLS - full)}]"


def words(code: str, product: str, reserved: int, needed: int, answered: int, asked: int) -> str:
    """How much of an order is found, and how many have answered, in the language spoken."""
    found = _("Order {code}: {part} of {whole}").format(
        code=code,
        part=products.quantity(product, reserved),
        whole=products.quantity(product, needed),
    )
    told = _("Answered: {n} of {most}").format(n=answered, most=asked)
    return "\n".join([found, bar(reserved, needed), told])


def text_of(db: Connection, split_id: int) -> str:
    """The words about one split as it stands."""
    row = db.execute(_facts.where(splits.c.id == split_id)).one()
    mine = shares.c.split_id == split_id
    states = list(db.execute(select(shares.c.state).where(mine)).scalars())
    answered = sum(state != "asked" for state in states)
    return words(row.code, row.product, row.reserved, row.needed, answered, len(states))


def begin(db: Connection, split_id: int, now: datetime) -> None:
    """Put the bar into the co-operative's chat, where that is where their news goes."""
    row = db.execute(_facts.where(splits.c.id == split_id)).one()
    way = news_wishes.of(db, row.cooperative_id).way
    link = news.chat_wished(db, row.cooperative_id, way)
    if link is None:
        return
    chat = update(splits).where(splits.c.id == split_id).values(chat_id=link.chat_id)
    db.execute(chat)
    _put(db, split_id, "sendMessage", {}, now)


def show(db: Connection, split_id: int, now: datetime) -> None:
    """Bring the message up to date; one that is not there yet is when it has been sent."""
    row = db.execute(_facts.where(splits.c.id == split_id)).one()
    if row.chat_id and row.message_id:
        _put(db, split_id, "editMessageText", {"message_id": row.message_id}, now)


def was_sent(db: Connection, payload: dict[str, Any], message_id: int, now: datetime) -> None:
    """Note which message it is; what has changed while it was on its way is shown at once."""
    split_id = payload.get("board")
    if not split_id or payload.get("method") != "sendMessage" or not message_id:
        return
    db.execute(update(splits).where(splits.c.id == split_id).values(message_id=message_id))
    row = db.execute(_facts.where(splits.c.id == split_id)).one()
    if row.version != payload.get("version"):
        show(db, int(split_id), now)


def _put(db: Connection, split_id: int, method: str, args: dict[str, Any], now: datetime) -> None:
    row = db.execute(_facts.where(splits.c.id == split_id)).one()
    contact = people.by_id(db, row.cooperative_id)
    if contact is None:
        return
    with speaking(contact.language):
        text = text_of(db, split_id)
    payload = {
        "chat_id": row.chat_id,
        "method": method,
        "args": {"text": text, **args},
        "contact_id": row.cooperative_id,
        "board": split_id,
        "version": row.version,
    }
    outbox.put(db, "telegram", f"board:{split_id}:{row.version}", payload, now)


_facts = (
    select(
        splits.c.cooperative_id,
        splits.c.needed,
        splits.c.reserved,
        splits.c.version,
        splits.c.chat_id,
        splits.c.message_id,
        orders.c.code,
        orders.c.product,
    )
    .join(offers, offers.c.id == splits.c.offer_id)
    .join(orders, orders.c.id == offers.c.order_id)
)
