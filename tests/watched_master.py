"""A master, its replica, and the Sentinel that watches them, for tests of a failover."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.real_valkey import RealValkey, free_port


async def until(true: Callable[[], Awaitable[bool]], within_s: float = 20.0) -> None:
    """Wait until it is."""
    async with asyncio.timeout(within_s):
        while not await true():
            await asyncio.sleep(0.05)


@asynccontextmanager
async def watched_master() -> AsyncIterator[tuple[RealValkey, RealValkey, RealValkey]]:
    """The three; the Sentinel knows the replica."""
    master = RealValkey(port=free_port())
    replica = RealValkey("--replicaof", f"127.0.0.1 {master.port}", port=free_port())
    sentinel = RealValkey(port=free_port(), sentinel_of=master.port)
    async with Redis.from_url(sentinel.url) as one:

        async def knows_the_replica() -> bool:
            try:
                return len(await one.execute_command("SENTINEL", "REPLICAS", "isoko")) == 1
            except RedisError:
                return False

        await until(knows_the_replica)
    yield master, replica, sentinel
    for server in (sentinel, replica, master):
        server.stop()


async def is_master(one: Redis) -> bool:
    """Whether this server is one."""
    try:
        return bool((await one.execute_command("ROLE"))[0] == b"master")
    except RedisError:
        # Whoever changes its part hangs up.
        return False
