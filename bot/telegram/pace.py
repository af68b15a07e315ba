"""When a chat may have its next message, and when nobody may have one."""

from __future__ import annotations

import time
from collections.abc import Callable

# So many chats refused at the same time mean that the bot as a whole is too fast.
_CHATS_OF_A_FLOOD = 3
_FAILURES, _PAUSE_MAX_S = 3, 30.0
_KEPT = 10_000


class Pace:
    """A message a second in a chat; pauses after floods and while Telegram does not answer."""

    def __init__(self, every_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_s, self._clock = every_s, clock
        self._ready_at: dict[int, float] = {}
        self._floods: dict[int, float] = {}
        self._failures = 0
        self._all_wait_until = self._flood_until = 0.0

    @property
    def in_trouble(self) -> bool:
        """Whether to try with one message before all the others."""
        return self._failures >= _FAILURES

    def wait_s(self, chat_id: int) -> float:
        """How long until this chat may have its next message."""
        return max(0.0, self._ready_at.get(chat_id, 0.0) - self._clock())

    def pause_s(self) -> float:
        """How long until anybody may have one."""
        return max(0.0, self._all_wait_until - self._clock())

    def flood_s(self) -> float:
        """How long until Telegram itself lets anybody have one, from whatever process."""
        return max(0.0, self._flood_until - self._clock())

    def sent(self, chat_id: int, *, counts: bool = True) -> None:
        """The chat had one, and it was answered; `counts` when it was a message."""
        self._failures = 0
        if counts:
            if len(self._ready_at) > _KEPT:
                now = self._clock()
                self._ready_at = {chat: at for chat, at in self._ready_at.items() if at > now}
            self._ready_at[chat_id] = self._clock() + self._every_s

    def flooded(self, chat_id: int, wait_s: float) -> None:
        """The chat is to wait; with several at once, all are."""
        now = self._clock()
        self._floods = {chat: until for chat, until in self._floods.items() if until > now}
        self._floods[chat_id] = self._ready_at[chat_id] = now + wait_s
        if len(self._floods) >= _CHATS_OF_A_FLOOD:
            self._all_wait_until = max(self._all_wait_until, now + wait_s)
            self._flood_until = max(self._flood_until, now + wait_s)

    def failed(self) -> None:
        """Nobody answered; when that goes on, all wait, longer each time."""
        self._failures += 1
        if self.in_trouble:
            wait_s = min(_PAUSE_MAX_S, 2.0 ** (self._failures - _FAILURES))
            self._all_wait_until = max(self._all_wait_until, self._clock() + wait_s)

    def pause(self, wait_s: float) -> None:
        """All are to wait."""
        self._all_wait_until = max(self._all_wait_until, self._clock() + wait_s)
