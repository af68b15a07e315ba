"""Who belongs to a co-operative: people who are registered, each with their own consent."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, delete, insert, select, update

from bot.market import member_words, news
from bot.market.news import NEVER, QuietHours
from bot.msisdn import read_msisdn
from bot.storage.schema import audit, contacts
from bot.storage.schema import members as rows

COOPERATIVE = "cooperative"
# So many numbers are taken in at once: they wait in the conversation for the PIN.
LIST_MAX = 1000
# No number is longer than this.
_ONE_NUMBER = re.compile(r"\+?[0-9]{1,15}")
_ASKED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Member:
    """One member, as the co-operative knows them."""

    contact_id: int
    names: str
    district: str


def of(db: Connection, cooperative_id: int) -> list[Member]:
    """The members that can be reached, in the order of their names."""
    query = (
        select(contacts.c.id, contacts.c.names, contacts.c.district)
        .join(rows, rows.c.contact_id == contacts.c.id)
        .where(rows.c.cooperative_id == cooperative_id, contacts.c.msisdn.is_not(None))
        .order_by(contacts.c.names, contacts.c.id)
    )
    return [Member(*row) for row in db.execute(query)]


def add(db: Connection, cooperative_id: int, contact_id: int, now: datetime) -> bool:
    """Let somebody belong to a co-operative; False when they do already."""
    same = (rows.c.cooperative_id == cooperative_id) & (rows.c.contact_id == contact_id)
    if db.execute(select(rows.c.id).where(same)).first() is not None:
        return False
    values = {"cooperative_id": cooperative_id, "contact_id": contact_id, "joined_at": now}
    db.execute(insert(rows).values(values))
    return True


def take_in(
    db: Connection,
    cooperative_id: int,
    numbers: Iterable[str],
    country: str,
    by: str,
    now: datetime,
    help_msisdn: str,
    quiet: QuietHours = NEVER,
) -> dict[str, list[int]]:
    """Take in the members with these numbers; which lines came to what, counted from 1.

    Each who is new hears of it once, and whom to call when it is wrong.

    Nobody is kept who has not registered, for nobody else has agreed to be: "unknown". The rest is
    "added", "already", "itself" or "no number". The co-operative's role becomes that of one.
    """
    found: dict[str, list[int]] = {}
    new: list[int] = []
    for line, outcome, _msisdn, contact_id in _each(db, cooperative_id, numbers, country):
        found.setdefault(outcome, []).append(line)
        if outcome == "added":
            new.append(contact_id)
    if new:
        joined = {"cooperative_id": cooperative_id, "joined_at": now}
        db.execute(insert(rows), [{**joined, "contact_id": one} for one in new])
        _tell(db, cooperative_id, new, help_msisdn, now, quiet)
    role = update(contacts).where(contacts.c.id == cooperative_id).values(role=COOPERATIVE)
    db.execute(role)
    counted = Counter({outcome: len(lines) for outcome, lines in found.items()})
    line_of_audit = {
        "at": now,
        "actor": by[:40],
        "action": "members imported",
        "subject": f"contact {cooperative_id}",
        "details": dict(counted),
    }
    db.execute(insert(audit), line_of_audit)
    return found


def look(
    db: Connection, cooperative_id: int, numbers: Iterable[str], country: str
) -> tuple[list[str], dict[str, int]]:
    """What `take_in` would come to: the E.164 numbers of those who would be "added", and counts.

    Nothing is changed, and no number of others is given back.
    """
    each = list(_each(db, cooperative_id, numbers, country))
    new = [msisdn for _line, outcome, msisdn, _contact_id in each if outcome == "added"]
    return new, dict(Counter(outcome for _line, outcome, _msisdn, _contact_id in each))


def numbers_typed(text: str) -> list[str]:
    """The numbers in what was typed: apart by spaces, or by commas where they hold spaces."""
    found: list[str] = []
    for piece in filter(None, map(str.strip, re.split("[,;\n]", text))):
        joined = "".join(piece.split())
        found += [joined] if _ONE_NUMBER.fullmatch(joined) else piece.split()
    return found


def forget(db: Connection, contact_id: int) -> None:
    """Somebody who leaves belongs to no co-operative, and has no members."""
    mine = (rows.c.contact_id == contact_id) | (rows.c.cooperative_id == contact_id)
    db.execute(delete(rows).where(mine))


def _tell(
    db: Connection,
    cooperative_id: int,
    new: Sequence[int],
    help_msisdn: str,
    now: datetime,
    quiet: QuietHours,
) -> None:
    names = select(contacts.c.names).where(contacts.c.id == cooperative_id)
    words = partial(member_words.taken_in, str(db.execute(names).scalar()), help_msisdn)
    # Who is taken in, leaves and is taken in again has heard of it.
    news.tell_by_sms(db, new, f"member:{cooperative_id}", words, now, quiet)


def _each(
    db: Connection, cooperative_id: int, numbers: Iterable[str], country: str
) -> Iterator[tuple[int, str, str, int]]:
    """Each line that is not empty, counted from 1: its outcome, its number, and whose that is."""
    read = [
        (line, read_msisdn("".join(text.split()), country))
        for line, text in enumerate(numbers, 1)
        if text.strip()
    ]
    known = _registered(db, [msisdn for _line, msisdn in read if msisdn is not None])
    mine = select(rows.c.contact_id).where(rows.c.cooperative_id == cooperative_id)
    taken = set(db.execute(mine).scalars())
    for line, msisdn in read:
        contact_id = known.get(msisdn or "", 0)
        outcome = "added"
        if not contact_id:
            outcome = "no number" if msisdn is None else "unknown"
        elif contact_id == cooperative_id:
            outcome = "itself"
        elif contact_id in taken:
            outcome = "already"
        taken.add(contact_id)
        yield line, outcome, msisdn or "", contact_id


def _registered(db: Connection, msisdns: Sequence[str]) -> dict[str, int]:
    """Who is registered with which of these numbers."""
    found: dict[str, int] = {}
    for start in range(0, len(msisdns), _ASKED_AT_ONCE):
        some = contacts.c.msisdn.in_(msisdns[start : start + _ASKED_AT_ONCE])
        query = select(contacts.c.msisdn, contacts.c.id).where(some, contacts.c.erased_at.is_(None))
        found |= {row.msisdn: row.id for row in db.execute(query)}
    return found
