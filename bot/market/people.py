"""People: who registered, what they agreed to, and their right to see and to be forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from bot.conversation import Language
from bot.market import buyers, telegram_links, tickets_of_who_left
from bot.storage.prepared import Prepared
from bot.storage.schema import (
    allocations,
    bills,
    bookings,
    call_acts,
    consents,
    contacts,
    hand_over_lines,
    hand_overs,
    hops,
    inbox,
    lesson_progress,
    members,
    news_wishes,
    offers,
    orders,
    outbox,
    payments,
    person_notes,
    pin_failures,
    pins,
    price_alerts,
    sales,
    shares,
    stock_listings,
    stock_photos,
    stocks,
    tickets,
    transcripts,
    wallet_changes,
)

# The wording of the consent screen; a new wording is a new version, and asks again.
CONSENT_VERSION = "2026-11"


@dataclass(frozen=True, slots=True)
class Contact:
    """A person who agreed to be known."""

    id: int
    msisdn: str
    names: str
    district: str
    language: Language
    role: str
    crop: str
    shared_phone: bool
    wallet: str
    wallet_provider: str
    seen_day: int
    verifying: bool


# Built once: putting a statement together costs more than running it.
_COLUMNS = (
    "id", "msisdn", "names", "district", "language", "role", "crop", "shared_phone", "wallet",
    "wallet_provider", "seen_day", "verify_since",
)  # fmt: skip
# The words that a person agreed to last.
_last_consent = (
    select(func.max(consents.c.id))
    .where(consents.c.contact_id == contacts.c.id, consents.c.withdrawn_at.is_(None))
    .correlate(contacts)
    .scalar_subquery()
)
_last_agreed = (
    select(consents.c.text_version)
    .where(consents.c.id == _last_consent)
    .correlate(contacts)
    .scalar_subquery()
)
# The one query of every dial.
_known = Prepared(
    select(*(contacts.c[name] for name in _COLUMNS), _last_agreed).where(
        contacts.c.erased_at.is_(None), contacts.c.msisdn == bindparam("msisdn")
    ),
    "msisdn",
)
_by_id = select(*(contacts.c[name] for name in _COLUMNS)).where(
    contacts.c.erased_at.is_(None), contacts.c.id == bindparam("wanted")
)


# Asked in every effect.
_held = Prepared(
    select(contacts.c.id)
    .where(contacts.c.id == bindparam("wanted"), contacts.c.msisdn.is_not(None))
    .with_for_update(key_share=True),
    "wanted",
)
# Asked in every reading of what is somebody's own.
_reached = Prepared(
    select(contacts.c.id).where(
        contacts.c.id == bindparam("wanted"), contacts.c.msisdn.is_not(None)
    ),
    "wanted",
)


# Asked once in each call that comes to what is somebody's own.
_agreed = Prepared(
    select(consents.c.text_version)
    .where(consents.c.contact_id == bindparam("wanted"), consents.c.withdrawn_at.is_(None))
    .order_by(consents.c.id.desc()),
    "wanted",
)


def by_msisdn(db: Connection, msisdn: str) -> Contact | None:
    """The person with this number, or None."""
    return caller(db, msisdn)[0]


def caller(db: Connection, msisdn: str) -> tuple[Contact | None, bool]:
    """The person with this number, or None; and whether they agreed to today's words, or to none.

    In one question to the records: every dial asks it.
    """
    row = _known.one(db, msisdn)
    if row is None:
        return None, False
    return _contact(row[:-1]), not _is_older(row[-1])


def by_id(db: Connection, contact_id: int) -> Contact | None:
    """The person with this id, unless erased; `msisdn` is "" when it is another person's by now."""
    row = db.execute(_by_id, {"wanted": contact_id}).first()
    return None if row is None else _contact(row)


def payee(db: Connection, contact_id: int) -> Contact:
    """Whom money is owed, also when erased; then nothing of them is left but perhaps a wallet."""
    columns = select(*(contacts.c[name] for name in _COLUMNS))
    return _contact(db.execute(columns.where(contacts.c.id == contact_id)).one())


def hold(db: Connection, contact_id: int) -> bool:
    """Whether this person has a number; if so they keep it until this transaction ends."""
    return _held.one(db, contact_id) is not None


def is_reached(db: Connection, contact_id: int) -> bool:
    """Whether this person still has a number: not erased, and it is nobody else's."""
    return _reached.one(db, contact_id) is not None


