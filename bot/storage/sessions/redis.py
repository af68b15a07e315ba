"""Live conversations in Redis or Valkey, for any number of processes."""

from __future__ import annotations

import asyncio
import os
import time
from itertools import count
from typing import Any

import structlog
from redis.exceptions import RedisError

from bot.storage.sessions import Visit, gateway_of
from bot.storage.sessions.lanes import Lanes
from bot.storage.sessions.pipelined import Part, Unreachable

log = structlog.get_logger(__name__)

_PREFIX = "isoko:"
# The lock is taken and the session read in one round trip; "0" when another is inside. It lies
# there for a session's life longer than it holds, so that whoever leaves late learns whether
# anybody else has come in meanwhile.
_ENTER = """
if redis.call('PTTL', KEYS[2]) > tonumber(ARGV[3]) then return {0} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2] + ARGV[3])
return {1, redis.call('GET', KEYS[1])}
"""
# Whose lock was taken by another writes nothing: that one may have gone on from there.
_LEAVE = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
if ARGV[2] ~= '' then redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
redis.call('DEL', KEYS[2])
return 1
"""
# One field for each gateway; in one round trip.
_BEGAN = """
local before = redis.call('HVALS', KEYS[1])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return before
"""
# A number's sessions of the last minute, each once; one that is refused is not among them.
_DIAL = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 60000)
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 1 end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], 60000)
return 1
"""
# A hop is answered within its budget; one whose process was killed holds the others up so long.
USUAL_INSIDE_S = 2.5
_LOOK_AGAIN_S = 0.02
_UNKEPT_MAX = 50_000


