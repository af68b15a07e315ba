"""When what came instead of an operator's own answer says that it is out of order."""

from __future__ import annotations

import aiohttp

from bot.payments.provider import Answer, Outcome

# A 400 may be our own mistake, and a 404 one missing thing; the rest stands for all payments.
_OF_ONE_MESSAGE = (400, 404)
_TURNED_AWAY = 503


def is_down(http_status: int) -> bool:
    """Whether such an answer means that nothing gets through: 5xx, a page with 200, no access."""
    return http_status not in _OF_ONE_MESSAGE


def turned_away(http_status: int) -> bool:
    """Whether such an answer means that this message was not even looked at."""
    return http_status == _TURNED_AWAY


class NothingSent(Exception):
    """What is needed before a message can leave, a token or a key, was not to be had."""


def no_answer(error: Exception) -> Answer:
    """What is known when the call itself failed: whether anything had left."""
    nothing_left = isinstance(error, NothingSent | aiohttp.ClientConnectorError)
    reason = type(error).__name__
    return Answer(Outcome.UNKNOWN, reason=reason, down=True, turned_away=nothing_left)
