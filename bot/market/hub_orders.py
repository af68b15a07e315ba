"""Orders of the marketplace's hub: taken once, line by line; withdrawn where nobody accepted."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, func, insert, select, update

from bot.market import Actor, hub_news, rates
from bot.market.calling_off import ask_staff, tell_what_stands, withdraw
from bot.market.orders import NewOrder, create_order
from bot.market.rates import Rate
from bot.market.wanted import Refused, Wanted, WantedLine, check_total, order_of
from bot.storage.prepared import Prepared
from bot.storage.schema import hub_orders as rows
from bot.storage.schema import offers as offer_rows
from bot.storage.schema import orders

ANSWER_IN = timedelta(hours=48)
# What orders come from that are no shop's.
_HUB = "hub"
# Short enough for every screen.
_CODE = re.compile(r"[A-Z]{2,3}-[0-9]{1,5}")

# A flash sale brings thousands in a minute: these are put together once.
_lines = Prepared(
    select(rows.c.order_id)
    .where(rows.c.source == bindparam("source"), rows.c.hub_order_id == bindparam("hub_order_id"))
    .order_by(rows.c.line),
    *("source", "hub_order_id"),
)
_new = Prepared(
    insert(rows),
    *("order_id", "source", "hub_order_id", "line", "sku", "grade", "district", "answer_by"),
    *("currency", "unit_price", "rate_id"),
)
_newest = Prepared(select(func.max(orders.c.id)).where(orders.c.id > bindparam("after")), "after")
_with_code = Prepared(select(orders.c.id).where(orders.c.code == bindparam("code")), "code")


@dataclass(frozen=True, slots=True)
class Progress:
    """Where one line of a hub's order stands."""

    line: int
    code: str
    state: str
    packs: int
    packs_accepted: int
    offers_open: int
    answer_by: datetime
    price_rwf: int
    sale_price_rwf: int


def take(
    db: Connection, wanted: Wanted, now: datetime, timezone: str, pack_most_rwf: int = 5_000_000
) -> list[int]:
    """Keep an order, every line as one of ours, to be offered by who takes it; the ids of ours.

    Taken before, it stays as it was, and [] is given. No pack may bring a farmer more than
    `pack_most_rwf`, which is all that can be paid at once. Raises `Refused`, and `NoRate`, before
    anything is kept.
    """
    if _ids(db, wanted.source, wanted.hub_order_id):
        return []
    check_total(wanted)
    zone = ZoneInfo(timezone)
    rate = rates.rate_on(db, wanted.currency, now.astimezone(zone).date())
    made = [order_of(db, wanted, line, rate, now, zone) for line in wanted.lines]
    if any(order.price_rwf > pack_most_rwf for order, _grade in made):
        raise Refused(f"a pack brings a farmer more than {pack_most_rwf} Frw, all that can be paid")
    answer_by = min(wanted.answer_by or now + ANSWER_IN, *(one.deliver_by for one, _g in made))
    if answer_by <= now:
        raise Refused("the time to answer, or to deliver, is over already")
    ids = []
    for number, ((order, grade), line) in enumerate(zip(made, wanted.lines, strict=True), 1):
        ids.append(_keep(db, wanted, number, line, order, grade, answer_by, rate, now))
    return ids


def cancel(
    db: Connection, source: str, hub_order_id: str, key: str, now: datetime
) -> tuple[int, int] | None:
    """Withdraw what nobody has accepted; (packs withdrawn, packs accepted before).

    None when there is no such order. What farmers have accepted stands: they may have packed it.
    Also of a line that is filled it is told; a shop does not listen, so its orders have a ticket.
    """
    ids = _ids(db, source, hub_order_id)
    if not ids:
        return None
    # First the order, as the allocation does: no new offer comes in between. Also what is filled:
    # staff may be calling off a part of it at this moment, which opens it again.
    lines = select(rows.c.order_id, rows.c.state).where(rows.c.order_id.in_(ids))
    for line in db.execute(lines.order_by(rows.c.id).with_for_update()).all():
        if line.state == "open":
            withdraw(db, line.order_id, Actor("hub", "hub", key), now)
        elif line.state != "cancelled":
            tell_what_stands(db, line.order_id, key, now)
        if line.state != "cancelled" and source != _HUB:
            ask_staff(db, line.order_id, now)
    query = select(
        func.sum(orders.c.packs - orders.c.packs_accepted), func.sum(orders.c.packs_accepted)
    )
    left, accepted = db.execute(query.where(orders.c.id.in_(ids))).one()
    return int(left), int(accepted)


