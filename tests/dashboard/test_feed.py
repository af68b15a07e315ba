"""The feed: what it tells, whom it refuses, and that nothing is missed or told twice."""

import asyncio
import json
import time
from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, insert, select, update

from bot.dashboard.screens import feed as feeds
from bot.dashboard.screens import feed_door, live_calls
from bot.dashboard.screens.board import Board
from bot.dashboard.screens.live_calls import Position, begin, news_since, position_of
from bot.dashboard.screens.wanted import ALL
from bot.i18n import language_spoken, speaking
from bot.storage.records import RecordsDown
from bot.storage.schema import staff, staff_sessions, transcripts
from tests.dashboard.desk import Desk, joins, routes
from tests.dashboard.stream import streaming
from tests.dashboard.test_board import NOW_MS, said
from tests.patience import patient_s
from tests.phone import PIN
from tests.real_postgres import RealPostgres
from tests.real_valkey import RealValkey
from tests.server import CRAFTS, FARMER, TEA, UNKNOWN, Running, running


def feed_of(server: Running) -> feeds.Feed:
    """The feed of this server's dashboard."""
    return next(h for _m, path, h in routes(server) if path == "/dashboard/feed").__self__._feed


async def shown(stream, number: str, within_s: float = 20.0) -> dict:
    """The next card of this number."""
    async with asyncio.timeout(within_s):
        while True:
            for card in (await stream.event("calls")).data["calls"]:
                if card["number"].endswith(number[-2:]):
                    return card


async def test_B02_a_hop_is_told_within_a_second(server: Running, viewer: Desk) -> None:
    phone = server.phone()
    async with streaming(viewer) as stream:
        assert (await stream.event("calls")).data["all"] == []
        await phone.dials()
        took_s = []
        for _hop in range(20):
            screen, at = await phone.types("00"), time.monotonic()
            card = await shown(stream, FARMER)
            while card["hops"] < len(phone.history) + 1:
                card = await shown(stream, FARMER)
            took_s.append(time.monotonic() - at)
            assert card["shown"] == screen
    took_s.sort()
    assert took_s[18] < patient_s(1), took_s


async def test_D05_a_stream_is_for_our_own_pages_and_for_staff(
    server: Running, viewer: Desk, stranger: Desk
) -> None:
    async with streaming(stranger) as stream:
        assert stream.status == 401
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        async with streaming(viewer, **headers) as stream:
            assert stream.status == 403, headers
    async with streaming(viewer, Origin=viewer.base) as stream:
        assert stream.status == 200


@pytest.mark.parametrize("how", ["signed out", "revoked", "idle", "over"])
async def test_D05_B08_a_stream_closes_when_access_ends(
    server: Running, viewer: Desk, how: str
) -> None:
    write = server.parts.market.records.write
    async with streaming(viewer) as stream:
        await stream.event("calls")
        if how == "signed out":
            await viewer.posts("/dashboard/sign-out")
        elif how == "revoked":
            gone = update(staff).values(revoked_at=datetime.now(UTC))
            await write(lambda db: db.execute(gone))
        else:
            column = "seen_at" if how == "idle" else "until"
            past = update(staff_sessions).values({column: datetime(2026, 1, 1, tzinfo=UTC)})
            await write(lambda db: db.execute(past))
        assert await stream.ends(within_s=5.0)
    if how == "revoked":
        async with streaming(viewer) as stream:
            assert stream.status == 401


async def test_D05_looking_on_does_not_keep_one_signed_in(server: Running, viewer: Desk) -> None:
    old = datetime(2026, 1, 1, tzinfo=UTC)
    seen = select(staff_sessions.c.seen_at)
    records = server.parts.market.records
    async with streaming(viewer) as stream:
        await stream.event("calls")
        later = update(staff_sessions).values(seen_at=datetime.now(UTC).replace(microsecond=7))
        await records.write(lambda db: db.execute(later))
        await stream.event("beat")
        kept = await records.read(lambda db: db.execute(seen).scalar())
    assert kept.microsecond == 7 and kept > old


@pytest.mark.parametrize("query", ["?tenant=2", "?phone=0788000001", "?role=supervisor", "?call=999999",
                                   "?call=-1", "?call=1%27", "?call=%D9%A1", "?call=" + "9" * 40])  # fmt: skip
