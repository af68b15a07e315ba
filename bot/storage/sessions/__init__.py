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


def gateway_of(key: str) -> str:
    """The gateway in a session's key."""
    return key.partition(":")[0]


class Visit(msgspec.Struct, frozen=True):
    """One hop inside a session: what was kept when it came in, and the fence under which it came.

    An empty `fence` keeps nothing: the store was out of reach, or another hop would not leave.
    """

    key: str
    packed: bytes | None
    fence: bytes = b""


class Sessions(Protocol):
    """Where live conversations are kept, each for the time to live given to the store.

    Nothing here raises: a store that cannot be reached has lost what it kept.
    """

    @property
    def is_shared(self) -> bool:
        """Whether other processes have the same sessions."""
        ...

    async def enter(self, key: str) -> Visit:
        """Wait until no other process is inside this session, and be the one inside."""
        ...

    async def leave(self, visit: Visit, packed: bytes | None) -> None:
        """Keep `packed` unless it is None, and let the next one in.

        Whoever overstayed keeps it too, unless another has come in meanwhile.
        """
        ...

    async def load(self, key: str) -> bytes | None:
        """The packed session kept under `key`, or None; for looking only."""
        ...

    async def dialled(self, msisdn: str, key: str, most: int) -> bool | None:
        """Whether this number may begin session `key`: it began fewer than `most` in a minute.

        Counted for all processes, and a session once. None where nobody else could count, or the
        store cannot be reached: then each process counts for itself.
        """
        ...

    async def began(self, msisdn: str, key: str) -> list[str]:
        """Remember that this number's last session at its gateway is `key`.

        Gives what was remembered till now, for each gateway at most one; `key` itself is not told.
        """
        ...

    async def hint(self, what: str, word: str, for_s: float) -> None:
        """Let every process hear `word` about `what` for so long, or until another; "" ends it."""
        ...

    async def hinted(self, what: str) -> str:
        """The word about `what` that still holds, or ""."""
        ...

    async def count(self) -> int:
        """How many sessions are kept now, about."""
        ...

    async def check(self) -> str:
        """What is wrong with the store and what to do, "" when nothing is."""
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...
