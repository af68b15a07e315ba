"""Moments that a clock wrote which has been set back since: what waits for them waits no longer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement

# So far the clocks of two processes may be apart.
CLOCKS_APART = timedelta(seconds=60)
_NONE = timedelta()


def is_ahead(
    moment: ColumnElement[Any], now: datetime, longest: timedelta = _NONE
) -> ColumnElement[bool]:
    """Whether a moment is further ahead than the `longest` wait, so that no clock of today set it.

    Of one that says when something was done there is no wait.
    """
    return moment > now + longest + CLOCKS_APART


def has_come(moment: ColumnElement[Any], now: datetime, longest: timedelta) -> ColumnElement[bool]:
    """Whether a moment that is never set further ahead than `longest` has come, or never would."""
    return (moment <= now) | is_ahead(moment, now, longest)
