"""The letters of the outbox by which payments leave: their keys, and whose they are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Function, Select, func, select

from bot.market.payments import Payment, outbox_key
from bot.storage.schema import outbox

_REFERENCE_LONG = 36
# A payment asked for again leaves under the number of its look-ups then, which may begin anew.
_LOOK_UPS_USUAL = 200


def keys_of(payment: Payment) -> list[str]:
    """Every key under which this payment may stand in the outbox; an index finds each."""
    again = map(str, range(max(_LOOK_UPS_USUAL, payment.look_ups + 1)))
    return [outbox_key(payment), *(outbox_key(payment, one) for one in ("released", *again))]


def in_another_hand(db: Connection, payment: Payment, letter_id: int, now: datetime) -> bool:
    """Whether another of its letters than this one has been claimed, and its lease lasts.

    Asked under the payment's lock, of two letters at most one finds the other so.
    """
    another = outbox.c.dedupe_key.in_(keys_of(payment)) & (outbox.c.id != letter_id)
    claimed = (outbox.c.lease != "") & (outbox.c.lease_until > now)
    return db.execute(select(outbox.c.id).where(another, claimed).limit(1)).first() is not None


def reference_in() -> Function[Any]:
    """The reference of the payment whose letter of the outbox this is."""
    begins_at = func.length(outbox.c.kind) + 2
    return func.substr(outbox.c.dedupe_key, begins_at, _REFERENCE_LONG)


def references_in(*which: ColumnElement[bool]) -> Select[tuple[str]]:
    """The references of the payments whose letters of the outbox are `which`."""
    return select(reference_in()).where(*which)
