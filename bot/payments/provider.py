"""What a payment provider is to us: asked once under our reference, then looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

# The names under which payments are kept, and which stand in the callback's path.
MTN_MOMO, AIRTEL_MONEY = "mtn-momo", "airtel-money"

Term = Literal["amount_rwf", "currency", "payee_msisdn", "payer_msisdn"]


class Outcome(StrEnum):
    """What an answer tells. UNKNOWN is an answer of its own: never failed, never paid."""

    ACCEPTED = "accepted"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    NOT_THERE = "not_there"
    UNKNOWN = "unknown"
    # This operator never tells what became of it: staff look in its portal.
    NEVER_TOLD = "never_told"


@dataclass(frozen=True, slots=True)
class PayoutOrder:
    """Money to send. `reference` was made and stored before the first call, and never changes."""

    reference: str
    callback_token: str
    amount_rwf: int
    currency: str
    payee_msisdn: str
    order_code: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider said of one payment; what it did not say is None or "".

    `untold` names the terms that this operator leaves out by design, so that their absence is no
    mismatch. A payout names its payee, a collection its payer. `strange` means that no page
    explains the answer: a person must read it. `down` means that nobody answered as this operator
    does: no answer, an error of its gateway, a page for people, no token. `turned_away` means that
    the message most likely went no further: out of service, or nothing had left. `taken` means that
    it has a payment of this reference already.
    """

    outcome: Outcome
    reason: str = ""
    amount_rwf: int | None = None
    currency: str = ""
    payee_msisdn: str = ""
    provider_txn_id: str = ""
    fee_rwf: int | None = None
    untold: frozenset[Term] = frozenset()
    strange: bool = False
    payer_msisdn: str = ""
    down: bool = False
    turned_away: bool = False
    taken: bool = False


@dataclass(frozen=True, slots=True)
class CallbackHint:
    """What a callback claims; it only makes us ask.

    `reference` is set where the body carries ours, for operators with one URL for all payments.
    `forged` means that the signature it must bear is missing or wrong: it makes us do nothing.
    """

    external_id: str = ""
    status: str = ""
    reference: str = ""
    forged: bool = False


class PaymentProvider(Protocol):
    """One operator. Trouble outside is an `Outcome`, never an exception."""

    async def ask(self, payout: PayoutOrder) -> Answer:
        """Send money, or learn that it was asked before. The same reference never pays twice."""
        ...

    async def look_up(self, reference: str) -> Answer:
        """What became of a payment."""
        ...

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackHint:
        """What a callback says, read leniently; anything unreadable is an empty hint."""
        ...
