"""Every sentence that the server itself writes into a ticket, or gives as a payment's reason.

They are kept in English with their parts filled in, and are translated when staff read them: what
writes one takes its template from here, so that it is found again.
"""

from __future__ import annotations

from enum import StrEnum, unique

from bot.i18n import N_


@unique
class TicketSentence(StrEnum):
    """A whole text. `{finding}`, `{due}`, `{trouble}` and `{never}` are sentences themselves."""

    PIN_LOCKED = N_("Opened on the dashboard: the PIN is locked.")
    CALLED_OFF = N_("{source} cancelled it after farmers had accepted {packs} packs, which stand.")
    NOT_OFFERED = N_("It cannot be offered: {fault}")
    PROBLEM = N_("The hub reports a problem: {reason}")
    NOT_RECEIVED = N_(
        "The hub says: {stage}. Nobody noted that this part came to the collection point."
    )
    WALLET_GONE = N_(
        "Their number for money has a new owner: their own is taken. Ask where it is to go."
    )
    HAS_LEFT = N_("This person has left: their data is deleted, and nobody can call them. {due}")
    NEW_OWNER = N_("The number has a new owner, who has nothing to do with this. {due}")
    SWITCHED_OFF = N_("Webhooks to subscription {subscription} are disabled: {trouble}")
    STATEMENT = N_("statement: {finding}")
    TAKEN = N_("asked for the first time, but its reference is taken: {answer}")
    NOT_APPROVED = N_("not sent: it is not what was approved")
    ANOTHERS = N_("not sent: the number has another owner now")
    NO_NUMBER = N_("not sent: no number for money of who is to be paid is kept")
    PAYER_LEFT = N_("not sent: who was to pay has left")
    STOPPED = N_("stopped: {reason}")
    OTHER_ANSWER = N_("not this transaction's answer")
    NEVER_TOLD = N_("Airtel does not tell what became of a refund")
    NEVER_TOLD_SAID = N_("{never}; to the refund it said: {answer}")
    NOBODY_CARRIES = N_("nobody carries {kind}")
    NO_PROVIDER = N_("no provider {provider} for a {kind}")
    TRIED_OFTEN = N_("retry {fault}")
    NOT_WHOLE = N_("a payout is a positive whole number of francs")
    TOO_LARGE = N_("{amount} is over the largest payout, {most}")
    OTHER_CURRENCY = N_("{currency} is not the hub's currency, {hubs}")
    DAY_FULL = N_("{amount} in one day is over what one person may get, {most}")
    NOT_THEIRS = N_("this order is not this person's")
    NOTHING_OWED = N_("nothing is owed for this order now")
    ORDER_FULL = N_("{amount} is over what the order brings, {most}")


@unique
class PaymentDifference(StrEnum):
    """In what an operator's word differs from our payment: a whole text, or a `{finding}`."""

    TERMS = N_("the operator says {theirs}, ours is {ours}")
    PAYER = N_("the operator names another payer")
    PAYEE = N_("the operator names another payee")


@unique
class StatementFinding(StrEnum):
    """What else a statement came to: a `{finding}`."""

    TWICE = N_("its reference stands in the file twice")
    OTHER_PROVIDER = N_("we asked {provider} for it")
    MISSING_THERE = N_("we hold {amount} {currency} as paid, the statement does not have it")
    MISSING_HERE = N_("the operator says {status}, {amount} {currency}; we never asked for it")
    TRANSACTION = N_("the operator's transaction is {theirs}, ours {own}")


@unique
class DueSentence(StrEnum):
    """What is left of somebody whom nobody can call: a `{due}`."""

    VISIT = N_("Visit accepted: tell the guests")
    BILL = N_("bill {bill}: {amount} Rwf not paid")
    ORDER = N_("Order {stage}: {amount} Rwf")


@unique
class DeliveryTrouble(StrEnum):
    """Why nothing is delivered to a receiver of webhooks: a `{trouble}`."""

    ANSWERED = N_("answered {status}")
    GONE = N_("it answered 410: gone")
    FAILING = N_("failing since {moment}: {trouble}")
    BY_HAND = N_("by hand")
    BY = N_("by {name}")
    NO_RECEIVER = N_("no such receiver")
    TOO_LONG = N_("it is longer than {most} characters")
    OTHER_SIGNS = N_("it holds blanks, line ends or other signs that no URL has")
    UNREADABLE = N_("it cannot be read as a URL")
    NOT_HTTPS = N_("only https is called")
    PASSWORD = N_("it holds a name or a password")
    NO_HOST = N_("it names no host, or a place within a page")
    OTHER_PORT = N_("only the ports {first} and {second} are called")
    HIDDEN_HOST = N_("its host is a number in a form that hides an address")
    INSIDE = N_("{host} is not on the internet")
