"""Codes of six digits that are shown in one place and typed in another: only digests are kept."""

from __future__ import annotations

import secrets
from hashlib import blake2b

CODE_DIGITS = 6
_SIZE = 16


class LinkCodes:
    """Makes codes and their digests under the server's secret: whoever reads the table knows none.

    A million codes are soon tried against a digest, so that it is keyed; against the phone, which
    counts mistakes, they are not.
    """

    def __init__(self, secret: str) -> None:
        if not secret:
            raise ValueError("codes need a secret: set ISOKO_SECRET_KEY")
        self._key = blake2b(secret.encode(), digest_size=32, person=b"link codes").digest()

    def new(self) -> str:
        """A new code, such as "042917"."""
        return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"

    def digest(self, user_id: int, msisdn: str, code: str) -> bytes:
        """What is kept of a code for this account and this number."""
        text = f"{user_id} {msisdn} {code}".encode()
        return blake2b(text, digest_size=_SIZE, key=self._key).digest()


def looks_like_code(typed: str) -> bool:
    """Whether this has the form of a code: six ASCII digits."""
    return len(typed) == CODE_DIGITS and typed.isascii() and typed.isdecimal()