async def test_D06_the_feed_gives_nothing_beyond_what_everybody_sees(
    server: Running, viewer: Desk, query: str
) -> None:
    async with streaming(viewer, query) as stream:
        assert stream.status == 403


async def test_D06_no_number_and_no_pin_in_any_frame(server: Running, viewer: Desk) -> None:
    said = ""
    async with streaming(viewer) as stream:
        for msisdn in (FARMER, TEA, CRAFTS, UNKNOWN):
            phone = server.phone(msisdn)
            await phone.dials()
            await phone.types("6", "2", PIN, "0")
            said += (await stream.event("calls")).raw
        await asyncio.sleep(0.8)
        said += (await stream.event()).raw
    assert "+2507•••••01" in said and "not registered" in said
    for msisdn in (FARMER, TEA, CRAFTS, UNKNOWN):
        assert msisdn[4:] not in said
    assert PIN not in said and "ATUid" not in said


async def test_D06_words_are_in_the_language_of_who_looks(server: Running, viewer: Desk) -> None:
    await server.phone().dials()
    await viewer.posts("/dashboard/language", language="fr", next="/dashboard/")
    async with streaming(viewer) as stream:
        assert (await shown(stream, FARMER))["place"] == "Accueil"


async def test_B03_who_comes_back_is_told_what_was_missed_and_nothing_twice(
    server: Running, viewer: Desk
) -> None:
    phone, other = server.phone(), server.phone(TEA)
    await phone.dials()
    await other.dials()
    async with streaming(viewer) as stream:
        event = await stream.event("calls")
        while event.data["count"] < 2:
            event = await stream.event("calls")
    last = event.id
    screen = await phone.types("2", "1")
    await server.parts.transcripts.flush()
    async with streaming(viewer, **{"Last-Event-ID": last}) as stream:
        first = await stream.event("calls")
        while not first.data["calls"]:
            first = await stream.event("calls")
    # What has not changed since is not told again.
    assert [card["shown"] for card in first.data["calls"]] == [screen]
    # An id that nobody gave, or whose row is gone, gets everything.
    for odd in ("999-1-0", "x", "1-2-3"):
        async with streaming(viewer, f"?since={odd}") as stream:
            told = (await stream.event("calls")).data
            while len(told["calls"]) < 2:
                told = (await stream.event("calls")).data


async def test_B03_all_rows_are_told_once_across_cuts_and_in_order(
    server: Running, viewer: Desk
) -> None:
    """The reading behind the feed, against what the records hold."""
    read = server.parts.market.records.read
    at, seen = await read(lambda db: begin(db, Board(), int(time.time() * 1000))), []
    for _round in range(6):
        await server.phone().dials()
        await server.parts.transcripts.flush()
        for _cut in range(2):
            news = await read(lambda db, at=at: news_since(db, at, most=2))
            assert news.known
            seen += [hop.id for hop in news.said]
            if news.said:
                at = Position(news.said[-1].id, news.said[-1].at_ms)
    ids = await read(lambda db: db.execute(select(transcripts.c.id)).scalars().all())
    assert seen == sorted(ids) and len(seen) >= 6


async def test_B03_a_young_row_before_an_old_one_is_not_lost_when_the_reader_begins(
    records,
) -> None:
    """Processes write in turns of a second: an older hop may have the later row."""
    now_ms = int(time.time() * 1000)
    row = {"hop": 1, "owner": "", "place": "home.menu", "typed": "", "shown": "x", "micros": 9}
    ages_s = [30, 20, 4, 6, 1]
    rows = [
        {**row, "session_key": f"g:{n}", "at_ms": now_ms - age_s * 1000}
        for n, age_s in enumerate(ages_s)
    ]
    await records.write(lambda db: db.execute(insert(transcripts), rows))
    board = Board()
    at = await records.read(lambda db: begin(db, board, now_ms, settled_ms=5000))
    board.take((await records.read(lambda db: news_since(db, at))).said)
    assert board.standing(now_ms).count == len(ages_s)


