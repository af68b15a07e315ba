"""What a button carries: a typed value, and a proof that we gave it for this screen to this person.

64 bytes at most, opaque and signed. Whoever changes a sign of it, or has it from somebody else, is
refused; one of an older screen is known as such.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from bot.conversation import Session

DATA_MAX = 64
_STARTED, _HOPS, _PROOF = 6, 3, 12
_HEAD = _STARTED + _HOPS
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
        self._key = hmac.digest(secret.encode(), b"buttons on telegram", "sha256")

    def make(self, version: Version, typed: str, user_id: int, chat_id: int) -> str:
        """The data of a button that stands for typing `typed`.

        Raises ValueError for a value of more than 27 bytes.
        """
        value = typed.encode()
        if len(value) > _TYPED_MAX:
            raise ValueError("the value is too long for a button")
        said = version.started_ms.to_bytes(_STARTED, "big")
        said += (version.hops & 0xFFFFFF).to_bytes(_HOPS, "big") + value
        proof = self._proof(said, user_id, chat_id)
        return urlsafe_b64encode(said + proof).rstrip(b"=").decode()

    def read(self, data: str, user_id: int, chat_id: int) -> Token | None:
        """The token in `data`; None when it was not made by us for this person in this chat."""
        try:
            given = urlsafe_b64decode(data.encode("ascii") + b"=" * (-len(data) % 4))
        except ValueError:
            return None
        said, proof = given[:-_PROOF], given[-_PROOF:]
        if len(said) < _HEAD or not hmac.compare_digest(proof, self._proof(said, user_id, chat_id)):
            return None
        started, hops = said[:_STARTED], said[_STARTED:_HEAD]
        version = Version(int.from_bytes(started, "big"), int.from_bytes(hops, "big"))
        token = Token(version, said[_HEAD:].decode())
        # Signs that the decoder passes over would make a second spelling of one token.
        return token if self.make(version, token.typed, user_id, chat_id) == data else None

    def _proof(self, said: bytes, user_id: int, chat_id: int) -> bytes:
        whose = user_id.to_bytes(8, "big", signed=True) + chat_id.to_bytes(8, "big", signed=True)
        return hmac.digest(self._key, whose + said, "sha256")[:_PROOF]
