"""The words of asking a buyer to pay, and how it is read what for."""

import re

from bot.flow import Invalid
from bot.flows.pay import truth_of, waits
from bot.i18n import _, language_spoken
from bot.i18n.formats import amount
from bot.market.payment_words import payment_state
from bot.market.payments import ANOTHERS, OPEN, Payment
from bot.market.sale_rules import SaleRules
from bot.market.sales import WHAT_FOR_MAX, Outcome

# It reaches a stranger's phone under our name: words, and few digits, but no link and no number.
_WORDS = re.compile(r"(?=.*[^\W\d_]{2})[^\W_](?:[^\W_]|[ ',-])*")
_DIGITS_MAX = 4


def what_for_typed(typed: str) -> str:
    """A few words on one line. Raises `Invalid`, also for what could be a link or a number."""
    words = " ".join(typed.split())
    digits = sum(sign.isdigit() for sign in words)
    if len(words) > WHAT_FOR_MAX or digits > _DIGITS_MAX or not _WORDS.fullmatch(words):
        raise Invalid(
            _("Type a few words, at most {n} letters, such as: honey").format(n=WHAT_FOR_MAX)
        )
    return words


def in_a_word(asked: Payment, is_down: bool) -> str:
    """How a payment that a buyer is to make stands; `is_down`, their operator does not work."""
    if waits(asked, is_down):
        return _("waiting")
    if asked.state in ("created", "sent"):
        return _("buyer is asked")
    return payment_state(asked.state, asked.kind)


def how_it_stands(asked: Payment, passed_on: Payment | None, is_down: bool) -> str:
    """The true state, in a sentence; `passed_on` is the seller's own payment of it."""
    if waits(asked, is_down):
        return truth_of(asked, is_down)
    if asked.state == "failed":
        return _("The buyer did not pay. You may ask again.")
    if asked.state == "succeeded":
        return _has_paid(passed_on)
    if asked.state in ("created", "sent"):
        return _("The buyer is asked, and has not answered yet. We tell you how it ends.")
    return _("We do not know yet whether the buyer has paid. Do not ask again: we tell you.")


def _has_paid(passed_on: Payment | None) -> str:
    if passed_on is not None and passed_on.state == "succeeded":
        return _("The buyer has paid, and the money is with you.")
    on_its_way = passed_on is not None and passed_on.state in OPEN
    if passed_on is not None and on_its_way and passed_on.held not in ("", ANOTHERS):
        return _("The buyer has paid. Our staff check it before it goes on to you.")
    if on_its_way:
        return _("The buyer has paid. The money is on its way to you.")
    return _("The buyer has paid. It did not reach you yet: our staff look at it.")


def why_not_asked(why: Outcome, rules: SaleRules) -> str:
    """Why no buyer was asked; nothing was done."""
    language = language_spoken()
    largest, day = amount(rules.largest_rwf, language), amount(rules.day_rwf, language)
    return {
        "own": _("This is your own number. Type the buyer's."),
        "provider": _("We cannot ask this number: its network does not pay us yet."),
        "wallet": _("We cannot pay to your number for money: its network does not pay out for us."),
        "down": _("The buyer's mobile money does not work now. Nobody was asked. Try later."),
        "large": _("At most {amount} at once.").format(amount=largest),
        "day": _("At most {amount} and {n} requests in 24 hours. Nobody was asked.").format(
            amount=day, n=rules.day_max
        ),
        "open": _("Too many buyers have not answered yet. Nobody was asked. Wait for them."),
        "again": _("This buyer is asked already. Wait for the answer: we tell you."),
        "buyer": _("This number cannot be asked any more today. Nobody was asked."),
    }.get(why, _("Nobody was asked."))
