"""Which connection a key goes over: one server, the master that Sentinels name, or a cluster."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol
from urllib.parse import urlsplit

from redis.asyncio import Redis, Sentinel
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.exceptions import AskError, ClusterDownError, MovedError, RedisError

from bot.storage.sessions.pipelined import Part, Pipelined, Unreachable

SENTINEL, CLUSTER = "redis+sentinel", "redis+cluster"
_PORT, _SENTINEL_PORT = 6379, 26379
_TRIES = 3


class Lanes(Protocol):
    """Carries commands to whoever keeps a key."""

    async def ask(self, key: str, *command: Part) -> Any:
        """The answer. Raises `Unreachable`, or the server's own RedisError."""
        ...

    async def ask_all(self, *command: Part) -> list[Any]:
        """The answer of every server that keeps keys. Raises as `ask` does."""
        ...

    async def close(self) -> None:
        """Hang up."""
        ...


def lanes_to(url: str, answer_s: float) -> Lanes:
    """The lanes to the server or servers at `url`; a batch may take `answer_s` seconds.

    `redis://`, `rediss://` and `unix://` name one server. `redis+sentinel://host:26379,host/name`
    lets Sentinels tell the master of `name`; `redis+cluster://host:6379,host` names some nodes of a
    cluster. A user and password before `@` are those of the servers. Raises ValueError.
    """
    scheme = url.partition("://")[0]
    if scheme == CLUSTER:
        return ClusterLanes(url, answer_s)
    if scheme == SENTINEL:
        parts = urlsplit(url)
        sentinel = Sentinel(  # type: ignore[no-untyped-call]  # the library's own gap
            _hosts(parts.netloc, _SENTINEL_PORT),
            socket_timeout=answer_s,
            username=parts.username,
            password=parts.password,
        )
        master = sentinel.master_for(parts.path.strip("/") or "mymaster")
        return OneLane(Pipelined(master.connection_pool.make_connection, answer_s))
    pool = Redis.from_url(url, socket_connect_timeout=answer_s).connection_pool
    return OneLane(Pipelined(pool.make_connection, answer_s))


class OneLane:
    """All keys lie with one server."""

    def __init__(self, lane: Pipelined) -> None:
        self._lane = lane

    async def ask(self, key: str, *command: Part) -> Any:
        """Ask it."""
        return await self._lane.ask(*command)

    async def ask_all(self, *command: Part) -> list[Any]:
        """Ask it."""
        return [await self._lane.ask(*command)]

    async def close(self) -> None:
        """Hang up."""
        await self._lane.close()


class ClusterLanes:
    """Each slot of keys lies with one node; the client library knows which, and learns anew."""

    def __init__(self, url: str, answer_s: float) -> None:
        parts = urlsplit(url)
        hosts = _hosts(parts.netloc, _PORT)
        self._answer_s = answer_s
        self._cluster = RedisCluster(
            startup_nodes=[ClusterNode(host, port) for host, port in hosts],
            socket_timeout=answer_s,
            socket_connect_timeout=answer_s,
            username=parts.username,
            password=parts.password,
        )
        self._lanes: dict[str, Pipelined] = {}
        self._learning = asyncio.Lock()
        self._known = False

    async def ask(self, key: str, *command: Part) -> Any:
        """Ask the node that keeps `key`; when that has changed, the one that keeps it now."""
        for attempt in range(1, _TRIES + 1):
            await self._learn(again=attempt > 1)
            node = self._cluster.get_node_from_key(key)
            try:
                if node is None:
                    raise Unreachable("no node keeps this key")
                return await self._asked_of(node, command)
            except (MovedError, AskError, ClusterDownError, Unreachable) as error:
                if attempt == _TRIES:
                    raise Unreachable(type(error).__name__) from error
        return None

    async def _asked_of(self, node: ClusterNode, command: tuple[Part, ...]) -> Any:
        lane = self._lane_to(node)
        try:
            return await lane.ask(*command)
        except AskError as moving:
            # Its slot is on the way to another node, which answers for it when told so first.
            target = self._cluster.get_node(moving.host, moving.port)
            if target is None:
                raise
            return await self._lane_to(target).ask_after(("ASKING",), *command)

    async def ask_all(self, *command: Part) -> list[Any]:
        """Ask every node that keeps keys."""
        await self._learn()
        return [await self._lane_to(node).ask(*command) for node in self._cluster.get_primaries()]

    async def close(self) -> None:
        """Hang up."""
        for lane in self._lanes.values():
            await lane.close()
        await self._cluster.aclose()

    async def _learn(self, *, again: bool = False) -> None:
        if self._known and not again:
            return
        async with self._learning:
            try:
                async with asyncio.timeout(self._answer_s * _TRIES):
                    if self._known:
                        await self._cluster.nodes_manager.initialize()
                    else:
                        await self._cluster.initialize()
            except (RedisError, OSError, TimeoutError) as error:
                raise Unreachable(type(error).__name__) from error
            self._known = True

    def _lane_to(self, node: ClusterNode) -> Pipelined:
        lane = self._lanes.get(node.name)
        if lane is None:
            kind, known = node.connection_class, node.connection_kwargs
            lane = self._lanes[node.name] = Pipelined(lambda: kind(**known), self._answer_s)
        return lane


def _hosts(netloc: str, port: int) -> list[tuple[str, int]]:
    hosts = netloc.rpartition("@")[2].split(",")
    parts = [host.rpartition(":") if ":" in host else (host, "", str(port)) for host in hosts]
    return [(host, int(number)) for host, _, number in parts]
