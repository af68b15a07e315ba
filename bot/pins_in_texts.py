"""What looks like a PIN is cut out of what people write freely, before anything is stored."""

from __future__ import annotations

import re

CUT = "•••••"
_DIGITS_5 = r"[0-9](?:[ .\-]?[0-9]){4}"
_DIGITS_4_6 = r"[0-9](?:[ .\-]?[0-9]){3,5}"
_WORD = (
    # A pineapple is none; pin73914, a pincode and what else begins so is.
    r"(?:\bpins?(?!eapples?\b|ks?\b|es?\b|ts?\b)|\bumubare w['\u2019]? ?ibanga"
    r"|\bcodes? (?:secrets?|pin)|\bsecret codes?|\bmot de passe|\bpassword)"
)
_LINK = r"(?:[ :=#.,\-]|\b(?:is|ni|est|was|my|wanjye|yanjye)\b){0,8}"
_FREE = r"(?<!\w)(?<![A-Za-z][\-/])"
_PATTERN = re.compile(
    # Right after a word for it; some words later; or standing alone.
    rf"(?P<named>{_WORD}{_LINK})(?<![0-9]){_DIGITS_4_6}(?![0-9])"
    rf"|(?P<near>{_WORD}\W{{1,3}}(?:[^\W\d]+\W{{1,3}}){{0,4}}){_FREE}{_DIGITS_5}(?![0-9])"
    rf"|(?P<alone>{_FREE})(?:[0-9]{{5}}|[0-9](?:[ .\-][0-9]){{4}})(?!\w|[ .,\-][0-9])",
    re.IGNORECASE,
)
_MONEY_AFTER = re.compile(r"\s?(?:frw|rwf|fr\b|francs?\b|amafaranga|kg\b|ibiro)", re.IGNORECASE)
_MONEY_BEFORE = re.compile(r"(?:frw|rwf|amafaranga|francs?)\s?\Z", re.IGNORECASE)


def asks_for_pin(text: str) -> bool:
    """Whether the text speaks of a PIN or a password."""
    return re.search(_WORD, text, re.IGNORECASE) is not None


def may_be_about_a_pin(text: str) -> bool:
    """Whether staff must not send this: it asks for a PIN, or may tell one."""
    return asks_for_pin(text) or CUT in without_pins(text)


def without_pins(text: str) -> str:
    """The text with `•••••` in place of what may be a PIN.

    Cut are: four to six digits right after a word for it (PIN, umubare w'ibanga, code secret,
    mot de passe), five within a few words of it, and five that stand alone, together or apart. What
    has its unit (24000 Frw, 12500 kg) and no such word before it stays, and so do order codes such
    as KW-1042, longer numbers such as 240000, and numbers in groups of three.
    """

    def cut(found: re.Match[str]) -> str:
        before = found["named"] or found["near"] or ""
        if not before and _is_amount(text, found):
            return found[0]
        return before + CUT

    return _PATTERN.sub(cut, text)


def _is_amount(text: str, found: re.Match[str]) -> bool:
    start = max(0, found.start() - 12)
    return bool(
        _MONEY_AFTER.match(text, found.end()) or _MONEY_BEFORE.search(text[start : found.start()])
    )
