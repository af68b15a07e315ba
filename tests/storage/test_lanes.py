"""Sessions on a real cluster of three and behind a real Sentinel, when who keeps a key changes."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.storage.sessions.lanes import lanes_to
from bot.storage.sessions.redis import RedisSessions
from tests.patience import patient_s
from tests.real_valkey import RealValkey, free_port
from tests.server import running
from tests.watched_master import is_master, until, watched_master

_SLOTS = 16384


async def keeps(sessions: RedisSessions, key: str) -> bool:
    await sessions.leave(await sessions.enter(key), b"x")
    return await sessions.load(key) == b"x"


@pytest.fixture
async def cluster() -> AsyncIterator[list[RealValkey]]:
    """Three nodes that share the slots."""
    options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "1000")
    nodes = [RealValkey(*options, port=free_port()) for _node in range(3)]
    async with Redis.from_url(nodes[0].url) as first:
        for place, node in enumerate(nodes):
            async with Redis.from_url(node.url) as one:
                begin, end = _SLOTS * place // 3, _SLOTS * (place + 1) // 3 - 1
                await one.execute_command("CLUSTER", "ADDSLOTSRANGE", begin, end)
            await first.execute_command("CLUSTER", "MEET", "127.0.0.1", node.port)
    for node in nodes:
        async with Redis.from_url(node.url) as one:
            await until(lambda one=one: _is_whole(one))
    yield nodes
    for node in nodes:
        node.stop()


async def _is_whole(one: Redis) -> bool:
    told = await one.execute_command("CLUSTER", "INFO")
    text = told if isinstance(told, dict) else dict(
        line.split(":") for line in told.decode().split("\r\n") if ":" in line
    )  # fmt: skip
    return text["cluster_state"] == "ok" and text["cluster_known_nodes"] == "3"


async def test_a_cluster_keeps_sessions_and_a_slot_that_moves_is_found(cluster) -> None:
    url = "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in cluster[:2])
    sessions = RedisSessions(lanes_to(url, 1), 60)
    for number in range(60):
        assert await keeps(sessions, f"g:{number}")
        assert await sessions.began(f"+2507880000{number:02}", f"g:{number}") == []
    held = []
    for node in cluster:
        async with Redis.from_url(node.url) as one:
            held.append(await one.dbsize())
    assert min(held) > 0 and sum(held) == 120 and await sessions.count() == 120
    # The slot of one session goes to another node, empty, as after a repair by hand.
    await _move_slot(cluster, b"isoko:s:{g:7}")
    assert await keeps(sessions, "g:7")
    assert await sessions.check() == ""
    await sessions.close()


async def _move_slot(cluster: list[RealValkey], key: bytes) -> None:
    clients = [Redis.from_url(node.url) for node in cluster]
    slot = await clients[0].execute_command("CLUSTER", "KEYSLOT", key)
    owner = slot * 3 // _SLOTS
    target = (owner + 1) % 3
    told = await clients[target].execute_command("CLUSTER", "MYID")
    for name in await clients[owner].execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100):
        await clients[owner].delete(name)
    for client in (clients[target], clients[owner], *clients):
        await client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", told)
    for client in clients:
        await client.aclose()


async def test_a_slot_that_is_moving_is_asked_for_where_it_goes(cluster) -> None:
    number = "+250788000077"
    sessions = RedisSessions(lanes_to(f"redis+cluster://127.0.0.1:{cluster[0].port}", 1), 60)
    clients = [Redis.from_url(node.url) for node in cluster]
    slot = await clients[0].execute_command("CLUSTER", "KEYSLOT", f"isoko:l:{{{number}}}")
    owner = slot * 3 // _SLOTS
    target = (owner + 1) % 3
    ids = [await one.execute_command("CLUSTER", "MYID") for one in clients]
    await clients[target].execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[owner])
    await clients[owner].execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
    assert await sessions.began(number, "g:1") == []
    assert await sessions.began(number, "g:2") == ["g:1"]
    for client in clients:
        await client.aclose()
    await sessions.close()


_OF_A_SCRIPT = (
    b"-ERR Error running script (call to f_a): @user_script:2: @user_script: 2: "
    b"-READONLY You can't write against a read only replica.\r\n"
)


async def test_a_replica_that_says_so_inside_a_scripts_error_is_left() -> None:
    """As Redis up to 6 does; here a server on a socket, for there is no such Redis here."""
    hung_up = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            writer.write(_OF_A_SCRIPT if b"EVAL" in data else b"+OK\r\n" * data.count(b"*"))
        hung_up.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sessions = RedisSessions(lanes_to(f"redis://127.0.0.1:{port}", 1), 60)
    assert (await sessions.enter("g:1")).fence == b""
    async with asyncio.timeout(patient_s(2)):
        await hung_up.wait()
    await sessions.close()
    server.close()


async def test_a_cluster_without_one_node_serves_the_others(cluster) -> None:
    url = f"redis+cluster://127.0.0.1:{cluster[0].port}"
    async with Redis.from_url(cluster[0].url) as one:
        await one.config_set("cluster-require-full-coverage", "no")
    async with Redis.from_url(cluster[1].url) as one:
        await one.config_set("cluster-require-full-coverage", "no")
    sessions = RedisSessions(lanes_to(url, 0.2), 60)
    assert all([await keeps(sessions, f"g:{number}") for number in range(30)])
    cluster[2].crash()
    kept = [await keeps(sessions, f"h:{number}") for number in range(60)]
    assert 20 < sum(kept) < 60
    await sessions.close()


async def _answers(one: Redis) -> bool:
    try:
        return bool(await one.ping())
    except RedisError:
        return False


@pytest.fixture
async def watched() -> AsyncIterator[tuple[RealValkey, RealValkey, RealValkey]]:
    """A master, its replica, and the Sentinel that watches them."""
    async with watched_master() as three:
        yield three


async def test_O02_after_a_failover_sessions_go_to_the_new_master(watched, tmp_path) -> None:
    master, replica, sentinel = watched
    url = f"redis+sentinel://127.0.0.1:{sentinel.port}/isoko"
    async with running(tmp_path, ISOKO_REDIS_URL=url) as server:
        sessions = server.parts.engine._sessions
        assert await keeps(sessions, "g:1")
        phone = server.phone()
        await phone.dials()
        await phone.types("2", "1")
        master.crash()
        # Meanwhile the call goes on from what was typed.
        assert "Emera KW-1042" in await phone.types("1")
        await until(lambda: keeps(sessions, "g:2"))
        async with Redis.from_url(replica.url) as one:
            assert await one.exists("isoko:s:{g:2}")


async def test_a_master_that_becomes_a_replica_is_left(watched) -> None:
    """The connection to it lives on, and it would refuse every session for ever."""
    master, replica, sentinel = watched
    sessions = RedisSessions(lanes_to(f"redis+sentinel://127.0.0.1:{sentinel.port}/isoko", 1), 60)
    assert await keeps(sessions, "g:1")
    async with Redis.from_url(sentinel.url) as one:
        # It takes a while until the Sentinel has heard enough of the replica to trust it.
        async with asyncio.timeout(20):
            while True:
                try:
                    await one.execute_command("SENTINEL", "FAILOVER", "isoko")
                    break
                except RedisError:
                    await asyncio.sleep(0.2)
    async with Redis.from_url(replica.url) as one:
        await until(lambda: is_master(one))
        async with Redis.from_url(master.url) as old:
            await until(lambda: _answers(old))
            await old.execute_command("REPLICAOF", "127.0.0.1", replica.port)
        await until(lambda: keeps(sessions, "g:2"))
        assert await one.exists("isoko:s:{g:2}")
    await sessions.close()
