"""The contract of live conversations, in this process and on a real Valkey."""

import asyncio

import pytest

from bot.conversation import Choice, Screen, Session
from bot.storage.sessions import Sessions, pack, unpack
from bot.storage.sessions.lanes import lanes_to
from bot.storage.sessions.memory import MemorySessions
from bot.storage.sessions.redis import RedisSessions
from tests.real_valkey import RealValkey


@pytest.fixture(params=["memory", "redis"])
async def sessions(request: pytest.FixtureRequest, valkey: RealValkey):
    """An empty store, once of each kind."""
    kind = (
        MemorySessions(900)
        if request.param == "memory"
        else RedisSessions(lanes_to(valkey.url, 1), 900)
    )
    yield kind
    await kind.close()


async def test_a_session_comes_back_as_it_was(sessions) -> None:
    session = Session(
        "africastalking", "1", "+250788000001", flow="home", state="menu", language="rw",
        stack=[("home", "menu", {"a": [1, None]}, False)], replies=b"m" * 16,
        screen=Screen("x", [Choice("y", "go", {"id": 1})], resume="z"), seen=3,
    )  # fmt: skip
    await keep(sessions, session.key, pack(session))
    assert unpack(await sessions.load(session.key)) == session
    assert await sessions.load("africastalking:2") is None
    assert await sessions.count() >= 1


async def test_the_last_session_of_a_number_is_known(sessions) -> None:
    assert await sessions.began("+250788777001", "a:1") is None
    await keep(sessions, "a:1", b"x")
    assert await sessions.began("+250788777001", "a:2") == "a:1"
    assert await sessions.began("+250788777002", "b:1") is None


async def test_a_session_whose_time_is_over_is_gone() -> None:
    store = MemorySessions(-1)
    await keep(store, "a:1", b"x")
    assert await store.load("a:1") is None
    store._sweep_at = 0.0
    await keep(store, "a:2", b"x")
    assert await store.count() == 0


async def test_a_store_out_of_reach_is_a_store_that_has_lost_everything() -> None:
    sessions = RedisSessions(lanes_to("redis://127.0.0.1:1", 1), 60)
    await keep(sessions, "g:1", b"x")
    assert await sessions.began("+250788000001", "g:1") is None
    assert await sessions.load("g:1") is None
    await sessions.close()


async def keep(sessions: Sessions, key: str, packed: bytes) -> None:
    """One hop that comes in and leaves this behind."""
    await sessions.leave(await sessions.enter(key), packed)


async def test_one_process_at_a_time_is_inside_a_session(valkey: RealValkey) -> None:
    here, there = (RedisSessions(lanes_to(valkey.url, 1), 60) for _process in range(2))
    inside = await here.enter("g:1")
    waiting = asyncio.create_task(there.enter("g:1"))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await here.leave(inside, b"first")
    visit = await waiting
    assert visit.packed == b"first"
    await there.leave(visit, None)
    assert await here.load("g:1") == b"first"
    await here.close(), await there.close()


async def test_who_overstays_keeps_nothing(valkey: RealValkey, monkeypatch) -> None:
    monkeypatch.setattr("bot.storage.sessions.redis._INSIDE_MAX_MS", 50)
    slow, quick = (RedisSessions(lanes_to(valkey.url, 1), 60) for _process in range(2))
    late = await slow.enter("g:2")
    await asyncio.sleep(0.1)
    await keep(quick, "g:2", b"newer")
    await slow.leave(late, b"older")
    assert await quick.load("g:2") == b"newer"
    await slow.close(), await quick.close()


async def test_a_store_that_drops_what_it_likes_is_refused(valkey: RealValkey) -> None:
    sessions = RedisSessions(lanes_to(valkey.url, 1), 60)
    assert await sessions.check() == ""
    await sessions._lanes.ask_all("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        assert "noeviction" in await sessions.check()
    finally:
        await sessions._lanes.ask_all("CONFIG", "SET", "maxmemory-policy", "noeviction")
        await sessions.close()
