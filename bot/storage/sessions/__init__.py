"""The contract of live conversations: they may vanish, and nothing is lost with them."""

from __future__ import annotations

from typing import Protocol

import msgspec

from bot.conversation import Session

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Session)


def pack(session: Session) -> bytes:
    """A session as compact bytes."""
    return _encoder.encode(session)


def unpack(data: bytes) -> Session:
    """The session packed in `data`. Raises msgspec.ValidationError when it is not one."""
    return _decoder.decode(data)


def unpack_kept(data: bytes | None) -> Session | None:
    """The session in what a store gave; one it does not have, or of another version, is None."""
    if data is None:
        return None
    try:
        return _decoder.decode(data)
    except msgspec.MsgspecError:
        return None


class Sessions(Protocol):
    """Where live conversations are kept, each for the time to live given to the store.

    Nothing here raises: a store that cannot be reached has lost what it kept.
    """

    async def load(self, key: str) -> bytes | None:
        """The packed session kept under `key`, or None."""
        ...

    async def save(self, key: str, packed: bytes) -> None:
        """Keep a packed session under its key, and start its time to live anew."""
        ...

    async def last_of(self, msisdn: str) -> str | None:
        """The key of the last session that this number began, or None."""
        ...

    async def began(self, msisdn: str, key: str) -> None:
        """Remember that this number's last session is `key`."""
        ...

    async def count(self) -> int:
        """How many sessions are kept now, about."""
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...
