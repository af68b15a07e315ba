"""What a button carries: a typed value, and a proof that we gave it for this screen to this person.

64 bytes at most, opaque and signed. Whoever changes a sign of it, or has it from somebody else, is
refused; one of an older screen is known as such.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

from bot.conversation import Session

DATA_MAX = 64
_STARTED, _HOPS, _PROOF = 6, 3, 12
_HEAD = _STARTED + _HOPS
# What the library's own function does, without two calls for each button.
_SAFE_IN_URLS = bytes.maketrans(b"+/", b"-_")
_TYPED_MAX = DATA_MAX * 3 // 4 - _HEAD - _PROOF


@dataclass(frozen=True, slots=True)
class Version:
    """Which screen of which conversation: both change with every answer."""

    started_ms: int
    hops: int


@dataclass(frozen=True, slots=True)
class Token:
    """What a button of ours says."""

    version: Version
    typed: str


def version_of(session: Session) -> Version:
    """The version of what this session shows now."""
    return Version(int(session.started_at * 1000), session.hops)


class Tokens:
    """Makes and reads tokens under a key of their own, derived from the server's secret."""

    def __init__(self, secret: str) -> None:
        if not secret:
            raise ValueError("tokens need a secret: set ISOKO_SECRET_KEY")
        key = blake2b(secret.encode(), person=b"telegram buttons").digest()[:32]
        # Copied for each proof: to begin with the key costs as much again as the proof itself.
        self._keyed = blake2b(digest_size=_PROOF, key=key)

    def make(self, version: Version, typed: str, user_id: int, chat_id: int) -> str:
        """The data of one button that stands for typing `typed`.

        Raises ValueError for a value of more than 27 bytes.
        """
        return self.maker(version, user_id, chat_id)(typed)

    def maker(self, version: Version, user_id: int, chat_id: int) -> Callable[[str], str]:
        """Makes the data of each button under one screen; what they share is reckoned once."""
        head = version.started_ms.to_bytes(_STARTED, "big")
        head += (version.hops & 0xFFFFFF).to_bytes(_HOPS, "big")
        proven = self._proof(head, user_id, chat_id)

        def make(typed: str) -> str:
            value = typed.encode()
            if len(value) > _TYPED_MAX:
                raise ValueError("the value is too long for a button")
            proof = proven.copy()
            proof.update(value)
            data = b2a_base64(head + value + proof.digest(), newline=False)
            return data.translate(_SAFE_IN_URLS).rstrip(b"=").decode()

        return make

    def read(self, data: str, user_id: int, chat_id: int) -> Token | None:
        """The token in `data`; None when it was not made by us for this person in this chat."""
        try:
            given = urlsafe_b64decode(data.encode("ascii") + b"=" * (-len(data) % 4))
        except ValueError:
            return None
        said, proof = given[:-_PROOF], given[-_PROOF:]
        if len(said) < _HEAD or not hmac.compare_digest(
            proof, self._proof(said, user_id, chat_id).digest()
        ):
            return None
        started, hops = said[:_STARTED], said[_STARTED:_HEAD]
        version = Version(int.from_bytes(started, "big"), int.from_bytes(hops, "big"))
        token = Token(version, said[_HEAD:].decode())
        # Signs that the decoder passes over would make a second spelling of one token.
        return token if self.make(version, token.typed, user_id, chat_id) == data else None

    def _proof(self, said: bytes, user_id: int, chat_id: int) -> blake2b:
        # A keyed BLAKE2b proves as much as an HMAC, in a quarter of its time.
        whose = user_id.to_bytes(8, "big", signed=True) + chat_id.to_bytes(8, "big", signed=True)
        proof = self._keyed.copy()
        proof.update(whose + said)
        return proof