async def test_B03_ids_that_are_used_anew_are_noticed(server: Running, viewer: Desk) -> None:
    """SQLite gives the last row's number again once that row is erased."""
    phone = server.phone()
    await phone.dials()
    async with streaming(viewer) as stream:
        await shown(stream, FARMER)
        write = server.parts.market.records.write
        await write(lambda db: db.execute(delete(transcripts)))
        gone = (await stream.event("calls")).data
        assert len(gone["gone"]) == 1 and gone["count"] == 0
        await server.phone(TEA).dials()
        assert (await shown(stream, TEA))["hops"] == 1


async def test_B03_a_row_that_another_process_commits_late_is_waited_for(
    server: Running, viewer: Desk
) -> None:
    write = server.parts.market.records.write
    now_ms = int(time.time() * 1000)

    def hop(row_id: int, key: str) -> dict:
        row = {"id": row_id, "session_key": key, "hop": 1, "owner": "", "place": "home.menu"}
        return row | {"typed": "", "shown": key, "micros": 90, "at_ms": now_ms}

    def put(*rows: dict):
        return write(lambda db: db.execute(insert(transcripts), list(rows)))

    async with streaming(viewer) as stream:
        await stream.event("calls")
        await put(hop(1, "g:one"))
        assert [c["shown"] for c in (await stream.event("calls")).data["calls"]] == ["g:one"]
        await put(hop(3, "g:three"))
        with pytest.raises(TimeoutError):
            await stream.event("calls", within_s=1.5)
    async with streaming(viewer) as stream:
        await stream.event("calls")
        await put(hop(2, "g:two"))
        told = []
        while len(told) < 2:
            told += [c["shown"] for c in (await stream.event("calls")).data["calls"]]
        assert sorted(told)[-2:] == ["g:three", "g:two"]


