"""What strikes two workers, Redis and PostgreSQL, one fault after the other, drawn from a seed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from functools import partial
from pathlib import Path

from redis import Redis

from tests.patient_farmers import World
from tests.server_process import ServerProcess
from tests.small_disk import SmallDisk


class Faults:
    """Faults drawn one after the other; each waits until calls are answered again."""

    def __init__(self, world: World, draw: random.Random) -> None:
        self._world, self._draw = world, draw
        self._redis = Redis.from_url(world.valkey.url)
        self._kinds = {
            "kill -9 of a worker": self._kill_worker,
            "kill -9 of all": self._kill_all,
            "a worker stands still": self._stop_worker,
            "Redis stands still": self._stop_redis,
            "Redis restarts empty": self._restart_redis,
            "FLUSHALL": self._flush,
            "PostgreSQL is killed": self._restart_postgres,
            "PostgreSQL ends all connections": self._end_connections,
            "the line to PostgreSQL is cut": self._cut_line,
            "Redis is full": self._fill_redis,
        }
        # What takes a second to come back is drawn less often.
        self._weights = [6, 2, 3, 3, 3, 4, 1, 3, 5, 3]
        if world.disk is not None:
            self._kinds["the disk of PostgreSQL is full"] = partial(self._fill_disk, world.disk)
            self._weights.append(2)

    async def one(self) -> None:
        """Strike, and note how long nobody was answered."""
        await asyncio.sleep(self._draw.uniform(0.1, 0.8))
        [name] = self._draw.choices(list(self._kinds), self._weights)
        began = time.monotonic()
        await self._kinds[name]()
        struck = time.monotonic()
        while self._world.answered_at < struck:
            await asyncio.sleep(0.02)
            if time.monotonic() - struck > 60:
                raise RuntimeError(f"nobody is answered any more after: {name}")
        took_s = self._world.answered_at - began
        self._world.faults[name] += 1
        self._world.worst_s[name] = max(self._world.worst_s.get(name, 0.0), took_s)

    async def _kill_worker(self) -> None:
        for pid in self._draw.sample(workers_of(self._world.server), 1):
            os.kill(pid, signal.SIGKILL)

    async def _kill_all(self) -> None:
        # With the pretended outside, which else would stay behind on its port.
        children = children_of(self._world.server)
        self._world.server.kill()
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(self._world.server.start)

    async def _stop_worker(self) -> None:
        await self._stand_still(self._draw.choice(workers_of(self._world.server)))

    async def _stop_redis(self) -> None:
        await self._stand_still(self._world.valkey.pid)

    async def _stand_still(self, pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(self._draw.uniform(0.2, 1.5))
        os.kill(pid, signal.SIGCONT)

    async def _restart_redis(self) -> None:
        await asyncio.to_thread(self._world.valkey.restart)

    async def _flush(self) -> None:
        await asyncio.to_thread(self._redis.flushall)

    async def _fill_redis(self) -> None:
        """It refuses whatever is to be kept, as one without room for more does."""
        await asyncio.to_thread(self._redis.config_set, "maxmemory", "1")
        await asyncio.sleep(self._draw.uniform(0.2, 1.5))
        await asyncio.to_thread(self._redis.config_set, "maxmemory", "0")

    async def _fill_disk(self, disk: SmallDisk) -> None:
        await asyncio.to_thread(disk.fill)
        await asyncio.sleep(self._draw.uniform(0.2, 1.5))
        await asyncio.to_thread(disk.free)
        # One that could not write ahead ends, and cannot come back before there is room.
        await asyncio.to_thread(self._world.postgres.start_if_down)

    async def _restart_postgres(self) -> None:
        await asyncio.to_thread(self._world.postgres.restart)

    async def _end_connections(self) -> None:
        kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'isoko_%'"
        await asyncio.to_thread(self._world.postgres.run_sql, kill)

    async def _cut_line(self) -> None:
        for line in self._world.lines:
            line.cut()


def workers_of(server: ServerProcess) -> list[int]:
    """The processes that answer."""
    return [
        pid
        for pid in children_of(server)
        if b"sandbox" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def children_of(server: ServerProcess) -> list[int]:
    """Every process that the server has started."""
    return [
        int(pid)
        for pid in Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    ]
