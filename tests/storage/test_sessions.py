"""The contract of live conversations, in this process and on a real Valkey."""

import pytest

from bot.conversation import Choice, Screen, Session
from bot.storage.sessions import pack, unpack
from bot.storage.sessions.memory import MemorySessions
from bot.storage.sessions.redis import RedisSessions
from tests.real_valkey import RealValkey


@pytest.fixture(params=["memory", "redis"])
async def sessions(request: pytest.FixtureRequest, valkey: RealValkey):
    """An empty store, once of each kind."""
    kind = MemorySessions(900) if request.param == "memory" else RedisSessions(valkey.url, 900)
    yield kind
    await kind.close()


async def test_a_session_comes_back_as_it_was(sessions) -> None:
    session = Session(
        "africastalking", "1", "+250788000001", flow="home", state="menu", language="rw",
        stack=[("home", "menu", {"a": [1, None]}, False)], replies=b"m" * 16,
        screen=Screen("x", [Choice("y", "go", {"id": 1})], resume="z"), seen=3,
    )  # fmt: skip
    await sessions.save(session.key, pack(session))
    assert unpack(await sessions.load(session.key)) == session
    assert await sessions.load("africastalking:2") is None
    assert await sessions.count() >= 1


async def test_the_last_session_of_a_number_is_known(sessions) -> None:
    for key in ("a:1", "a:2"):
        await sessions.began("+250788000001", key)
        await sessions.save(key, b"x")
    assert await sessions.last_of("+250788000001") == "a:2"
    assert await sessions.last_of("+250788000002") is None


async def test_a_session_whose_time_is_over_is_gone() -> None:
    store = MemorySessions(-1)
    await store.save("a:1", b"x")
    assert await store.load("a:1") is None
    store._sweep_at = 0.0
    await store.save("a:2", b"x")
    assert await store.count() == 0


async def test_a_store_out_of_reach_is_a_store_that_has_lost_everything() -> None:
    sessions = RedisSessions("redis://127.0.0.1:1", 60)
    await sessions.save("g:1", b"x")
    await sessions.began("+250788000001", "g:1")
    assert await sessions.load("g:1") is None
    assert await sessions.last_of("+250788000001") is None
    await sessions.close()
