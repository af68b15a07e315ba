"""Where the Bot API answers, and who we are to it; apart, so that reading it loads no library."""

from __future__ import annotations

from dataclasses import dataclass

PRODUCTION = "https://api.telegram.org/bot"


@dataclass(frozen=True, slots=True)
class TelegramConfig:
    """Where the Bot API answers, who we are to it, and where it finds us."""

    base_url: str
    token: str
    webhook_url: str
    webhook_secret: str
    mode: str
    timeout_s: float = 10.0
    # A little under the thirty that Telegram allows: what leaves evenly may arrive in a bunch.
    overall_per_s: float = 28.0
    connections: int = 64
