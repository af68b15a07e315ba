"""Live conversations in Redis or Valkey, for any number of processes."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff

_PREFIX = "isoko:"


class RedisSessions:
    """`Sessions` under keys that expire by themselves; one hash tag a session for a cluster."""

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
        """The session, or None when it has expired or was flushed."""
        data = await self._redis.get(f"{_PREFIX}s:{{{key}}}")
        return None if data is None else _bytes(data)

    async def save(self, key: str, packed: bytes) -> None:
        """Keep it for its time to live."""
        await self._redis.set(f"{_PREFIX}s:{{{key}}}", packed, ex=self._ttl_s)

    async def last_of(self, msisdn: str) -> str | None:
        """The key of this number's last session."""
        data = await self._redis.get(f"{_PREFIX}l:{{{msisdn}}}")
        return None if data is None else _bytes(data).decode()

    async def began(self, msisdn: str, key: str) -> None:
        """Remember the number's newest session."""
        await self._redis.set(f"{_PREFIX}l:{{{msisdn}}}", key, ex=self._ttl_s)

    async def count(self) -> int:
        """How many keys the server holds, about: exact counting would scan them."""
        return int(await self._redis.dbsize())

    async def close(self) -> None:
        """Close the connection pool."""
        await self._redis.aclose()


def _bytes(data: bytes | str) -> bytes:
    return data.encode() if isinstance(data, str) else data
