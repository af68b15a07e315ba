"""The GSM 03.38 alphabet: what a feature phone can show, counted in septets.

Source: 3GPP TS 23.038, default alphabet and its extension table.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "\f^{}\\[~]|€"
_KNOWN = frozenset(BASIC + EXTENSION)
_DOUBLE = frozenset(EXTENSION)
# Signs with a usual plain form that taking accents off would not find.
_PLAIN = {
    "œ": "oe",
    "Œ": "OE",
    "«": '"',
    "»": '"',
    "’": "'",
    "‘": "'",
    "ʼ": "'",
    "`": "'",
    "´": "'",
    "“": '"',
    "”": '"',
    "–": "-",
    "—": "-",
    "−": "-",
    "…": "...",
    "°": "o",
    "•": "-",
    "\t": " ",
    "ŋ": "n",
    "Ŋ": "N",
    "ç": "c",
    "ł": "l",
    "đ": "d",
    "ı": "i",
}


@lru_cache(4096)
def fold(text: str) -> str:
    """`text` in GSM 03.38 only: accents the alphabet lacks are taken off, the unseen is dropped.

    A visible sign without a plain form becomes "?".
    """
    if text.isascii() and text.isprintable() and "`" not in text:
        return text
    return "".join(map(_fold_one, text))


@lru_cache(4096)
def septets(text: str) -> int:
    """How many septets `text` takes; a sign of the extension table takes two."""
    return len(text) + sum(sign in _DOUBLE for sign in text)


@lru_cache(2048)
def _fold_one(sign: str) -> str:
    if sign in _KNOWN and sign not in "\r\f":
        return sign
    if sign in _PLAIN:
        return _PLAIN[sign]
    category = unicodedata.category(sign)
    if category == "Zs":
        return " "
    if category[0] in "CM" or sign in "\r\f":
        return ""
    plain = "".join(part for part in unicodedata.normalize("NFKD", sign) if part in _KNOWN)
    return plain or "?"
