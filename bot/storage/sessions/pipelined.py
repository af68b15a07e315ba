"""One connection to Redis or Valkey that sends together what many hops ask in a turn of the loop.

The plain client sends each command by itself, through a pool and under a timeout of its own: 45 us
of CPU a command, or 15 in a pipeline. Here a batch has one write, one timeout, and mostly one wait.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import hiredis
import structlog
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import InvalidResponse, ReadOnlyError, RedisError, ResponseError

log = structlog.get_logger(__name__)

Part = str | bytes | int
Command = tuple[Part, ...]
_Asked = tuple[Command, "asyncio.Future[Any]"]

# Its annotations name a tuple of one; it takes any number.
_pack: Callable[[Any], bytes] = hiredis.pack_command
_READ_MAX = 65_536
_NOT_YET = object()
_BATCH_MAX = 512
# More than a worker's hops can ask at once; past that the server is not as quick as its callers.
_ASKED_MAX = 10_000
# After a failure nothing is tried for so long: a caller does not wait for what is known to be gone.
_REST_S = 1.0


class Unreachable(Exception):
    """The server gave no answer: whether the command was done is not known."""


class Pipelined:
    """Commands over one connection, batch after batch, each answered in its order.

    `make` gives a connection that knows its server, password and encryption. `answer_s` is how long
    a batch may take, connecting included. A connection on which anything went wrong is closed, so
    that nobody can ever read an answer meant for another.
    """

    def __init__(self, make: Callable[[], AbstractConnection], answer_s: float) -> None:
        self._make, self._answer_s = make, answer_s
        self._connection: AbstractConnection | None = None
        self._reader = _reader(ResponseError)
        self._asked: list[_Asked] = []
        self._busy: asyncio.Task[None] | None = None
        self._rest_until = 0.0

    async def ask(self, *command: Part) -> Any:
        """The answer to one command. Raises `Unreachable`, or the server's own RedisError.

        Whoever asks may be cancelled at any time: the command is still sent, its answer dropped.
        """
        return await self._queue(command)

    async def ask_after(self, first: Command, *command: Part) -> Any:
        """The answer to a command that follows `first` with nothing in between."""
        # Both are queued before anything else can run; a batch is cut between them at worst.
        self._queue(first).add_done_callback(_looked_at)
        return await self._queue(command)

    def _queue(self, command: Command) -> asyncio.Future[Any]:
        if time.monotonic() < self._rest_until:
            raise Unreachable("it did not answer a moment ago")
        if len(self._asked) >= _ASKED_MAX:
            raise Unreachable("too much is asked of it at once")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._asked.append((command, answer))
        if self._busy is None:
            # It starts in the loop's next turn, with all that is asked in this one.
            self._busy = loop.create_task(self._serve())
        return answer

    async def close(self) -> None:
        """Answer what was asked, then hang up."""
        if self._busy is not None:
            await self._busy
        await self._hang_up()

    async def _serve(self) -> None:
        try:
            while self._asked:
                batch, self._asked = self._asked[:_BATCH_MAX], self._asked[_BATCH_MAX:]
                await self._answer(batch)
        finally:
            self._busy = None

    async def _answer(self, batch: list[_Asked]) -> None:
        try:
            async with asyncio.timeout(None) as patience, _Deadline(patience, self._answer_s):
                answers = await self._send([command for command, _answer in batch])
        except (RedisError, OSError, TimeoutError) as error:
            await self._hang_up()
            self._rest(type(error).__name__)
            answers = [Unreachable(type(error).__name__)] * len(batch)
        except BaseException:
            # The server is stopping; half-read answers must not stay on the connection.
            await self._hang_up()
            raise
        for (_command, waiting), answer in zip(batch, answers, strict=True):
            if waiting.done():
                continue
            if isinstance(answer, Exception):
                waiting.set_exception(answer)
            else:
                waiting.set_result(answer)

    async def _send(self, commands: list[Command]) -> list[Any]:
        connection: Any = self._connection
        if connection is None:
            connection = self._connection = self._make()
            await connection.connect()
            # It names each error as its kind of server does, such as that a key has moved.
            self._reader = _reader(connection._parser.parse_error)
        # Past the library's own sending and reading, which take up a command at a time.
        connection._writer.write(b"".join(map(_pack, commands)))
        return await self._answers(connection._reader, len(commands))

    async def _answers(self, stream: asyncio.StreamReader, count: int) -> list[Any]:
        """So many answers; one that is an error of the server's is among them as an exception."""
        answers: list[Any] = []
        while len(answers) < count:
            answer = self._reader.gets()
            if answer is _NOT_YET:
                data = await stream.read(_READ_MAX)
                if not data:
                    raise ConnectionResetError("the server hung up")
                self._reader.feed(data)
            elif _is_a_replicas(answer):
                # It is a replica now, and would refuse every session for ever.
                raise ConnectionResetError("the server is no longer the master")
            elif not isinstance(answer, hiredis.PushNotification):
                answers.append(answer)
        return answers

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)

    def _rest(self, why: str) -> None:
        self._rest_until = time.monotonic() + _REST_S
        # Those who asked meanwhile hear it at once too.
        asked, self._asked = self._asked, []
        for _command, waiting in asked:
            if not waiting.done():
                waiting.set_exception(Unreachable(why))
        log.warning("sessions out of reach", why=why)


def _looked_at(answer: asyncio.Future[Any]) -> None:
    # What is wrong with it is heard of by who waits for what follows it.
    if not answer.cancelled():
        answer.exception()


def _is_a_replicas(answer: Any) -> bool:
    """Whether it refuses to write; up to Redis 6 a script's own error holds the word inside."""
    known = isinstance(answer, ReadOnlyError)
    return known or (isinstance(answer, ResponseError) and "-READONLY " in str(answer))


def _reader(error: Callable[[str], Exception]) -> hiredis.Reader:
    return hiredis.Reader(protocolError=InvalidResponse, replyError=error, notEnoughData=_NOT_YET)


class _Deadline:
    """Ends `patience` after `seconds` of the server's silence.

    When this process itself stood still meanwhile, the answer may lie in the socket unread: a timer
    that comes late says nothing of the server, so it is set again.
    """

    def __init__(self, patience: asyncio.Timeout, seconds: float) -> None:
        self._patience, self._seconds = patience, seconds
        self._loop = asyncio.get_running_loop()
        self._arm()

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, *_raised: object) -> None:
        self._timer.cancel()

    def _arm(self) -> None:
        self._due = self._loop.time() + self._seconds
        self._timer = self._loop.call_later(self._seconds, self._ring)

    def _ring(self) -> None:
        if self._loop.time() > self._due + self._seconds / 4:
            self._arm()
        else:
            self._patience.reschedule(self._loop.time())
