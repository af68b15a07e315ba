"""A payment's state in words, wherever it is shown."""

from __future__ import annotations

from bot.i18n import _


def payment_state(state: str, kind: str) -> str:
    """A payment's state in a word; unknown is never called failed."""
    if state == "succeeded" and kind != "payout":
        return _("paid (by you)") if kind == "collection" else _("given back (payment)")
    if state == "succeeded":
        return _("received (payment)")
    return _("failed (payment)") if state == "failed" else _("being checked (payment)")
