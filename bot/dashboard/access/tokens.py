"""Random tokens for cookies and links; only their digests are stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets


def new_token() -> str:
    """A token of 256 random bits, safe in a URL and a cookie."""
    return secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """What is stored of a token: whoever reads the database cannot use it."""
    return hashlib.sha256(_bytes(token)).hexdigest()


def csrf_of(token: str) -> str:
    """The form token of a session: it follows from the cookie, which no other site can read."""
    return hmac.digest(_bytes(token), b"form", "sha256").hex()[:32]


def _bytes(token: str) -> bytes:
    # A cookie may hold any byte; those that are no text come in as half signs.
    return token.encode("utf-8", "surrogatepass")
