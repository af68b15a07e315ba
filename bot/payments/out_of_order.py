"""When an HTTP answer without any of the operator's own codes says that it is out of order."""

from __future__ import annotations

# A 400 may be our own mistake, and a 404 one missing thing; the rest stands for all payments.
_OF_ONE_MESSAGE = (400, 404)


def is_down(http_status: int) -> bool:
    """Whether such an answer means that nothing gets through: 5xx, a page with 200, no access."""
    return http_status not in _OF_ONE_MESSAGE
