"""Numbers are masked here, in whatever text a page shows or a closed ticket keeps."""

from __future__ import annotations

import re

from bot.msisdn import masked

# A Rwandan mobile number in any form that people write: what they put between digits is skipped,
# and the country's 250 may follow + or 00, and be followed by a 0 in brackets.
_BETWEEN = r"[ \t\u00a0\u202f.\-\u2010-\u2015/()]*"
_NUMBER = re.compile(
    rf"(?<![0-9])(?:(?:(?:\+|0{_BETWEEN}0){_BETWEEN})?2{_BETWEEN}5{_BETWEEN}0{_BETWEEN})?(?:0{_BETWEEN})?"
    rf"7{_BETWEEN}[2389](?:{_BETWEEN}[0-9]){{7}}(?![0-9])"
)
_LONGEST = 4000


def without_numbers(text: str, ours: str = "") -> str:
    """The text with every mobile number masked, `ours` (the help line) apart; never too long."""

    def mask(found: re.Match[str]) -> str:
        whole = "+250" + re.sub(r"[^0-9]", "", found[0])[-9:]
        return found[0] if whole == ours else masked(whole)

    return _NUMBER.sub(mask, text[:_LONGEST])
