"""What an operator that collects money is to us: a prompt on a phone, looked up, given back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.payments.provider import Answer


@dataclass(frozen=True, slots=True)
class CollectionOrder:
    """Money to ask for. `reference` was made and stored before the first call.

    `callback_token` ends the callback's path, for operators that take a URL for each payment.
    """

    reference: str
    amount_rwf: int
    payer_msisdn: str
    order_code: str
    callback_token: str = ""


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """The whole of a collection, to be given back; `reference` is the refund's own.

    Operators name the collection by our reference of it, or by their own id of it.
    """

    reference: str
    collection_reference: str
    collection_txn_id: str
    amount_rwf: int
    order_code: str


class CollectionProvider(Protocol):
    """One operator. Trouble outside is an `Outcome` or None, never an exception."""

    name: str

    async def collect(self, order: CollectionOrder) -> Answer:
        """Send the prompt. "Accepted" is "the prompt was sent", never "paid"."""
        ...

    async def look_up(self, reference: str) -> Answer:
        """What became of a collection."""
        ...

    async def refund(self, order: RefundOrder) -> Answer:
        """Give a collection back; the same one is never given back twice."""
        ...

    async def look_up_refund(self, reference: str) -> Answer:
        """What became of a refund; "never told" by an operator that has no such look-up."""
        ...

    async def balance_rwf(self) -> int | None:
        """The hub's collected money with the operator, in whole francs; None when not told."""
        ...
