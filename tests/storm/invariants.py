"""What must hold after any storm, kill or crash; the numbers are the project's own list.

Each takes the records and what was seen from outside, and gives what is wrong, in words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from bot.market import books
from bot.storage.schema import (
    contacts,
    hops,
    inbox,
    ledger_entries,
    ledger_lines,
    offer_events,
    offers,
    orders,
    outbox,
    payment_events,
    payments,
    pins,
    stocks,
    tickets,
)
from bot.ussd.gsm7 import fold

OVER = ("succeeded", "failed", "flagged")


@dataclass(frozen=True, slots=True)
class Taken:
    """One payout in an operator's own book: `end` is "paid", "refused", or what it is else."""

    reference: str
    amount_rwf: int
    end: str


@dataclass(slots=True)
class Seen:
    """What the outside saw: phones, operators, the SMS provider, and who called back."""

    # Numbers that were told "You accepted", and those that were told that they are locked out.
    accepted: set[str] = field(default_factory=set)
    locked: set[str] = field(default_factory=set)
    let_in_though_locked: set[str] = field(default_factory=set)
    unequal_replies: list[str] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    # References whose amount the operator altered.
    altered: set[str] = field(default_factory=set)
    sms: list[tuple[str, str]] = field(default_factory=list)
    # Callbacks answered 2xx, as (source, event id), and those of them that were not kept by then.
    acknowledged: set[tuple[str, str]] = field(default_factory=set)
    acknowledged_early: list[str] = field(default_factory=list)
    # What still waits inside the server, by name.
    backlog: dict[str, int] = field(default_factory=dict)


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
    weight = func.sum(offers.c.packs_accepted * orders.c.pack_g)
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


def sent_once(db: Connection, seen: Seen) -> Iterable[str]:
    """I4: each payout sent once for its reference, and one settled for each order."""
    times = Counter(one.reference for one in seen.taken)
    yield from (f"{one} was taken {count} times" for one, count in times.items() if count > 1)
    ours = set(db.execute(select(payments.c.reference)).scalars())
    yield from (f"{one} is none of our payments" for one in times if one not in ours)
    live = payments.c.offer_id.is_not(None) & (payments.c.state != "failed")
    several = select(payments.c.offer_id).where(live).group_by(payments.c.offer_id)
    for offer_id in db.execute(several.having(func.count() > 1)).scalars():
        yield f"offer {offer_id} is paid more than once"
    codes = select(payments.c.order_code).where(payments.c.offer_id.is_(None))
    for code in db.execute(
        codes.group_by(payments.c.order_code).having(func.count() > 1)
    ).scalars():
        yield f"{code} is paid more than once"


def over_in_time(db: Connection, _seen: Seen) -> Iterable[str]:
    """I5: every payout is settled, failed or flagged, and what is flagged has its ticket."""
    query = select(payments.c.order_code, payments.c.state).where(payments.c.state.not_in(OVER))
    yield from (f"{row[0]} is still {row[1]}" for row in db.execute(query))
    about = set(
        db.execute(select(tickets.c.about).where(tickets.c.category == "payment_flagged")).scalars()
    )
    flagged = select(payments).where(payments.c.state == "flagged")
    for row in db.execute(flagged):
        if f"{row.order_code} {row.proof_code}" not in about:
            yield f"{row.order_code} is flagged and nobody was told"


def books_are_right(db: Connection, _seen: Seen) -> Iterable[str]:
    """I6: every entry sums to zero, so do all, and the balances are what the payments say."""
    yield from (fault.what for fault in books.check(db).faults)
    total = db.execute(select(func.sum(ledger_lines.c.amount_rwf))).scalar()
    if total:
        yield f"all lines sum to {total}"


def same_as_operators(db: Connection, seen: Seen) -> Iterable[str]:
    """I7: the operators' books are ours; each difference is flagged."""
    ours = {row.reference: row for row in db.execute(select(payments))}
    taken = {one.reference: one for one in seen.taken}
    wanted = {"paid": "succeeded", "refused": "failed"}
    for reference, one in taken.items():
        if reference not in ours:
            continue
        state = "flagged" if reference in seen.altered else wanted.get(one.end, one.end)
        if ours[reference].state != state or ours[reference].amount_rwf != one.amount_rwf:
            yield f"{ours[reference].order_code} is {ours[reference].state}, there {one.end}"
    for reference, row in ours.items():
        if row.state == "succeeded" and reference not in taken:
            yield f"{row.order_code} is settled and no operator knows it"
    left = sum(one.amount_rwf for one in seen.taken if one.end == "paid")
    left += sum(1_000 for one in seen.taken if one.end == "paid" and one.reference in seen.altered)
    floated = select(func.coalesce(func.sum(ledger_lines.c.amount_rwf), 0))
    gone = -int(db.execute(floated.where(ledger_lines.c.account == "hub_float")).scalar_one())
    if gone != left:
        yield f"{gone} left our books, {left} theirs"


