"""The contract of the records, on both stores."""

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from bot.conversation import Reply, Session
from bot.storage import hops, inbox, outbox
from bot.storage.append_only import TABLES
from bot.storage.opening import revision_of, revision_wanted, upgrade
from bot.storage.schema import audit, metadata
from bot.storage.schema import outbox as outbox_table


def row(now, actor: str = "a") -> dict:
    return {"at": now, "actor": actor, "action": "b", "subject": "c", "details": {}}


async def counted(records) -> int:
    query = select(func.count()).select_from(audit)
    return await records.read(lambda db: db.execute(query).scalar())


async def test_one_that_fails_takes_nothing_with_it(records, now) -> None:
    def fails(db):
        db.execute(insert(audit).values(row(now)))
        raise ValueError("no")

    good = [records.write(lambda db: db.execute(insert(audit).values(row(now)))) for _ in range(20)]
    bad = [records.write(fails) for _ in range(20)]
    results = await asyncio.gather(*good, *bad, return_exceptions=True)
    assert sum(isinstance(result, ValueError) for result in results) == 20
    assert await counted(records) == 20


async def test_a_value_that_cannot_be_bound_takes_nothing_with_it(records, now) -> None:
    """As the first statement of a batch, it rolled back what others had asked in it."""

    def fails(db):
        db.execute(insert(audit).values(row(now.replace(tzinfo=None))))

    bad = [records.write(fails) for _ in range(2)]
    good = [records.write(lambda db: db.execute(insert(audit).values(row(now)))) for _ in range(5)]
    results = await asyncio.gather(*bad, *good, return_exceptions=True)
    assert all("time zone" in str(result) for result in results[:2])
    assert not any(isinstance(result, Exception) for result in results[2:])
    assert await counted(records) == 5


async def test_what_was_answered_is_read_back(records, now) -> None:
    for number in range(5):
        await records.write(lambda db: db.execute(insert(audit).values(row(now))))
        assert await counted(records) == number + 1


async def test_a_moment_keeps_its_zone(records, now) -> None:
    await records.write(lambda db: db.execute(insert(audit).values(row(now))))
    assert await records.read(lambda db: db.execute(select(audit.c.at)).scalar()) == now


async def test_a_hop_is_kept_once_and_found_by_its_session(records, now) -> None:
    session = Session("g", "1", "+250788000001", history_size=3)
    key = b"k" * 16
    await records.write(lambda db: hops.keep(db, key, session, Reply("x"), now))
    with pytest.raises(Exception, match=r"UNIQUE|unique"):
        await records.write(lambda db: hops.keep(db, key, session, Reply("y"), now))
    (found,) = await records.read(lambda db: hops.of_session(db, "g:1"))
    assert found.reply == Reply("x") and found.session == session
    later = now + timedelta(days=3)
    assert await records.write(lambda db: hops.forget_before(db, later, 10)) == 1


async def test_O04_news_is_in_one_hand_at_a_time_and_comes_back_after_its_lease(
    records, now
) -> None:
    put = [outbox.put] * 2
    kept = [await records.write(lambda db, p=p: p(db, "sms", "one", {"a": 1}, now)) for p in put]
    assert kept == [True, False]
    mine = await records.write(lambda db: outbox.claim(db, "me", now, 30, 10, ("sms",)))
    assert len(mine) == 1
    assert await records.write(lambda db: outbox.claim(db, "you", now, 30, 10, ("sms",))) == []
    later = now + timedelta(seconds=31)
    yours = await records.write(lambda db: outbox.claim(db, "you", later, 30, 10, ("sms",)))
    assert yours[0].attempts == 2
    assert not await records.write(lambda db: outbox.done(db, mine[0], later))
    assert await records.write(lambda db: outbox.done(db, yours[0], later))


async def test_a_dead_letter_can_be_sent_again(records, now) -> None:
    await records.write(lambda db: outbox.put(db, "sms", "one", {}, now))
    (letter,) = await records.write(lambda db: outbox.claim(db, "me", now, 30, 10, ("sms",)))
    await records.write(lambda db: outbox.dead(db, letter, "refused", now))
    assert await records.read(outbox.unsent) == {"dead": 1}
    assert await records.write(lambda db: outbox.replay(db, letter.dedupe_key, now))
    state = select(outbox_table.c.state)
    assert await records.read(lambda db: db.execute(state).scalar()) == "waiting"


async def test_an_event_is_kept_once(records, now) -> None:
    at_once = [records.write(lambda db: inbox.keep(db, "momo", "1", b"x", now)) for _ in range(30)]
    assert sorted(await asyncio.gather(*at_once)) == [False] * 29 + [True]
    assert not await records.write(lambda db: inbox.keep(db, "momo", "1", b"x", now))


async def test_the_tables_are_those_of_the_schema(records) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    assert await records.read(revision_of) == revision_wanted()
    found = await records.read(
        lambda db: compare_metadata(MigrationContext.configure(db), metadata)
    )
    assert found == [] and set(TABLES) <= set(metadata.tables)


async def test_a_command_waits_for_a_server_that_is_writing(tmp_path: Path) -> None:
    await upgrade("", tmp_path)
    writer = sqlite3.connect(tmp_path / "isoko.sqlite3", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    asyncio.get_running_loop().call_later(0.3, writer.execute, "COMMIT")
    await upgrade("", tmp_path)
    writer.close()
