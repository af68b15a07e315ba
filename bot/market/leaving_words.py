"""What is still between a person and the hub, said before they leave, in the language spoken."""

from __future__ import annotations

from bot.conversation import Language
from bot.i18n import _
from bot.i18n.formats import amount
from bot.market.leaving import Due


def due_lines(due: Due, language: Language) -> list[str]:
    """A line for each thing that would be left behind; none when there is nothing."""
    lines = []
    if due.owed_rwf:
        still = _("Still to come to you: {amount}. We keep only your wallet's number until then.")
        lines.append(still.format(amount=amount(due.owed_rwf, language)))
    if due.to_bring:
        bring = _("Accepted and not delivered: {count}. Staff decide without you.")
        lines.append(bring.format(count=due.to_bring))
    if due.disputed:
        disputed = _("With a problem: {count}. Call us first if money is yours.")
        lines.append(disputed.format(count=due.disputed))
    if due.visits:
        lines.append(_("Visits accepted: {count}. Staff tell the guests.").format(count=due.visits))
    if due.bills_rwf:
        left = _("Bills not paid: {amount}.")
        lines.append(left.format(amount=amount(due.bills_rwf, language)))
    return lines
