"""What the outside saw of the server: phones, operators, the SMS provider, and who called back."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Taken:
    """One payment in an operator's own book.

    `kind` is "payout", "collection" or "refund"; `end` is "paid", "refused", or what it is else.
    """

    reference: str
    kind: str
    amount_rwf: int
    end: str


@dataclass(slots=True)
class Seen:
    """What the outside saw: phones, operators, the SMS provider, and who called back."""

    # Numbers that were told "You accepted", and those that were told that they are locked out.
    accepted: set[str] = field(default_factory=set)
    locked: set[str] = field(default_factory=set)
    let_in_though_locked: set[str] = field(default_factory=set)
    # Orders whose payer was told that their yes was taken.
    told_of_payment: set[str] = field(default_factory=set)
    unequal_replies: list[str] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    # References of collections, and what the operator gave back of each.
    given_back: list[tuple[str, int]] = field(default_factory=list)
    # References whose amount the operator altered.
    altered: set[str] = field(default_factory=set)
    sms: list[tuple[str, str]] = field(default_factory=list)
    # Callbacks answered 2xx, as (source, event id), and those of them that were not kept by then.
    acknowledged: set[tuple[str, str]] = field(default_factory=set)
    acknowledged_early: list[str] = field(default_factory=list)
    # What still waits inside the server, by name.
    backlog: dict[str, int] = field(default_factory=dict)