def register(
    db: Connection,
    *,
    msisdn: str,
    names: str,
    district: str,
    language: Language,
    role: str,
    crop: str,
    pin_hash: str,
    channel: str,
    now: datetime,
    wallet_provider: str = "",
    hub: str = "rw",
) -> Contact:
    """Keep a person of this `hub` who has agreed, with the proof of consent and the PIN's hash.

    `wallet_provider` is the operator of their wallet ("mtn-momo"), "" when nobody told.
    A number that is registered already stays as it is: that contact is returned.
    """
    known = by_msisdn(db, msisdn)
    if known is not None:
        return known
    values = {
        "hub": hub,
        "msisdn": msisdn,
        "names": names,
        "district": district,
        "language": language,
        "role": role,
        "crop": crop,
        "wallet": msisdn,
        "wallet_provider": wallet_provider,
        "created_at": now,
        "seen_day": day_number(now),
    }
    contact_id = db.execute(insert(contacts).values(values)).inserted_primary_key[0]  # type: ignore[index]
    agree(db, contact_id, language, channel, now)
    db.execute(insert(pins).values(contact_id=contact_id, hash=pin_hash, set_at=now))
    telegram_links.registered(db, msisdn, contact_id, channel == telegram_links.CHANNEL, now)
    return Contact(
        contact_id,
        msisdn,
        names,
        district,
        language,
        role,
        crop,
        shared_phone=False,
        wallet=msisdn,
        wallet_provider=wallet_provider,
        seen_day=day_number(now),
        verifying=False,
    )


def agree(db: Connection, contact_id: int, language: Language, channel: str, now: datetime) -> None:
    """Keep the proof that a person agreed to the words of today; what was before stays."""
    proof = {"text_version": CONSENT_VERSION, "language": language, "channel": channel}
    db.execute(insert(consents).values(contact_id=contact_id, given_at=now, **proof))


def agreed_to_older_words(db: Connection, contact_id: int) -> bool:
    """Whether the last thing this person agreed to was another wording than today's."""
    agreed = _agreed.one(db, contact_id)
    return agreed is not None and _is_older(agreed[0])


def _is_older(agreed_to: str | None) -> bool:
    """Whether these words are not today's; who agreed to none yet is asked where it matters."""
    return agreed_to not in {None, CONSENT_VERSION}


def day_number(now: datetime) -> int:
    """The day of a moment, in whole days since 1970."""
    return int(now.timestamp()) // 86_400


def set_language(db: Connection, contact_id: int, language: Language) -> None:
    """Speak `language` to this person from now on."""
    db.execute(update(contacts).where(contacts.c.id == contact_id).values(language=language))


def set_shared(db: Connection, contact_id: int, shared: bool) -> None:
    """Remember whether others use this phone."""
    db.execute(update(contacts).where(contacts.c.id == contact_id).values(shared_phone=shared))


# Whether it must be verified goes with the number: money that it is kept for waits for people.
_NO_WALLET = {"wallet": "", "wallet_provider": "", "verify_since": None}
_FRESH = {"wrong_in_a_row": 0, "locked_until": None, "locked_at": None, "reset_until": None}


def set_pin(db: Connection, contact_id: int, pin_hash: str, now: datetime) -> None:
    """Replace the PIN; its counters start anew."""
    db.execute(
        update(pins)
        .where(pins.c.contact_id == contact_id)
        .values(hash=pin_hash, set_at=now, **_FRESH)
    )


def erase(db: Connection, contact_id: int, now: datetime, *, keep_wallet: bool = False) -> None:
    """Forget the person: consent withdrawn, name and number gone, waiting messages cancelled.

    Orders and payments stay, as bookkeeping law asks, under the row's number only. `leaving.leave`
    does this for somebody who may still be owed money: then their wallet is kept until it is paid.
    """
    # What is being written of their calls at this moment is waited for, and then deleted too.
    db.execute(select(contacts.c.id).where(contacts.c.id == contact_id).with_for_update())
    contact = by_id(db, contact_id)
    if contact is None:
        return
    # Who was taken off their number has none: "" is everybody's who has none, and NULL nobody's.
    number = contact.msisdn or None
    db.execute(
        update(consents)
        .where(consents.c.contact_id == contact_id, consents.c.withdrawn_at.is_(None))
        .values(withdrawn_at=now)
    )
    theirs = (pin_failures, pins, lesson_progress, stocks, stock_photos, stock_listings,
              price_alerts, person_notes, news_wishes)  # fmt: skip
    for table in theirs:
        db.execute(delete(table).where(table.c.contact_id == contact_id))
    tickets_of_who_left.close_theirs(db, contact_id, number, now)
    buyers.forget(db, contact_id, contact.msisdn)
    _forget_payee(db, contact_id)
    db.execute(update(bills).where(bills.c.contact_id == contact_id).values(why=""))
    db.execute(delete(transcripts).where(transcripts.c.owner == number))
    db.execute(delete(call_acts).where(call_acts.c.owner == number))
    db.execute(delete(hops).where(hops.c.owner == number))
    cancel_messages(db, contact_id)
    telegram_links.forget(db, contact_id, number, now)
    written = select(hand_overs.c.id).where(hand_overs.c.contact_id == contact_id)
    db.execute(delete(hand_over_lines).where(hand_over_lines.c.hand_over_id.in_(written)))
    db.execute(delete(hand_overs).where(hand_overs.c.contact_id == contact_id))
    mine = wallet_changes.c.contact_id == contact_id
    db.execute(update(wallet_changes).where(mine).values(before="", after=""))
    gone = {"msisdn": None, "erased_at": now, "seen_day": 0}
    empty = {"names": "", "district": ""} | ({} if keep_wallet else _NO_WALLET)
    db.execute(update(contacts).where(contacts.c.id == contact_id).values(gone | empty))


