"""The contract of live conversations, in this process and on a real Valkey."""

import asyncio

import pytest
from redis.exceptions import OutOfMemoryError

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


async def test_a_hint_holds_for_a_while_or_until_another(sessions) -> None:
    assert await sessions.hinted("typing:1") == ""
    await sessions.hint("typing:1", "amina é", 60)
    await sessions.hint("typing:2", "eric", 0.05)
    assert await sessions.hinted("typing:1") == "amina é"
    await sessions.hint("typing:1", "", 60)
    await asyncio.sleep(0.1)
    assert (await sessions.hinted("typing:1"), await sessions.hinted("typing:2")) == ("", "")


async def test_the_last_session_of_a_number_is_known(sessions) -> None:
    assert await sessions.began("+250788777001", "a:1") == []
    await keep(sessions, "a:1", b"x")
    assert await sessions.began("+250788777001", "a:2") == ["a:1"]
    assert await sessions.began("+250788777002", "b:1") == []


async def test_the_last_session_of_a_number_is_known_of_each_gateway(sessions) -> None:
    for key in ("a:1", "a:2", "chat:7"):
        await keep(sessions, key, b"x")
        await sessions.began("+250788777003", key)
    assert await sessions.began("+250788777003", "chat:7") == ["a:2"]
    assert set(await sessions.began("+250788777003", "a:3")) == {"a:2", "chat:7"}


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
    assert await sessions.began("+250788000001", "g:1") == []
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


@pytest.mark.parametrize("other", ["came", "came-and-went", "nobody"])
async def test_who_overstays_keeps_it_unless_another_came_in(
    valkey: RealValkey, other: str
) -> None:
    key = f"g:late-{other}"
    slow, quick = (RedisSessions(lanes_to(valkey.url, 1), 60, 0.05) for _process in range(2))
    await keep(slow, key, b"old")
    late = await slow.enter(key)
    assert late.packed == b"old"
    await asyncio.sleep(0.1)
    if other != "nobody":
        inside = await quick.enter(key)
        assert inside.packed == b"old"
        if other == "came-and-went":
            await quick.leave(inside, b"newer")
    await slow.leave(late, b"late")
    wanted = {"came": b"old", "came-and-went": b"newer", "nobody": b"late"}
    assert await quick.load(key) == wanted[other]
    if other == "came":
        await quick.leave(inside, b"newer")
        assert await slow.load(key) == b"newer"
    # Nobody is held up: the lock went with who left.
    assert (await asyncio.wait_for(slow.enter(key), 1)).fence
    await slow.close(), await quick.close()


async def test_what_was_not_kept_stays_unkept_for_a_hop_that_is_turned_away(
    valkey: RealValkey, monkeypatch
) -> None:
    here, there = (RedisSessions(lanes_to(valkey.url, 1), 60) for _process in range(2))
    await keep(here, "g:3", b"old")
    visit = await here.enter("g:3")
    ask, full = here._lanes.ask, {"EVAL"}

    async def refused(key, *command):
        if command[0] in full:
            raise OutOfMemoryError("OOM command not allowed when used memory > 'maxmemory'.")
        return await ask(key, *command)

    monkeypatch.setattr(here._lanes, "ask", refused)
    await here.leave(visit, b"new")
    full.clear()
    # It lets go of what is older, so that no other process goes on from it either.
    assert await there.load("g:3") is None
    await ask("isoko:s:{g:3}", "SET", "isoko:s:{g:3}", b"old")
    await ask("isoko:k:{g:3}", "DEL", "isoko:k:{g:3}")
    for _shed in range(2):
        turned_away = await here.enter("g:3")
        assert turned_away.packed is None
        await here.leave(turned_away, None)
    await keep(here, "g:3", b"newer")
    assert (await here.enter("g:3")).packed == b"newer"
    await here.close(), await there.close()


async def test_a_store_that_drops_what_it_likes_is_refused(valkey: RealValkey) -> None:
    sessions = RedisSessions(lanes_to(valkey.url, 1), 60)
    assert await sessions.check() == ""
    await sessions._lanes.ask_all("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        assert "noeviction" in await sessions.check()
    finally:
        await sessions._lanes.ask_all("CONFIG", "SET", "maxmemory-policy", "noeviction")
        await sessions.close()


async def test_numbers_whose_calls_are_over_are_forgotten_a_part_at_a_time() -> None:
    store = MemorySessions(-1)
    for number in range(6_000):
        await store.began(f"+2507880{number:05d}", f"africastalking:{number}")
    store._ttl_s = 900
    await store.began("+250738000004", "africastalking:lives")
    known = [len(store._last)]
    while known[-1] > 1:
        store._sweep_at = 0.0
        await keep(store, "africastalking:lives", b"x")
        known.append(len(store._last))
        # Every hop waits for it, so it is never all of them.
        assert 0 < known[-2] - known[-1] <= 6_001 // 60 + 100
    assert list(store._last) == ["+250738000004"] and len(known) <= 61
