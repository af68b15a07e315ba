"""Live conversations in Redis or Valkey, for any number of processes."""

from __future__ import annotations

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

_PREFIX = "isoko:"


class RedisSessions:
    """`Sessions` under keys that expire by themselves; one hash tag a session for a cluster.

    A server out of reach is one that has lost everything: hops go on from what the gateway repeats
    and from the records. Whoever has just been told that an order is theirs is not told otherwise
    because this store could not note it.
    """

    def __init__(self, url: str, ttl_s: float) -> None:
        self._ttl_s = int(ttl_s)
        # The client's own defaults wait 58 s for a stalled server; a caller has two.
        self._redis: Redis = Redis.from_url(
            url,
            socket_timeout=0.5,
            socket_connect_timeout=0.3,
            retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.2), 1),
        )

    async def load(self, key: str) -> bytes | None:
        """The session, or None when it has expired, was flushed or cannot be reached."""
        return await self._get(f"{_PREFIX}s:{{{key}}}")

    async def save(self, key: str, packed: bytes) -> None:
        """Keep it for its time to live, if that can be done."""
        await self._set(f"{_PREFIX}s:{{{key}}}", packed)

    async def last_of(self, msisdn: str) -> str | None:
        """The key of this number's last session."""
        data = await self._get(f"{_PREFIX}l:{{{msisdn}}}")
        return None if data is None else data.decode()

    async def began(self, msisdn: str, key: str) -> None:
        """Remember the number's newest session."""
        await self._set(f"{_PREFIX}l:{{{msisdn}}}", key.encode())

    async def count(self) -> int:
        """How many keys the server holds, about: exact counting would scan them."""
        return int(await self._redis.dbsize())

    async def close(self) -> None:
        """Close the connection pool."""
        await self._redis.aclose()

    async def _get(self, key: str) -> bytes | None:
        try:
            data = await self._redis.get(key)
        except (RedisError, OSError) as error:
            log.warning("sessions out of reach", why=type(error).__name__)
            return None
        return data.encode() if isinstance(data, str) else data

    async def _set(self, key: str, value: bytes) -> None:
        try:
            await self._redis.set(key, value, ex=self._ttl_s)
        except (RedisError, OSError) as error:
            log.warning("session not kept", why=type(error).__name__)