def forget_wallet(db: Connection, contact_id: int) -> None:
    """Empty what was kept of an erased person's wallet; nothing of anybody else's."""
    erased = (contacts.c.id == contact_id) & contacts.c.erased_at.is_not(None)
    db.execute(update(contacts).where(erased).values(_NO_WALLET))


def _tickets_of(contact_id: int, msisdn: str | None) -> ColumnElement[bool]:
    """Also what was asked with this number before anybody had registered with it."""
    return or_(tickets.c.contact_id == contact_id, tickets.c.msisdn == msisdn)


def _forget_payee(db: Connection, contact_id: int) -> None:
    """A payment on its way is still compared with what the operator says; settling forgets then."""
    mine = payments.c.contact_id == contact_id
    # One that is being settled now is waited for: else neither side would see the other.
    db.execute(select(payments.c.id).where(mine).with_for_update()).all()
    settled = mine & payments.c.settled_at.is_not(None)
    db.execute(update(payments).where(settled).values(payee_msisdn=""))
    # An operator's callback names whom it paid; what came of it stands beside it.
    called = select(payments.c.callback_token).where(mine)
    about_them = (inbox.c.token != "") & inbox.c.token.in_(called)
    db.execute(update(inbox).where(about_them, inbox.c.applied_at.is_not(None)).values(body=b""))


def cancel_messages(db: Connection, contact_id: int, msisdn: str | None = None) -> None:
    """Drop what is to be sent to this person, about them, or to the number `msisdn`."""
    # To the person, or to an earlier number of theirs about them.
    db.execute(delete(outbox).where(outbox.c.contact_id == contact_id))
    if msisdn:
        db.execute(delete(outbox).where(outbox.c.msisdn == msisdn))


def copy_of(db: Connection, contact_id: int) -> dict[str, Any]:
    """Everything that is held about a person, by table, for their own eyes."""
    tables = {
        "contacts": select(contacts).where(contacts.c.id == contact_id),
        "consents": select(consents).where(consents.c.contact_id == contact_id),
        "stocks": select(stocks).where(stocks.c.contact_id == contact_id),
        "stock_listings": select(stock_listings).where(stock_listings.c.contact_id == contact_id),
        "stock_photos": select(stock_photos).where(stock_photos.c.contact_id == contact_id),
        "written": select(hand_over_lines)
        .join(hand_overs, hand_overs.c.id == hand_over_lines.c.hand_over_id)
        .where(hand_overs.c.contact_id == contact_id),
        "offers": select(offers, orders.c.code)
        .join(orders, orders.c.id == offers.c.order_id)
        .where(offers.c.contact_id == contact_id),
        "turns": select(allocations).where(allocations.c.contact_id == contact_id),
        "payments": select(payments).where(payments.c.contact_id == contact_id),
        "bills": select(bills).where(bills.c.contact_id == contact_id),
        "sales": select(sales).where(sales.c.contact_id == contact_id),
        "wallet_changes": select(wallet_changes).where(wallet_changes.c.contact_id == contact_id),
        "bookings": select(bookings).where(bookings.c.contact_id == contact_id),
        "price_alerts": select(price_alerts).where(price_alerts.c.contact_id == contact_id),
        "news_wishes": select(news_wishes).where(news_wishes.c.contact_id == contact_id),
        "members": select(members).where(members.c.contact_id == contact_id),
        "shares": select(shares).where(shares.c.contact_id == contact_id),
        "telegram": telegram_links.held_of(contact_id),
        "notes": select(person_notes).where(person_notes.c.contact_id == contact_id),
        "lessons": select(lesson_progress).where(lesson_progress.c.contact_id == contact_id),
    }
    held = {name: [dict(row) for row in db.execute(q).mappings()] for name, q in tables.items()}
    msisdn = held["contacts"][0]["msisdn"] if held["contacts"] else None
    asked = select(tickets).where(_tickets_of(contact_id, msisdn))
    held["tickets"] = [dict(row) for row in db.execute(asked).mappings()]
    asked_of = select(sales.c.amount_rwf, sales.c.what_for, sales.c.asked_at).where(
        sales.c.buyer_msisdn == msisdn
    )
    held["asked_to_pay"] = [dict(row) for row in db.execute(asked_of).mappings()] if msisdn else []
    spoken = select(transcripts).where(transcripts.c.owner == msisdn)
    held["calls"] = [dict(row) for row in db.execute(spoken).mappings()] if msisdn else []
    helped = select(call_acts).where(call_acts.c.owner == msisdn)
    held["help_in_calls"] = [dict(row) for row in db.execute(helped).mappings()] if msisdn else []
    return held


def _contact(row: Sequence[Any]) -> Contact:
    """A contact from a row of `_COLUMNS`."""
    contact_id, msisdn, names, district, language, role, *rest = row
    crop, shared_phone, wallet, wallet_provider, seen_day, verify_since = rest
    return Contact(
        contact_id,
        msisdn or "",
        names,
        district,
        language,
        role,
        crop,
        bool(shared_phone),
        wallet,
        wallet_provider,
        seen_day,
        verifying=verify_since is not None,
    )
