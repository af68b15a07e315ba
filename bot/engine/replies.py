"""The replies a session has given, as one run of bytes: they ride along on every hop unread."""

from __future__ import annotations

from bot.conversation import Reply

_MARK, _SIZE = 16, 3
_HEAD = _MARK + _SIZE
_ENDS = 1 << 23
# Some fifty screens; a gateway sends a hop again within seconds, not fifty screens later.
_BYTES_MAX = 12_000


def find(kept: bytes, mark: bytes) -> Reply | None:
    """The reply given to the hop with this mark, or None."""
    if mark not in kept:
        return None
    start = 0
    while start < len(kept):
        size, ends = _head(kept, start)
        text = start + _HEAD
        if kept.startswith(mark, start):
            return Reply(kept[text : text + size].decode(), ends)
        start = text + size
    return None


def added(kept: bytes, mark: bytes, reply: Reply) -> bytes:
    """`kept` with one reply more; the oldest go when there are too many.

    A hop has one reply, the last one given: a replay passes several screens under the same mark.
    """
    if mark in kept:
        kept = _without(kept, mark)
    text = reply.text.encode()
    head = len(text) | (_ENDS if reply.ends else 0)
    kept += mark + head.to_bytes(_SIZE, "big") + text
    while len(kept) > _BYTES_MAX:
        size, _ends = _head(kept, 0)
        kept = kept[_HEAD + size :]
    return kept


def _without(kept: bytes, mark: bytes) -> bytes:
    left, start = b"", 0
    while start < len(kept):
        size, _ends = _head(kept, start)
        end = start + _HEAD + size
        if not kept.startswith(mark, start):
            left += kept[start:end]
        start = end
    return left


def _head(kept: bytes, start: int) -> tuple[int, bool]:
    head = int.from_bytes(kept[start + _MARK : start + _HEAD], "big")
    return head & (_ENDS - 1), bool(head & _ENDS)