async def test_B03_a_feed_that_cannot_read_says_by_how_much_it_is_behind(
    server: Running, viewer: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with streaming(viewer) as stream:
        await stream.event("calls")
        records = type(server.parts.market.records)
        read = records.read

        async def down(self, work):
            if "news_since" in repr(work):
                raise RecordsDown("gone")
            return await read(self, work)

        monkeypatch.setattr(records, "read", down)
        beat = await stream.event("beat")
        while not beat.data["behind_s"]:
            beat = await stream.event("beat")
        monkeypatch.setattr(records, "read", read)
        beat = await stream.event("beat")
        while beat.data["behind_s"]:
            beat = await stream.event("beat")


async def test_a_slow_browser_is_dropped_and_nothing_queues_for_it(
    server: Running, viewer: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_door, "SLOW_S", 0.3)
    monkeypatch.setattr(feed_door, "_beat", lambda _late: b": " + b"x" * 4_000_000 + b"\n\n")
    monkeypatch.setattr(feed_door, "_LOOK_AGAIN_S", 0.1)
    feed = feed_of(server)
    # Nobody reads what comes here.
    async with streaming(viewer) as stream:
        assert stream.status == 200 and feed.watchers == 1
        async with asyncio.timeout(10):
            while feed.watchers:
                await asyncio.sleep(0.05)


async def test_what_all_lack_is_written_once_and_not_for_each_of_them(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    write = feed_door._Steps._step

    def counted(steps, was, now, after):
        asked.append(language_spoken())
        return write(steps, was, now, after)

    monkeypatch.setattr(feed_door._Steps, "_step", counted)
    board, feed = Board(), feed_of(server)
    door = next(h for _m, path, h in routes(server) if path == "/dashboard/feed").__self__
    board.take([said(1, "g:1"), said(2, "g:2")])
    feed.standing = board.standing(NOW_MS)
    browsers = [feed_door._WholeBoard(feed, door._steps, None, ALL) for _browser in range(20)]
    with speaking("en"):
        # Seconds pass while the first boards are written, each for its own browser.
        first, *_others = [bytes(one.news()) for one in browsers]
        assert all(one.news() is None for one in browsers)
        board.take([said(3, "g:2"), said(4, "g:1")._replace(ends=1)])
        feed.standing = board.standing(NOW_MS)
        (told,) = {bytes(one.news()) for one in browsers[:19]}
    with speaking("rw"):
        other = bytes(browsers[19].news())
    assert asked == ["en", "rw"]
    assert len(json.loads(first)["all"]) == 2
    for text in (told, other):
        data = json.loads(text)
        assert [call["id"] for call in data["calls"]] == [3] and len(data["gone"]) == 1


async def test_what_comes_while_a_browser_is_told_is_not_waited_for(server: Running) -> None:
    feed, board = feed_of(server), Board()
    feed.standing = board.standing(NOW_MS)
    told = feed.standing
    board.take([said(1, "g:1")])
    feed.standing = board.standing(NOW_MS)
    async with asyncio.timeout(1):
        await feed.next(told, 60)
    began = time.monotonic()
    await feed.next(feed.standing, 0.05)
    assert time.monotonic() - began >= 0.04


async def test_so_many_may_look_on_and_no_more(
    server: Running, viewer: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "WATCHERS_MAX", 2)
    async with streaming(viewer), streaming(viewer), streaming(viewer) as third:
        assert third.status == 503
    # A browser that has gone is noticed when something is written to it.
    async with asyncio.timeout(12):
        while feed_of(server).watchers:
            await asyncio.sleep(0.05)
    async with streaming(viewer) as stream:
        assert stream.status == 200


async def test_one_session_does_not_take_the_places_of_all(
    server: Running, viewer: Desk, supervisor: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "OF_ONE_MAX", 2)
    async with streaming(viewer), streaming(viewer), streaming(viewer) as third:
        assert third.status == 503
        async with streaming(supervisor) as stream:
            assert stream.status == 200


async def test_nothing_is_read_while_nobody_looks_on(
    server: Running, viewer: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with streaming(viewer) as stream:
        await stream.event("calls")
    async with asyncio.timeout(12):
        while feed_of(server).watchers:
            await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    reads = 0
    records = type(server.parts.market.records)
    read = records.read

    async def counted(self, work):
        nonlocal reads
        reads += "news_since" in repr(work)
        return await read(self, work)

    monkeypatch.setattr(records, "read", counted)
    await asyncio.sleep(1.5)
    assert reads == 0


async def test_B02_a_hop_of_another_process_is_told_too(
    tmp_path, postgres: RealPostgres, valkey: RealValkey
) -> None:
    stores = {"ISOKO_DATABASE_URL": postgres.new_database(), "ISOKO_REDIS_URL": valkey.url}
    async with (
        running(tmp_path / "one", **stores) as one,
        running(tmp_path / "two", **stores) as two,
        Desk(two) as desk,
    ):
        await joins(desk, two, "vera", "viewer")
        async with streaming(desk) as stream:
            await stream.event("calls")
            phone, took_s = one.phone(CRAFTS), []
            await phone.dials()
            await shown(stream, CRAFTS)
            for _hop in range(20):
                await phone.types("00")
                at = time.monotonic()
                while (await shown(stream, CRAFTS))["hops"] < len(phone.history) + 1:
                    pass
                took_s.append(time.monotonic() - at)
    took_s.sort()
    assert took_s[18] < patient_s(1), took_s


def test_a_position_is_what_it_says() -> None:
    for at in (Position(), Position(7, 8, 9), Position(2**59, 5, 0)):
        assert position_of(str(at)) == at
    for odd in ("", "1", "1-2", "1-2-3-4", "a-b-c", "-1-2-3", "1-2-" + "9" * 30, "\u0661-1-1"):
        assert position_of(odd) is None


async def test_B02_a_rush_begins_with_the_newest_and_not_with_days_ago(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ms = int(time.time() * 1000)
    row = {"session_key": "g:1", "hop": 1, "owner": "", "place": "home.menu", "typed": ""}
    rows = [{**row, "id": n, "shown": "x", "micros": 9, "at_ms": now_ms} for n in range(1, 11)]
    records = server.parts.market.records
    await records.write(lambda db: db.execute(insert(transcripts), rows))
    monkeypatch.setattr(live_calls, "LOOKED_AT", 4)
    at = await records.read(lambda db: begin(db, Board("", b"k" * 16), now_ms, settled_ms=5000))
    news = await records.read(lambda db: news_since(db, at, 4))
    assert at.row == 7 and news.known and [one.id for one in news.said] == [8, 9, 10]
