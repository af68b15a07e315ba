"""What the hub hears of: written in the transaction of its cause, for every subscription."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select

from bot.market import subscriptions
from bot.market.subscriptions import Subscription
from bot.storage import outbox
from bot.storage.prepared import Prepared
from bot.storage.schema import hub_orders, offers, orders, payments, reviews

KIND = "webhook"
# How receivers know who sends.
USER_AGENT = "Isoko-Webhooks/1"
# As Svix does it: a little more than a day in all; the first try is at once.
RETRY_AFTER_S = (5, 300, 1800, 7200, 18_000, 36_000, 36_000)
# Every type that leaves, and when; published in /hub/openapi.json.
NEWS_TYPES = {
    "order.allocated": "An order was offered to farmers; `offers` says to how many.",
    "order.accepted": "All of an order is accepted.",
    "order.partly_accepted": "A part of an order was accepted; the rest is still offered.",
    "order.declined": "Everybody who was asked declined, and nobody else can supply it.",
    "order.expired": "The time to answer is over and not all is accepted.",
    "order.cancelled": "The hub, a shop or staff cancelled it: `packs_accepted`, maybe all, stand.",
    "order.refused": "An order could not be taken; `reason` says why.",
    "order.disputed": "Staff dispute what became of a part, also as a farmer or the hub reported.",
    "order.resumed": "The dispute of a part is over: it goes on from where it stood.",
    "order.called_off": "A disputed part is not paid, and accepted no more unless it was shipped.",
    "shipment.handed_over": "A farmer brought the goods to the collection point.",
    "shipment.shipped": "The goods are on their way to the buyer's country.",
    "shipment.delivered": "The goods have arrived.",
    "payment.succeeded": "The operator says that the farmer has the money.",
    "payment.failed": "The operator refused to pay the farmer, or staff found that none moved.",
    "payment.flagged": "The operator's answer is not what was asked of it: people find out why.",
    "payment.confirmed": "The farmer says that the money is there too.",
    "booking.accepted": "The host receives the guests.",
    "booking.declined": "The host does not receive the guests.",
    "booking.date_asked": "The host asks for another date, `proposed_at`; ask anew, or drop it.",
    "booking.expired": "The host did not answer in time.",
    "booking.withdrawn": "The host cannot be asked any more.",
    "booking.refused": "A request could not be passed on; `reason` says why.",
    "price.shown": "A published price was approved, and farmers see it.",
    "price.refused": "A published price is not shown; `reason` says why.",
    "session.started": "Somebody began a call or a chat; nobody is named.",
    "session.ended": "A call or a chat is over.",
    "alert.raised": "Something is not as it should be and has lasted; `rule` says what.",
    "alert.cleared": "It has been over for a while.",
    "test.ping": "Sent by `isoko hub test`.",
}
# Each call is two of them: for a receiver that is off they would be most of all that waits.
_OF_CALLS = ("session.started", "session.ended")
_OF_OFFERS = {
    "handed_over": "shipment.handed_over",
    "shipped": "shipment.shipped",
    "delivered": "shipment.delivered",
    "confirmed": "payment.confirmed",
    "disputed": "order.disputed",
}
# What the state of a farmer's payment is to the hub; those before it is known are none.
_OF_PAYMENTS = {
    "succeeded": "payment.succeeded",
    "failed": "payment.failed",
    "flagged": "payment.flagged",
}
# Asked with every answer of a farmer.
_of_offer = (
    select(
        offers.c.order_id,
        offers.c.packs_accepted,
        orders.c.packs_accepted.label("taken"),
        orders.c.packs.label("ordered"),
        hub_orders.c.state.label("open"),
    )
    .join(orders, orders.c.id == offers.c.order_id)
    .outerjoin(hub_orders, hub_orders.c.order_id == orders.c.id)
    .where(offers.c.id == bindparam("offer_id"))
)
_review = Prepared(insert(reviews), "order_id", "due_at")
# After these something of the order may have to be offered to others.
_TO_REVIEW = frozenset({"accepted", "declined", "expired", "withdrawn"})


def tell(
    db: Connection,
    kind: str,
    lane: str,
    key: str,
    about: Mapping[str, Any] | Callable[[], Mapping[str, Any]],
    now: datetime,
) -> int:
    """Write `kind` for all who want it; the same `key` once. Returns for how many it was written.

    What shares a `lane` (at most 12 characters) reaches each of them in order. `about` is what it
    says, or finds that out when somebody wants it.
    """
    if not subscriptions.anybody(db):
        return 0
    wanted = [one for one in subscriptions.all_of_them(db, now) if _hears(one, kind)]
    if not wanted:
        return 0
    data = about() if callable(about) else about
    for one in wanted:
        put(db, one.id, kind, lane, key, data, now)
    return len(wanted)


def _hears(receiver: Subscription, kind: str) -> bool:
    """Whether it is told; who is disabled finds orders and money later, and no call of long ago."""
    passing = kind in _OF_CALLS and receiver.state == "disabled"
    return receiver.wants(kind) and not passing


def put(
    db: Connection,
    subscription_id: int,
    kind: str,
    lane: str,
    key: str,
    data: Mapping[str, Any],
    now: datetime,
) -> str:
    """Write one delivery; the id by which receivers know it, the same for all of them."""
    event_id = "evt_" + blake2b(f"{kind} {key}".encode(), digest_size=16).hexdigest()
    moment = now.astimezone(UTC).isoformat(timespec="milliseconds")
    # The very bytes that are signed and sent, now and at every later try.
    body = json.dumps({"type": kind, "timestamp": moment, "data": dict(data)}, ensure_ascii=False)
    payload = {"subscription": subscription_id, "event_id": event_id, "type": kind, "body": body}
    outbox.put(
        db,
        KIND,
        f"hook:{subscription_id}:{event_id}",
        payload,
        now,
        via=subscriptions.via_of(subscription_id),
        lane=f"{subscription_id}:{lane}"[:24],
    )
    return event_id


def offer_changed(
    db: Connection, offer_id: int, state: str, key: str, now: datetime, trigger: str = ""
) -> None:
    """An offer has come to `state` in this transaction: whoever waits for it hears of it.

    By `trigger` it is known where a dispute has ended: what is told once is not told again.
    """
    row = db.execute(_of_offer, {"offer_id": offer_id}).one()
    # Only ever added: an answer must wait for no allocation, which holds the order's own row.
    if state in _TO_REVIEW and row.open == "open":
        review(db, row.order_id, now)
    kind = _OF_OFFERS.get(state, "")
    if trigger == "call_off" or trigger.startswith("back_to_"):
        kind = "order.called_off" if trigger == "call_off" else "order.resumed"
    elif state == "accepted":
        kind = "order.accepted" if row.taken >= row.ordered else "order.partly_accepted"
    if not kind:
        return

    def about() -> dict[str, Any]:
        data = _about_part(db, offer_id, row.order_id, row.packs_accepted)
        if kind == "payment.confirmed":
            data["amount_rwf"] = _arrived_rwf(db, offer_id)
        return data

    tell(db, kind, f"o{row.order_id}", f"{offer_id}:{key}", about, now)


def payment_changed(
    db: Connection, offer_id: int, payment_id: int, state: str, amount_rwf: int, now: datetime
) -> None:
    """A farmer's payment has come to `state` in this transaction, whatever became of the order.

    `amount_rwf` is what moved, or was to.
    """
    kind = _OF_PAYMENTS.get(state)
    if kind is None or not subscriptions.anybody(db):
        return
    row = db.execute(_of_offer, {"offer_id": offer_id}).one()

    def about() -> dict[str, Any]:
        return _about_part(db, offer_id, row.order_id, row.packs_accepted) | {
            "amount_rwf": amount_rwf
        }

    tell(db, kind, f"o{row.order_id}", f"payment {payment_id}", about, now)


def review(db: Connection, order_id: int, due_at: datetime) -> None:
    """Let the allocation look at this order, at `due_at` or soon after."""
    _review.run(db, {"order_id": order_id, "due_at": due_at})


def about_order(db: Connection, order_id: int) -> dict[str, Any]:
    """What every piece of news about an order says of it: packs and states, and no person."""
    query = (
        select(orders, hub_orders.c.source, hub_orders.c.hub_order_id, hub_orders.c.line)
        .outerjoin(hub_orders, hub_orders.c.order_id == orders.c.id)
        .where(orders.c.id == order_id)
    )
    row = db.execute(query).mappings().one()
    return {
        "order_id": row["hub_order_id"] or row["code"],
        "line": row["line"] or 1,
        "source": row["source"] or "",
        "code": row["code"],
        "product": row["product"],
        "packs": row["packs"],
        "packs_accepted": row["packs_accepted"],
    }


def _arrived_rwf(db: Connection, offer_id: int) -> int:
    """What the farmer has for this part: staff may have found another amount than was owed."""
    really_rwf = func.coalesce(payments.c.moved_rwf, payments.c.amount_rwf)
    paid = (payments.c.offer_id == offer_id) & (payments.c.state == "succeeded")
    return int(db.execute(select(really_rwf).where(paid)).scalar_one())


def _about_part(db: Connection, offer_id: int, order_id: int, packs: int) -> dict[str, Any]:
    return about_order(db, order_id) | {"part": f"P-{offer_id}", "part_packs": packs}
