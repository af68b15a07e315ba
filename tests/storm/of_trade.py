"""What must hold of orders, calls and PINs after any storm, kill or crash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Connection, case, func, select

from bot.storage.schema import contacts, hops, offer_events, offers, orders, outbox, pins, stocks
from tests.storm.seen import Seen


def told_is_taken(db: Connection, seen: Seen) -> Iterable[str]:
    """I1: each acceptance told to a farmer is exactly one accepted order."""
    times = Counter(
        db.execute(
            select(contacts.c.msisdn)
            .join(offers, offers.c.contact_id == contacts.c.id)
            .join(offer_events, offer_events.c.offer_id == offers.c.id)
            .where(offer_events.c.to_state == "accepted")
        ).scalars()
    )
    return [f"{one} was told and has {times[one]}" for one in seen.accepted if times[one] != 1]


def taken_is_told(db: Connection, seen: Seen) -> Iterable[str]:
    """I2: no order is accepted without a kept reply that says so, and without its message."""
    replies = Counter(
        db.execute(select(hops.c.owner).where(hops.c.reply.like("You accepted%"))).scalars()
    )
    news = set(
        db.execute(
            select(outbox.c.dedupe_key).where(outbox.c.dedupe_key.like("accepted:%"))
        ).scalars()
    )
    query = (
        select(offers.c.id, contacts.c.msisdn)
        .join(contacts, contacts.c.id == offers.c.contact_id)
        .where(offers.c.packs_accepted > 0)
    )
    for offer_id, msisdn in db.execute(query).tuples():
        # Kept hops go after an hour: then the phone itself must have been told.
        if not (replies[msisdn] or msisdn in seen.accepted) or f"accepted:{offer_id}" not in news:
            yield f"{msisdn} accepted and was not told"


def never_oversold(db: Connection, _seen: Seen) -> Iterable[str]:
    """I3: never more accepted than ordered, never more promised than there is."""
    part = func.coalesce(func.sum(offers.c.packs_accepted), 0)
    query = (
        select(orders.c.code, orders.c.packs, orders.c.packs_accepted, part)
        .join(offers, offers.c.order_id == orders.c.id)
        .group_by(orders.c.id, orders.c.code, orders.c.packs, orders.c.packs_accepted)
    )
    for code, packs, accepted, parts in db.execute(query).tuples():
        if not accepted == parts <= packs:
            yield f"{code}: {parts} accepted in parts, {accepted} in all, of {packs}"
    # What was handed over is gone from what there is, and from what is promised.
    waits = (offers.c.state == "accepted", offers.c.packs_accepted * orders.c.pack_g)
    weight = func.sum(case(waits, else_=0))
    promised = (
        select(stocks.c.contact_id, stocks.c.promised_g, stocks.c.available_g, weight)
        .join(offers, offers.c.contact_id == stocks.c.contact_id)
        .join(orders, orders.c.id == offers.c.order_id)
        .where(orders.c.product == stocks.c.product)
        .group_by(stocks.c.id, stocks.c.contact_id, stocks.c.promised_g, stocks.c.available_g)
    )
    for contact_id, promised_g, available_g, accepted_g in db.execute(promised).tuples():
        if not promised_g == accepted_g <= available_g:
            yield f"stock of {contact_id}: {promised_g} promised, {accepted_g} accepted"


def repeats_are_equal(_db: Connection, seen: Seen) -> Iterable[str]:
    """I12: a hop sent again has the same bytes."""
    return seen.unequal_replies


def locks_hold(db: Connection, seen: Seen) -> Iterable[str]:
    """I18: who was locked out stays so, also after the server died."""
    query = select(contacts.c.msisdn).join(pins, pins.c.contact_id == contacts.c.id)
    locked = set(db.execute(query.where(pins.c.locked_until.is_not(None))).scalars())
    yield from (f"{one} was told of a lock that is not there" for one in seen.locked - locked)
    yield from (f"{one} got past the lock" for one in seen.let_in_though_locked)
