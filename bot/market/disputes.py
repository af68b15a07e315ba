"""A part of an order in dispute: its payout waits until staff let it go on, or call it off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Literal

from sqlalchemy import Connection, insert, select, update

from bot.kept_text import kept_text
from bot.market import (
    Actor,
    filled_lines,
    kept_wallets,
    news,
    notices,
    offers,
    splits,
    stock_figures,
)
from bot.market.offers import Offer
from bot.storage.schema import audit, offer_events, orders, payments

Said = Literal[
    "disputed", "resumed", "called_off", "not_now", "paid", "no_reason", "no_name", "gone"
]

# What is accepted too: nothing else ends a part that is never brought.
DISPUTABLE = ("accepted", "handed_over", "shipped", "delivered")
# The goods have left for the buyer: nobody else is asked for them.
_WITH_THE_HUB = ("shipped", "delivered")
_REASON_MOST = 160


def dispute(
    db: Connection, offer_id: int, *, reason: str, by: str, channel: str, now: datetime,
    seen: int | None = None,
) -> Said:  # fmt: skip
    """Stop a part that was accepted and is not paid: the hub and the farmer are told.

    "paid" where a payout was made already that has not failed: that is stopped as a payment.
    With `seen`, the version of the part that was looked at, "not_now" where it is another now.
    """
    return _change(db, offer_id, "dispute", reason, by, channel, now, seen)


def resume(
    db: Connection, offer_id: int, *, reason: str, by: str, channel: str, now: datetime,
    seen: int | None = None,
) -> Said:  # fmt: skip
    """Let a disputed part go on from where it stood; what was delivered is then paid."""
    return _change(db, offer_id, "resume", reason, by, channel, now, seen)


def call_off(
    db: Connection, offer_id: int, *, reason: str, by: str, channel: str, now: datetime,
    seen: int | None = None,
) -> Said:  # fmt: skip
    """End a disputed part: it is not paid, and what was not shipped counts as accepted no more.

    Others are asked for its packs while there is time to deliver.
    """
    return _change(db, offer_id, "call_off", reason, by, channel, now, seen)


# What it is called afterwards, in the audit, and to the farmer.
_WORDS: dict[str, tuple[Said, str, Callable[[Offer], str]]] = {
    "dispute": ("disputed", "order disputed", notices.order_disputed),
    "resume": ("resumed", "dispute ended", notices.order_goes_on),
    "call_off": ("called_off", "disputed order called off", notices.order_called_off),
}


def _change(
    db: Connection, offer_id: int, what: str, reason: str, by: str, channel: str, now: datetime,
    seen: int | None,
) -> Said:  # fmt: skip
    name, why = " ".join(by.split())[:40], kept_text(reason, _REASON_MOST)
    if not name or not why:
        return "no_reason" if name else "no_name"
    if what == "call_off":
        filled_lines.hold(db, offer_id)
    offer = offers.locked_part(db, offer_id)
    if offer is None:
        return "gone"
    is_another = seen is not None and seen != offer.version
    if is_another or offer.state not in (DISPUTABLE if what == "dispute" else ("disputed",)):
        return "not_now"
    if what == "dispute" and _is_paid_out(db, offer_id):
        return "paid"
    stood = "" if what == "dispute" else _stood(db, offer_id)
    if what == "call_off" and stood not in _WITH_THE_HUB:
        # Before the move, which tells the hub what is accepted of the order.
        less = orders.c.packs_accepted - offer.packs_accepted
        db.execute(update(orders).where(orders.c.id == offer.order_id).values(packs_accepted=less))
    trigger = f"back_to_{stood}" if what == "resume" else what
    actor = Actor(name, channel, f"{what}:{offer_id}:{offer.version}", offer.contact_id)
    offers.move(db, actor, offer_id, trigger, now)
    if what == "call_off":
        _let_go(db, offer, stood, now)
    said, action, words = _WORDS[what]
    line = {"at": now, "actor": name, "action": action, "subject": f"order {offer.code}"}
    db.execute(insert(audit).values(**line, details={"part": offer.part, "reason": why}))
    key = f"{what}:{offer_id}:{offer.version}"
    news.tell(db, offer.contact_id, key, partial(words, offer), now)
    return said


def _let_go(db: Connection, offer: Offer, stood: str, now: datetime) -> None:
    """What a part holds that is called off: stock, members' shares, the order's packs, a wallet."""
    splits.call_off(db, offer, now)
    if stood == "accepted":
        stock_figures.give_back(db, offer.id)
    if stood not in _WITH_THE_HUB:
        filled_lines.open_again(db, offer.order_id, now)
    kept_wallets.forget_unless_needed(db, offer.contact_id)


def _stood(db: Connection, offer_id: int) -> str:
    """The state from which it came to be disputed the last time."""
    came = (offer_events.c.offer_id == offer_id) & (offer_events.c.to_state == "disputed")
    query = select(offer_events.c.from_state).where(came, offer_events.c.from_state != "disputed")
    return str(db.execute(query.order_by(offer_events.c.id.desc()).limit(1)).scalar_one())


def _is_paid_out(db: Connection, offer_id: int) -> bool:
    alive = (payments.c.offer_id == offer_id) & (payments.c.state != "failed")
    return db.execute(select(payments.c.id).where(alive).limit(1)).first() is not None
