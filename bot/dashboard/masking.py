"""Numbers are masked here, on the server, in whatever text a page shows."""

from __future__ import annotations

import re

from bot.msisdn import masked

# A Rwandan mobile number in any form that people write, also with blanks in it.
_NUMBER = re.compile(r"(?<![0-9])(\+?250[ -]?|0)?7[2389][0-9](?:[ -]?[0-9]){6}(?![0-9])")
_LONGEST = 4000


def without_numbers(text: str, ours: str = "") -> str:
    """The text with every mobile number masked, `ours` (the help line) apart; never too long."""

    def mask(found: re.Match[str]) -> str:
        whole = "+250" + re.sub(r"[^0-9]", "", found[0])[-9:]
        return found[0] if whole == ours else masked(whole)

    return _NUMBER.sub(mask, text[:_LONGEST])
