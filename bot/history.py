"""What is new in a typed history, told by keyed digests so that no PIN need be kept to compare."""

from __future__ import annotations

from hashlib import blake2b

_SIZE = 16


class Marks:
    """Digests of hops under one secret: the same hop has the same mark on every process."""

    def __init__(self, secret: str) -> None:
        if not secret:
            raise ValueError("marks need a secret: set ISOKO_SECRET_KEY")
        key = blake2b(secret.encode()).digest()[:32]
        # Copied for each mark: to begin with the key costs as much again as the mark itself.
        self._keyed = blake2b(digest_size=_SIZE, key=key)

    def of(self, session_key: str, hop: str) -> bytes:
        """The mark of a hop: `hop` is its typed history, or its own number or id."""
        mark = self._keyed.copy()
        mark.update(f"{session_key}\n{hop}".encode("utf-8", "surrogatepass"))
        return mark.digest()

    def new_in(self, session_key: str, history: str, known_size: int, known: bytes) -> str | None:
        """What `history` adds to the history known so far; None when it does not extend it.

        An entry that itself holds `*` comes back whole: it is one input, and skips nothing.
        """
        head, rest = history[:known_size], history[known_size:]
        if not known_size:
            return history
        if not rest.startswith("*") or self.of(session_key, head) != known:
            return None
        return rest[1:]
