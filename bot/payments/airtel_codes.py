"""What Airtel Money's codes and states mean; one that no page explains is never a failure.

Source: Airtel's developer pages, as collected in the project's wire facts, section 4.7.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Any, Final

from bot.i18n.ticket_sentences import TicketSentence
from bot.payments.out_of_order import is_down, turned_away
from bot.payments.provider import Answer, Outcome, Term


class _Means(Enum):
    DONE = auto()
    GOING = auto()
    REFUSED = auto()
    # Known not to tell: a look-up decides.
    ASK = auto()
    NOT_THERE = auto()
    # Our own signature is wrong: nothing was done, and staff must mend it.
    OURS = auto()


_COLLECTION, _DISBURSEMENT = "DP008000010", "DP009000010"
_LAST_DIGITS: Final = {
    _COLLECTION: {
        _Means.DONE: ("01",),
        _Means.GOING: ("06",),
        _Means.REFUSED: ("02", "03", "04", "05", "07", "08", "09", "10", "29"),
        _Means.ASK: ("00", "24"),
        _Means.NOT_THERE: ("25",),
        _Means.OURS: ("26",),
    },
    _DISBURSEMENT: {
        _Means.DONE: ("01",),
        _Means.GOING: ("06",),
        _Means.REFUSED: ("03", "04", "05", "07", "09", "10", "12", "13"),
        # 11 is "a similar one exists" and 17 "this id was used": it may well be this very payment.
        _Means.ASK: ("00", "11", "14", "17"),
        _Means.NOT_THERE: ("15",),
        _Means.OURS: ("16",),
    },
}
_MEANS: Final = {
    family + digits: means
    for family, table in _LAST_DIGITS.items()
    for means, endings in table.items()
    for digits in endings
}
# The older family stands in where an answer has no code of the newer one.
_MEANS_OLD: Final = {"ESB000010": _Means.DONE, "ESB000041": _Means.ASK}
# "Duplicate id" of a payout, and the older code that says it of both.
_TAKEN = (f"{_DISBURSEMENT}17", "ESB000041")
_GOING_STATES = ("TIP", "TI")
_PAID = re.compile(r"Paid ([A-Z]{3}) ([0-9]{1,12})\b")


def read_asked(http_status: int, data: Any, our_id: str) -> Answer:
    """What the answer to asking tells: accepted, refused, or unknown. Never "paid"."""
    code, success, transaction = _parts(data)
    means = _meaning(code)
    if _is_other(transaction, our_id):
        return _strange(str(TicketSentence.OTHER_ANSWER))
    if means in (_Means.DONE, _Means.GOING) and success and http_status < 300:
        if text_of(transaction.get("status")) in ("TF", "FAILED"):
            return _strange(code)
        return Answer(Outcome.ACCEPTED, provider_txn_id=_txn_id(transaction))
    if means is _Means.REFUSED and not success:
        return Answer(Outcome.REFUSED, reason=code)
    if means in (_Means.ASK, _Means.NOT_THERE):
        return Answer(Outcome.UNKNOWN, reason=code, taken=code in _TAKEN)
    return _strange(code) if code else _nobody(http_status)


def read_enquiry(http_status: int, data: Any, our_id: str, *, can_expire: bool) -> Answer:
    """What became of a transaction: its state and its code must say the same.

    `can_expire`: a prompt that nobody answered expires, and is then over; for a payout no page
    says what expiry means.
    """
    code, success, transaction = _parts(data)
    means, state = _meaning(code), text_of(transaction.get("status")).upper()
    # An end that names no id is nobody's.
    is_over = state not in (*_GOING_STATES, "TA", "")
    if _is_other(transaction, our_id) or (is_over and not transaction.get("id")):
        return _strange(str(TicketSentence.OTHER_ANSWER))
    if means is _Means.NOT_THERE and not state:
        return Answer(Outcome.NOT_THERE, reason=code)
    if state == "TS" and means is _Means.DONE and success:
        return _told(Outcome.SUCCEEDED, "", transaction)
    failed = state == "TF" or (state == "TE" and can_expire)
    # The older code says only that the enquiry went well; then the state alone speaks.
    if failed and (means is _Means.REFUSED or code == "ESB000010"):
        words = text_of(transaction.get("message"))
        return _told(Outcome.REFUSED, code if means is _Means.REFUSED else words, transaction)
    if state in _GOING_STATES or (not state and means is _Means.GOING):
        return Answer(Outcome.PENDING, reason=code)
    if state == "TA" or (not state and means is _Means.ASK):
        return Answer(Outcome.UNKNOWN, reason=code or state)
    if code or state:
        return _strange(f"{state} {code}".strip())
    return _nobody(http_status)


def is_our_fault(data: Any) -> bool:
    """Whether Airtel could not read our signature, so that nothing was done."""
    return _meaning(_parts(data)[0]) is _Means.OURS


def text_of(value: Any) -> str:
    """A value of an answer as text of at most 80 signs; None is empty."""
    return "" if value is None else str(value)[:80]


def _parts(data: Any) -> tuple[str, bool, dict[str, Any]]:
    """The code ("" for none), whether it says success, and the transaction ({} for none)."""
    data = data if isinstance(data, dict) else {}
    status, inner = data.get("status"), data.get("data")
    status = status if isinstance(status, dict) else {}
    transaction = inner.get("transaction") if isinstance(inner, dict) else None
    code = text_of(status.get("response_code")) or text_of(status.get("result_code"))
    return (
        code,
        status.get("success") is True,
        transaction if isinstance(transaction, dict) else {},
    )


def _meaning(code: str) -> _Means | None:
    return _MEANS.get(code) or _MEANS_OLD.get(code)


def _is_other(transaction: dict[str, Any], our_id: str) -> bool:
    named = text_of(transaction.get("id"))
    return bool(named) and named != our_id


def _nobody(http_status: int) -> Answer:
    """An answer without any of Airtel's codes may come from something in between."""
    down = is_down(http_status)
    away = turned_away(http_status)
    return Answer(Outcome.UNKNOWN, reason=f"HTTP {http_status}", down=down, turned_away=away)


def _strange(why: str) -> Answer:
    return Answer(Outcome.UNKNOWN, reason=why, strange=True)


def _told(outcome: Outcome, reason: str, transaction: dict[str, Any]) -> Answer:
    """The outcome with the terms Airtel names; the documented answer names them in words only."""
    paid = _PAID.search(text_of(transaction.get("message")))
    found: dict[str, Any] = {"currency": paid[1], "amount": paid[2]} if paid else {}
    found |= {name: transaction[name] for name in ("amount", "currency") if name in transaction}
    msisdn = text_of(transaction.get("msisdn"))
    there: dict[Term, bool] = {
        "amount_rwf": "amount" in found,
        "currency": "currency" in found,
        "payee_msisdn": bool(msisdn),
    }
    return Answer(
        outcome,
        reason=reason,
        amount_rwf=_whole(found.get("amount")),
        currency=text_of(found.get("currency")),
        payee_msisdn=f"+250{msisdn}" if msisdn else "",
        provider_txn_id=_txn_id(transaction),
        untold=frozenset(term for term, is_there in there.items() if not is_there),
    )


def _txn_id(transaction: dict[str, Any]) -> str:
    return text_of(transaction.get("airtel_money_id"))[:64]


def _whole(amount: Any) -> int | None:
    match = re.fullmatch(r"([0-9]{1,12})(?:\.0+)?", str(amount))
    return int(match.group(1)) if match else None
