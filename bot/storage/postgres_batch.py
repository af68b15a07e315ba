"""A batch of work on one connection of PostgreSQL: each piece is run, and ends as it should."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.util import await_only

from bot.storage.postgres_errors import is_broken, is_down
from bot.storage.records import RecordsDown, Unsure

TOO_MUCH = "too much is asked of the records at once"
_WAIT_S = 2.0
_WIRE_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
Answer = tuple[Any, BaseException | None]


class Ask:
    """A piece of work, and whoever waits for its answer."""

    __slots__ = ("answer", "asked_at", "committing", "tries", "work", "writes")

    def __init__(self, work: Callable[[Connection], Any], *, writes: bool) -> None:
        loop = asyncio.get_running_loop()
        self.work, self.writes, self.tries = work, writes, 1
        self.answer: asyncio.Future[Any] = loop.create_future()
        self.asked_at = loop.time()
        self.committing = False

    def end(self, result: Any, error: BaseException | None) -> None:
        """Tell the answer, unless nobody waits for it any more."""
        if self.answer.done():
            return
        if error is None:
            self.answer.set_result(result)
        else:
            self.answer.set_exception(error)


class _NotBegun(RecordsDown):
    """The transaction did not even begin: to try it on another connection is safe."""


def run_all(db: Connection, batch: list[Ask], answers: list[Answer]) -> bool:
    """Run each piece, in order; false when the connection was lost after the answers so far."""
    driver: asyncpg.Connection = db.connection.driver_connection
    loop = asyncio.get_running_loop()
    for ask in batch:
        if ask.answer.done() or loop.time() - ask.asked_at > _WAIT_S * ask.tries:
            answers.append((None, RecordsDown(TOO_MUCH)))
            continue
        try:
            result = _in_transaction(db, driver, ask) if ask.writes else ask.work(db)
        except Exception as error:  # it is the asker's, who gets it raised
            lost = driver.is_closed() or db.invalidated or is_broken(error)
            harmless = not ask.writes or isinstance(error, _NotBegun)
            if lost and harmless and ask.tries == 1:
                # The server restarted since this connection was last used: another one is tried.
                ask.tries += 1
                return False
            answers.append((None, error))
            if lost:
                return False
        else:
            answers.append((result, None))
    return True


def _in_transaction(db: Connection, driver: asyncpg.Connection, ask: Ask) -> Any:
    try:
        await_only(driver.execute("BEGIN"))
    except _WIRE_ERRORS as error:
        raise _NotBegun(str(error)) from error
    try:
        result = ask.work(db)
    except BaseException:
        if not driver.is_closed():
            await_only(driver.execute("ROLLBACK"))
        raise
    ask.committing = True
    try:
        ended = await_only(driver.execute("COMMIT"))
    except _WIRE_ERRORS as error:
        if driver.is_closed() or is_down(error):
            raise Unsure(str(error)) from error
        raise
    # A transaction in which something failed unnoticed answers ROLLBACK to this.
    if ended != "COMMIT":
        raise RecordsDown("the records did not take the change")
    return result
