"""What an error from PostgreSQL means: is the server the cause, does it ask to be asked again."""

from __future__ import annotations

import asyncpg
from sqlalchemy.exc import DBAPIError, OperationalError

# PostgreSQL asks for these to be tried again: serialization_failure and deadlock_detected.
_TRY_AGAIN = {"40001", "40P01"}
# By class: no connection, out of connections or memory, stopped by somebody (also the statement
# timeout, 57014), system trouble; and the lock timeout.
_DOWN = ("08", "53", "57", "58", "55P03")


def asks_again(error: BaseException | None) -> bool:
    """Whether the server asks for the same work to be tried again."""
    return _sqlstate(error) in _TRY_AGAIN


def is_down(error: Exception) -> bool:
    """Whether the server, not the work, is the cause. Asyncpg's own errors come through raw."""
    if isinstance(error, OSError | TimeoutError | OperationalError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    # The one error without a code: asyncpg's for a connection that is gone already.
    if is_broken(error):
        return True
    gone = isinstance(_driver_error(error), asyncpg.InterfaceError) and "closed" in str(error)
    return gone or _sqlstate(error).startswith(_DOWN)


def is_too_long(error: Exception) -> bool:
    """Whether a statement was cut off at our own limit for it."""
    return _sqlstate(error) == "57014"


def is_broken(error: Exception) -> bool:
    """Whether the driver has lost its place in a conversation with the server that was cut."""
    return isinstance(_driver_error(error), asyncpg.InternalClientError)


def is_full(error: Exception) -> bool:
    """Whether the server lives but takes no more connections."""
    return _sqlstate(error).startswith("53") or _sqlstate(_driver_error(error)).startswith("53")


def _driver_error(error: Exception) -> BaseException:
    """What asyncpg raised, under what SQLAlchemy made of it."""
    adapted = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return adapted.__cause__ or adapted


def _sqlstate(error: BaseException | None) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlstate", None) or ""


def why(error: Exception) -> str:
    """The error in a few words."""
    return str(error.orig if isinstance(error, DBAPIError) else error) or type(error).__name__