def reopen(db: Connection, source: str, hub_order_id: str, now: datetime) -> list[int]:
    """Offer again what of an order was withdrawn; the ids of ours. Raises `Refused`."""
    mine = (rows.c.source == source) & (rows.c.hub_order_id == hub_order_id)
    gone = (
        select(rows.c.order_id, orders.c.deliver_by)
        .join(orders, orders.c.id == rows.c.order_id)
        .where(mine, rows.c.state == "cancelled")
        .order_by(rows.c.id)
        .with_for_update(of=rows)
    )
    found = db.execute(gone).all()
    if any(row.deliver_by <= now for row in found):
        raise Refused("the time to deliver is over already")
    for row in found:
        open_line(db, row.order_id, row.deliver_by, now)
    return [row.order_id for row in found]


def open_line(db: Connection, order_id: int, deliver_by: datetime, now: datetime) -> None:
    """Open a line, that is held, until its new time to answer is over; offering it is another's."""
    answer_by = min(now + ANSWER_IN, deliver_by)
    change = update(rows).where(rows.c.order_id == order_id)
    db.execute(change.values(state="open", answer_by=answer_by))
    hub_news.review(db, order_id, answer_by)


def progress(db: Connection, source: str, hub_order_id: str) -> list[Progress]:
    """Where each line of an order stands; [] when it is not known."""
    waits = (
        select(func.count())
        .where(offer_rows.c.order_id == orders.c.id, offer_rows.c.state == "offered")
        .scalar_subquery()
    )
    query = (
        select(
            rows.c.line, orders.c.code, rows.c.state, orders.c.packs, orders.c.packs_accepted,
            waits, rows.c.answer_by, orders.c.price_rwf, orders.c.sale_price_rwf,
        )
        .join(orders, orders.c.id == rows.c.order_id)
        .where(rows.c.source == source, rows.c.hub_order_id == hub_order_id)
        .order_by(rows.c.line)
    )  # fmt: skip
    return [Progress(*row) for row in db.execute(query).all()]


def _ids(db: Connection, source: str, hub_order_id: str) -> list[int]:
    return [row[0] for row in _lines.all(db, source, hub_order_id)]


def _keep(
    db: Connection,
    wanted: Wanted,
    number: int,
    line: WantedLine,
    order: NewOrder,
    grade: str,
    answer_by: datetime,
    rate: Rate,
    now: datetime,
) -> int:
    order_id = create_order(db, replace(order, code=_code_for(db, wanted)), now)
    values = {
        "order_id": order_id,
        "source": wanted.source,
        "hub_order_id": wanted.hub_order_id,
        "line": number,
        "sku": line.sku,
        "grade": grade,
        "district": wanted.district,
        "answer_by": answer_by,
        "currency": wanted.currency,
        "unit_price": line.unit_price,
        "rate_id": rate.id or None,
    }
    _new.run(db, values)
    hub_news.review(db, order_id, answer_by)
    return order_id


def _code_for(db: Connection, wanted: Wanted) -> str:
    """The hub's own id where people can read it and it is free, else a number of ours."""
    own = wanted.hub_order_id
    if len(wanted.lines) == 1 and _CODE.fullmatch(own) and _is_free(db, own):
        return own
    newest = _newest.one(db, 0)
    number = 1 + ((newest and newest[0]) or 0)
    while not _is_free(db, f"HB-{number}"):
        number += 1
    return f"HB-{number}"


def _is_free(db: Connection, code: str) -> bool:
    return _with_code.one(db, code) is None
