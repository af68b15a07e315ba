"""Short proof codes for payments, with a check sign, so that one misread letter is noticed."""

from __future__ import annotations

import secrets

# 29 signs, a prime: with a weighted sum every single slip and every swap of neighbours shows.
SIGNS = "23456789ABCDEFGHJKLMNPQRTUVWY"
_BODY = 7


def new_proof() -> str:
    """A new code of eight signs, the last one the check."""
    body = "".join(secrets.choice(SIGNS) for _place in range(_BODY))
    return body + _check(body)


def is_valid(code: str) -> bool:
    """Whether `code` may be one of ours: eight signs whose check is right. Case is forgiven."""
    code = tidy(code)
    if len(code) != _BODY + 1 or any(sign not in SIGNS for sign in code):
        return False
    return _check(code[:-1]) == code[-1]


def tidy(code: str) -> str:
    """A typed code as it is kept: in capitals, without blanks and dashes."""
    return code.strip().upper().replace("-", "").replace(" ", "")


def _check(body: str) -> str:
    total = sum(place * SIGNS.index(sign) for place, sign in enumerate(body, 2))
    return SIGNS[total % len(SIGNS)]
