"""Replies that stand ready for staff in a chat, filled in for its person.

What cannot be filled in is not there. A key names what it is filled in with: once that has changed,
an older page's key leads nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from bot.i18n import N_, _
from bot.market import Hub, news, notices, offers, payments, people
from bot.market.hand_overs import HandOver
from bot.market.payments import OPEN, Payment
from bot.market.people import Contact

# The reply's words in the language that is spoken.
Words = Callable[[], str]
_HELLO = N_("Hello! How can we help you?")
_WAIT = N_("Please wait a moment, we are looking at it.")
_NEVER = N_("Never give your PIN to anyone, not even to us.")
_PLAIN = {"hello": _HELLO, "wait": _WAIT, "never": _NEVER}


def replies_in(db: Connection, chat: HandOver, hub: Hub, now: datetime) -> dict[str, Words]:
    """What stands ready in this chat, by its key; of orders and money only where news may go."""
    ready: dict[str, Words] = {name: partial(_, words) for name, words in _PLAIN.items()}
    person = people.by_id(db, chat.contact_id) if chat.contact_id else None
    if person is None or person.verifying or not news.may_reach(db, person.id, chat.chat_id):
        return ready
    if person.names:
        ready["hello"] = partial(_greeting, person)
    return ready | _of_orders(db, person.id, hub, now) | _of_money(db, person.id, hub)


def _greeting(person: Contact) -> str:
    return _("Hello {name}! How can we help you?").format(name=person.names)


def _of_orders(db: Connection, contact_id: int, hub: Hub, now: datetime) -> dict[str, Words]:
    """The offer that must be answered first, and what is to be delivered first or is looked at."""
    ready: dict[str, Words] = {}
    for offer in offers.open_for(db, contact_id, now)[:1]:
        words = partial(notices.offer_arrived, offer, hub.service_code, hub.timezone)
        ready[f"offer-{offer.id}-{offer.version}"] = words
    for offer in offers.mine(db, contact_id)[:1]:
        key = f"order-{offer.id}-{offer.version}"
        if offer.state == "accepted":
            ready[key] = partial(notices.order_accepted, offer, hub.timezone)
        elif offer.state == "disputed":
            ready[key] = partial(notices.order_disputed, offer)
    return ready


def _of_money(db: Connection, contact_id: int, hub: Hub) -> dict[str, Words]:
    """Where the newest payout is; nothing of one that staff must decide about first."""
    payout = payments.newest_payout(db, contact_id)
    if payout is None:
        return {}
    key = f"payout-{payout.id}-{payout.version}"
    if payout.state == "succeeded":
        return {key: partial(notices.receipt, payout, hub.timezone)}
    if payout.state == "failed":
        return {key: partial(notices.payment_failed, payout)}
    return {key: partial(notices.payment_under_way, payout, hub.timezone)} if _goes(payout) else {}


def _goes(payout: Payment) -> bool:
    """Whether it leaves by itself: what is held waits for somebody."""
    return payout.state in OPEN and not payout.held