class RedisSessions:
    """`Sessions` under keys that expire by themselves; one hash tag a session for a cluster.

    A server out of reach is one that has lost everything: hops go on from what the gateway repeats
    and from the records. Whoever has just been told that an order is theirs is not told otherwise
    because this store could not note it.
    """

    def __init__(self, lanes: Lanes, ttl_s: float, inside_s: float = USUAL_INSIDE_S) -> None:
        self._lanes, self._ttl_s, self._inside_ms = lanes, int(ttl_s), int(inside_s * 1000)
        self._fence, self._visits = os.urandom(8), count()
        # Sessions whose newest state the server did not take: what it holds is older than that.
        self._unkept: dict[str, float] = {}
        self._warn_at = 0.0

    @property
    def is_shared(self) -> bool:
        """Any number of processes have them."""
        return True

    async def enter(self, key: str) -> Visit:
        """Take the session's lock and read it, in one round trip; wait while another is inside."""
        kept, lock = _names(key)
        fence = b"%b%d" % (self._fence, next(self._visits))
        give_up_at = time.monotonic() + self._inside_ms / 1000
        times = self._inside_ms, self._ttl_s * 1000
        while True:
            got = await self._ask(kept, "EVAL", _ENTER, 2, kept, lock, fence, *times)
            if got is None:
                return Visit(key, None)
            if got[0]:
                return Visit(key, None if self._is_older(key) else got[1], fence)
            if time.monotonic() > give_up_at:
                return Visit(key, None if self._is_older(key) else await self.load(key))
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def leave(self, visit: Visit, packed: bytes | None) -> None:
        """Write the session and give the lock back, in one round trip."""
        if not visit.fence:
            self._not_kept(visit.key, packed)
            return
        kept, lock = _names(visit.key)
        value = packed or b""
        wrote = await self._ask(
            kept, "EVAL", _LEAVE, 2, kept, lock, visit.fence, value, self._ttl_s
        )
        if wrote is None:
            self._not_kept(visit.key, packed)
            if packed is not None:
                # A server that takes no more still lets go: no other process goes on from it.
                await self._ask(kept, "DEL", kept)
        elif wrote and packed is not None:
            self._unkept.pop(visit.key, None)
        elif wrote == 0:
            log.warning("a hop overstayed and was not kept", session=visit.key)

    async def load(self, key: str) -> bytes | None:
        """The session, or None when it has expired, was flushed or cannot be reached."""
        kept, _lock = _names(key)
        found: bytes | None = await self._ask(kept, "GET", kept)
        return found

    async def dialled(self, msisdn: str, key: str, most: int) -> bool | None:
        """Count a session of this number, beside its entering: no round trip more."""
        name = f"{_PREFIX}d:{{{msisdn}}}"
        may = await self._ask(name, "EVAL", _DIAL, 1, name, key, most)
        return None if may is None else bool(may)

    async def began(self, msisdn: str, key: str) -> list[str]:
        """Remember the number's newest session there, and give those before it."""
        name = f"{_PREFIX}b:{{{msisdn}}}"
        told = await self._ask(name, "EVAL", _BEGAN, 1, name, gateway_of(key), key, self._ttl_s)
        return [before for one in told or () if (before := one.decode()) != key]

    async def hint(self, what: str, word: str, for_s: float) -> None:
        """A key of its own, which expires by itself."""
        name = f"{_PREFIX}w:{{{what}}}"
        await self._ask(name, "SET", name, word, "PX", max(1, int(for_s * 1000)))

    async def hinted(self, what: str) -> str:
        """The word; none where the server cannot be reached."""
        name = f"{_PREFIX}w:{{{what}}}"
        found: bytes | None = await self._ask(name, "GET", name)
        return (found or b"").decode()

    async def count(self) -> int:
        """How many keys the server holds, about: exact counting would scan them."""
        sizes = await self._lanes.ask_all("DBSIZE")
        return sum(int(size) for size in sizes)

    async def check(self) -> str:
        """A server that drops what it likes when it is full would drop sessions under way."""
        try:
            answers = await self._lanes.ask_all("INFO", "memory")
        except (Unreachable, RedisError) as error:
            # It may come up after us; until then hops do without.
            log.warning("sessions out of reach", why=str(error))
            return ""
        for told in answers:
            policy = _field(told, b"maxmemory_policy")
            if policy.startswith("allkeys"):
                return (
                    f"its maxmemory-policy is {policy}, which drops sessions under way without a "
                    "word: set maxmemory-policy noeviction (or volatile-ttl) on the server that "
                    "ISOKO_REDIS_URL names"
                )
        return ""

    async def close(self) -> None:
        """Close the connections."""
        await self._lanes.close()

    def _not_kept(self, key: str, packed: bytes | None) -> None:
        if packed is None:
            return
        self._unkept.pop(key, None)
        self._unkept[key] = time.monotonic() + self._ttl_s
        while len(self._unkept) > _UNKEPT_MAX:
            del self._unkept[next(iter(self._unkept))]

    def _is_older(self, key: str) -> bool:
        """Whether the person has seen more than the server knows: better nothing than that.

        It stays so until something newer was written: a hop that is turned away writes nothing.
        """
        until = self._unkept.get(key)
        return until is not None and time.monotonic() < until

    async def _ask(self, key: str, *command: Part) -> Any:
        """The answer, or None when there is none to be had."""
        try:
            return await self._lanes.ask(key, *command)
        except Unreachable:
            return None
        except RedisError as error:
            # Such as a full server that refuses writes: the session is not kept, the hop goes on.
            self._warn(str(error)[:80])
            return None

    def _warn(self, why: str) -> None:
        """Once a second: a line for each of a thousand hops would be the load that ends them."""
        now = time.monotonic()
        if now >= self._warn_at:
            self._warn_at = now + 1
            log.warning("sessions not kept", why=why)


def _names(key: str) -> tuple[str, str]:
    """Where a session and its lock lie; the braces put both on the same node of a cluster."""
    return f"{_PREFIX}s:{{{key}}}", f"{_PREFIX}k:{{{key}}}"


def _field(told: bytes, name: bytes) -> str:
    for line in told.splitlines():
        field, _, value = line.partition(b":")
        if field == name:
            return value.decode()
    return ""
