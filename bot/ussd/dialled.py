"""What gateways share that send the latest entry only: what was dialled, and after which code.

Source: the project's wire facts, sections 1.2, 1.3 and 1.5.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from bot.conversation import Kind
from bot.msisdn import read_msisdn
from bot.ussd.gateway import BadRequest

_SESSION_ID_MAX = 128
# Codes have three digits and more; a choice on a menu has one or two.
_CODE_DIGITS_MIN = 3


class Entry(NamedTuple):
    """What a hop says, in the words of `Inbound`; `code` is the one dialled, "" if none is told."""

    kind: Kind
    typed: str
    tail: str
    code: str


def read_entry(text: str, flag: str | None, codes: Iterable[str]) -> Entry:
    """The hop in `text`; `flag` says whether it is the first, None where the wire does not tell.

    The first holds what was dialled, with or without its first `*` and its `#`: a code, and what a
    long code adds, which is as good as pressed. Raises `BadRequest` for another flag.
    """
    if flag not in {None, "0", "1"}:
        raise BadRequest("the mark of a new session is neither 0 nor 1")
    if flag == "0":
        return Entry("input", text, "", "")
    code, tail = _parted(text, codes)
    if flag is None:
        return Entry("input", text, tail if code else "", "")
    return Entry("dial", tail, "", f"*{code}#" if code else "")


def _parted(dialled: str, codes: Iterable[str]) -> tuple[str, str]:
    """The code and what comes after it. `codes`, those known, may have several parts."""
    plain = dialled.strip().lstrip("*").rstrip("#")
    for code in codes:
        if code and (plain == code or plain.startswith(f"{code}*")):
            return code, plain[len(code) + 1 :]
    head, _, tail = plain.partition("*")
    if len(head) >= _CODE_DIGITS_MIN and head.isascii() and head.isdecimal():
        return head, tail
    return "", plain


def session_of(text: str) -> str:
    """The gateway's session id. Raises `BadRequest` when `text` is none."""
    if not text or len(text) > _SESSION_ID_MAX or not text.isprintable():
        raise BadRequest("the session's id is missing or not an id")
    return text


def number_of(text: str, country: str) -> str:
    """The caller's number in E.164. Raises `BadRequest` when `text` is none of `country`."""
    number = read_msisdn(text, country)
    if number is None:
        raise BadRequest("the caller's number is missing or not a mobile number")
    return number
