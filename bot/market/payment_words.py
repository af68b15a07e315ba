"""A payment's state in words, wherever it is shown."""

from __future__ import annotations

import re

from bot.i18n import _

_ABOUT_TRANSACTION = re.compile(r"(?<=\. )[^.]*\{ref\}\. ")


def payment_state(state: str, kind: str) -> str:
    """A payment's state in a word; unknown is never called failed."""
    if state == "succeeded" and kind != "payout":
        return _("paid (by you)") if kind == "collection" else _("given back (payment)")
    if state == "succeeded":
        return _("received (payment)")
    return _("failed (payment)") if state == "failed" else _("being checked (payment)")


def as_far_as_known(words: str, provider_txn_id: str) -> str:
    """`words`, without the sentence of {ref} where the operator's number of it is "".

    Nobody has that of a payment which people ended without an answer of the operator.
    """
    return words if provider_txn_id else _ABOUT_TRANSACTION.sub("", words)