def kept_before_answered(db: Connection, seen: Seen) -> Iterable[str]:
    """I9: each 2xx to a callback has a row that was there before it, and is there still."""
    yield from (f"{event} was answered before it was kept" for event in seen.acknowledged_early)
    kept = set(db.execute(select(inbox.c.source, inbox.c.event_id)).tuples())
    yield from (f"{one} was answered and is lost" for one in seen.acknowledged - kept)


def applied_once(db: Connection, _seen: Seen) -> Iterable[str]:
    """I10: each callback applied, each payment ended and each cause posted once."""
    for row in db.execute(select(inbox.c.event_id).where(inbox.c.applied_at.is_(None))):
        yield f"{row[0]} was never applied"
    ends = select(payment_events.c.payment_id).where(payment_events.c.to_state.in_(OVER))
    several = ends.group_by(payment_events.c.payment_id).having(func.count() > 1)
    yield from (f"payment {one} ended more than once" for one in db.execute(several).scalars())
    for column, table in ((ledger_entries.c.cause, "entry"), (outbox.c.dedupe_key, "news")):
        twice = select(column).group_by(column).having(func.count() > 1)
        yield from (f"{table} {one} is there twice" for one in db.execute(twice).scalars())


def news_arrived(db: Connection, seen: Seen) -> Iterable[str]:
    """I11: each message arrived, and whatever arrived is one of ours."""
    arrived, wanted = Counter(seen.sms), set[tuple[str, str]]()
    numbers = dict(db.execute(select(contacts.c.id, contacts.c.msisdn)).tuples().all())
    for payload in db.execute(select(outbox.c.payload).where(outbox.c.kind == "sms")).scalars():
        number = numbers.get(payload.get("contact_id", 0)) or payload.get("msisdn", "")
        wanted.add((number, fold(payload["text"])))
    yield from (f"{one} never arrived" for one in wanted if not arrived[one])
    yield from (f"{one} arrived and is none of ours" for one in arrived if one not in wanted)
    paid = select(func.count()).where(payments.c.state == "succeeded")
    told = select(func.count()).where(outbox.c.dedupe_key.like("money:%"))
    if db.execute(paid).scalar() != db.execute(told).scalar():
        yield "not everybody who was paid was told"


def repeats_are_equal(_db: Connection, seen: Seen) -> Iterable[str]:
    """I12: a hop sent again has the same bytes."""
    return seen.unequal_replies


def locks_hold(db: Connection, seen: Seen) -> Iterable[str]:
    """I18: who was locked out stays so, also after the server died."""
    query = select(contacts.c.msisdn).join(pins, pins.c.contact_id == contacts.c.id)
    locked = set(db.execute(query.where(pins.c.locked_until.is_not(None))).scalars())
    yield from (f"{one} was told of a lock that is not there" for one in seen.locked - locked)
    yield from (f"{one} got past the lock" for one in seen.let_in_though_locked)


def nothing_waits(db: Connection, seen: Seen) -> Iterable[str]:
    """I19: every backlog is back at nothing."""
    states = select(outbox.c.state, func.count()).where(outbox.c.state != "sent")
    for state, count in db.execute(states.group_by(outbox.c.state)).tuples():
        yield f"{count} pieces of news are {state}"
    asked = select(func.count()).where(payments.c.look_up_at.is_not(None))
    if count := db.execute(asked).scalar():
        yield f"{count} look-ups wait"
    yield from (f"{count} {name}" for name, count in seen.backlog.items() if count)


Invariant = Callable[[Connection, Seen], Iterable[str]]
INVARIANTS: dict[str, Invariant] = {
    "I1": told_is_taken,
    "I2": taken_is_told,
    "I3": never_oversold,
    "I4": sent_once,
    "I5": over_in_time,
    "I6": books_are_right,
    "I7": same_as_operators,
    "I9": kept_before_answered,
    "I10": applied_once,
    "I11": news_arrived,
    "I12": repeats_are_equal,
    "I18": locks_hold,
    "I19": nothing_waits,
}


def violated(db: Connection, seen: Seen) -> list[str]:
    """Every way in which one of them does not hold."""
    return [f"{name}: {what}" for name, check in INVARIANTS.items() for what in check(db, seen)]
