"""The flood limits of the pretended Telegram: a message a second in a chat, thirty overall."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass, field

from bot.sandbox.telegram_bodies import Refused


@dataclass(slots=True)
class Flood:
    """Counts what was taken in the last `period_s`; more is a 429 that says when to come again."""

    chat_max: int = 1
    overall_max: int = 30
    period_s: float = 1.0
    refused: int = 0
    _overall: deque[float] = field(default_factory=deque)
    _chats: dict[int, deque[float]] = field(default_factory=dict)

    def take(self, chat_id: int) -> None:
        """Count one message. Raises `Refused`, and then it is not counted."""
        now = time.monotonic()
        chat = self._chats.setdefault(chat_id, deque())
        for taken, most in ((chat, self.chat_max), (self._overall, self.overall_max)):
            while taken and taken[0] <= now - self.period_s:
                taken.popleft()
            if len(taken) >= most:
                self.refused += 1
                wait_s = max(1, math.ceil(taken[0] + self.period_s - now))
                words = f"Too Many Requests: retry after {wait_s}"
                raise Refused(429, words, retry_after=wait_s)
        chat.append(now)
        self._overall.append(now)
