"""Price alerts: a person is told once when a new price of a product is above their figure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from sqlalchemy import Connection, and_, delete, func, insert, select, update

from bot.i18n import _, language_spoken
from bot.i18n.formats import amount, day
from bot.market import Actor, news, people, products
from bot.market.news import NEVER, QuietHours
from bot.market.prices import Price
from bot.storage.schema import contacts, prices
from bot.storage.schema import news_wishes as wishes
from bot.storage.schema import price_alerts as rows

# So many people are told in one transaction; the next round takes the rest.
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Alert:
    """Above how many francs for one somebody wants to hear of a product."""

    id: int
    product: str
    above_rwf: int


def mine(db: Connection, contact_id: int) -> list[Alert]:
    """What this person waits to be told, one for each product."""
    query = select(rows.c.id, rows.c.product, rows.c.above_rwf)
    ordered = query.where(rows.c.contact_id == contact_id).order_by(rows.c.id)
    return [Alert(*row) for row in db.execute(ordered)]


def by_id(db: Connection, alert_id: int, contact_id: int) -> Alert | None:
    """This person's alert, or None when it was told, dropped, or is another's."""
    return next((one for one in mine(db, contact_id) if one.id == alert_id), None)


def ask(db: Connection, actor: Actor, product: str, above_rwf: int, now: datetime) -> None:
    """Tell this person of the next price above; a figure for the same product is replaced."""
    people.hold(db, actor.contact_id)
    newest = int(db.execute(select(func.max(prices.c.id))).scalar() or 0)
    values = {"above_rwf": above_rwf, "after_price_id": newest, "asked_at": now}
    same = (rows.c.contact_id == actor.contact_id) & (rows.c.product == product)
    if not db.execute(update(rows).where(same).values(values)).rowcount:
        db.execute(insert(rows).values(contact_id=actor.contact_id, product=product, **values))


def drop(db: Connection, alert_id: int, contact_id: int) -> bool:
    """Tell this person no more; False when there is no such alert of theirs."""
    gone = delete(rows).where(rows.c.id == alert_id, rows.c.contact_id == contact_id)
    return db.execute(gone).rowcount == 1


def tell_due(db: Connection, fresh_since: date, now: datetime, quiet: QuietHours = NEVER) -> int:
    """Tell whoever waits for their hub's price of `fresh_since` or newer, come in since; how many.

    Nobody is told at night; each alert is told once, with the highest such price, and is over. Of
    whose news is muted they wait.
    """
    fits = and_(
        # As on the board: hubs may share these records.
        prices.c.hub == contacts.c.hub,
        prices.c.product == rows.c.product,
        prices.c.id > rows.c.after_price_id,
        prices.c.amount_rwf > rows.c.above_rwf,
        prices.c.state == "shown",
        prices.c.valid_on >= fresh_since,
    )
    muted = (wishes.c.contact_id == rows.c.contact_id) & wishes.c.muted_since.is_not(None)
    hears = ~select(wishes.c.contact_id).where(muted).exists()
    whose = contacts.c.id == rows.c.contact_id
    priced = select(prices.c.id).where(fits).exists()
    due = select(rows.c.id).join(contacts, whose).where(priced, hears)
    waiting = list(db.execute(due.order_by(rows.c.id).limit(_AT_ONCE)).scalars())
    for alert_id in waiting:
        found = select(*(prices.c[name] for name in _NAMES), rows.c.contact_id, prices.c.id)
        joined = found.select_from(rows).join(contacts, whose).join(prices, fits)
        query = joined.where(rows.c.id == alert_id)
        row = db.execute(query.order_by(prices.c.amount_rwf.desc(), prices.c.id).limit(1)).first()
        # Whoever asked for another figure at this moment has it: the row is theirs again.
        if row is None or not db.execute(delete(rows).where(rows.c.id == alert_id)).rowcount:
            continue
        *facts, contact_id, price_id = row
        words = partial(_words, Price(*facts))
        key = f"price:{alert_id}:{price_id}"
        news.tell(db, contact_id, key, words, now, quiet)
    return len(waiting)


def _words(price: Price) -> str:
    shown = f"{amount(price.amount_rwf, language_spoken())}/{price.unit}"
    return _("Isoko: {product} is above your figure: {price}, {place}, {day} ({source}).").format(
        product=products.name(price.product),
        price=shown,
        place=price.place or price.source,
        day=day(price.valid_on),
        source=price.source,
    )


_NAMES = ("product", "place", "district", "kind", "amount_rwf", "unit", "valid_on", "source")
