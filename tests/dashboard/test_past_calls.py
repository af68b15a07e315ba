"""Calls that have left the board: found from the person, and for ten minutes on the page."""

from __future__ import annotations

import asyncio
import time

import pytest
from sqlalchemy import event, insert, select, text, update

from bot.dashboard.screens import past_calls
from bot.dashboard.screens.past_calls import OF_ONE, calls_of, ended_lately
from bot.storage.schema import contacts, transcripts
from tests.dashboard.desk import Desk
from tests.dashboard.test_screens import written
from tests.patience import patient_s
from tests.phone import PIN
from tests.server import FARMER, TEA, UNKNOWN, Running
from tests.telegram.door import Chat, link


def hop(key: str, ago_s: float, **more: object) -> dict:
    row = {"session_key": key, "hop": 1, "owner": "", "place": "home.menu", "typed": ""}
    row |= {"shown": "s", "micros": 90, "ends": 0, "language": "rw"}
    return row | {"at_ms": int(time.time() * 1000 - ago_s * 1000)} | more


async def test_a_persons_last_calls_stand_on_their_page_each_with_its_transcript(
    server: Running, supervisor: Desk
) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1", "1", PIN)
    assert phone.ended
    await link(server, FARMER)
    await Chat(server).types("/menu")
    await server.phone(TEA).dials()
    await written(server)
    whose = select(contacts.c.id).where(contacts.c.msisdn == FARMER)
    person = await server.parts.market.records.read(lambda db: db.execute(whose).scalar())
    page = await supervisor.gets(f"/dashboard/people/{person}")
    calls = page.partition("The last calls")[2].partition("</section>")[0]
    assert calls.count("<li>") == 2 and calls.index("Telegram") < calls.index("USSD")
    link_of = calls.rpartition('<a href="')[2].partition('"')[0]
    assert "hop 5" in calls and "The call is over." in await supervisor.gets(link_of)
    assert FARMER[4:] not in page and PIN not in page


async def test_a_person_has_their_last_twenty_calls_and_nobody_elses(records) -> None:
    mine = [hop(f"g:{n}", 900 - n, owner=FARMER, hop=m) for n in range(25) for m in (1, 2)]
    others = [hop("g:tea", 5, owner=TEA), hop("g:nobody", 4)]
    await records.write(lambda db: db.execute(insert(transcripts), [*mine, *others]))
    found = await records.read(lambda db: calls_of(db, FARMER))
    assert [one.id for one in found] == [50 - 2 * n for n in range(OF_ONE)]
    assert {one.hops for one in found} == {2}
    # Who was erased has no number, and those without one are not theirs.
    assert await records.read(lambda db: calls_of(db, "")) == []


async def test_a_persons_calls_are_found_by_their_index(records) -> None:
    rows = [hop(f"g:{n}", 5, owner=f"+25078{n % 900:07}") for n in range(9_000)]
    rows += [hop(f"g:mine{n}", 5, owner=FARMER) for n in range(30)]
    said: list[tuple[str, object]] = []

    def plan(db) -> str:
        db.execute(text("ANALYZE"))
        event.listen(db, "before_cursor_execute", lambda *seen: said.append((seen[2], seen[3])))
        calls_of(db, FARMER)
        explain = "EXPLAIN" if db.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
        (statement, values), *_more = said
        return "\n".join(map(str, db.exec_driver_sql(f"{explain} {statement}", values)))

    await records.write(lambda db: db.execute(insert(transcripts), rows))
    how = await records.write(plan)
    assert "ix_transcripts_owner" in how and "Seq Scan" not in how and "SCAN transcripts" not in how


async def test_a_call_that_ended_or_fell_silent_is_on_the_page_for_ten_minutes(
    records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past_calls, "_AT_ONCE", 3)
    rows = [
        hop("g:long ago", 900),
        hop("g:silent long ago", 790),
        hop("g:ended long ago", 601, ends=1),
        hop("g:silent", 700),
        hop("g:ended", 599),
        hop("g:ended", 598, hop=2, ends=1, shown=""),
        hop("telegram:1.1", 300),
        hop("g:dialled anew", 40, owner=TEA),
        hop("g:under way", 30, owner=TEA),
        hop("g:another", 20, owner=FARMER),
    ]
    await records.write(lambda db: db.execute(insert(transcripts), rows))
    found = await ended_lately(records, "")
    assert not found.partly
    assert [(one.id, one.over, one.chat) for one in found.calls] == [
        (8, True, False),
        (7, False, True),
        (6, True, False),
        (4, False, False),
    ]
    assert (found.calls[0].number, found.calls[2].hops) == ("+2507•••••02", 2)
    monkeypatch.setattr(past_calls, "_LOOKED_AT", 4)
    part = await ended_lately(records, "")
    assert part.partly and [one.id for one in part.calls] == [8, 7, 6]


async def test_what_ended_is_below_the_board_masked_and_leads_to_its_call(
    server: Running, viewer: Desk
) -> None:
    page = await viewer.gets("/dashboard/calls")
    ended = page.partition('<section id="ended"')[2]
    assert "Nothing." in ended
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1", "1", PIN)
    stranger = server.phone(UNKNOWN)
    await stranger.dials()
    await stranger.types("1")
    await server.parts.transcripts.flush()
    ago = update(transcripts).values(at_ms=transcripts.c.at_ms - 200_000)
    await server.parts.market.records.write(lambda db: db.execute(ago))
    ended = await ended_with(viewer, "Fell silent")
    assert ended.count('<a class="row"') == 2 and "+2507•••••01" in ended
    assert "not registered" in ended and "ended" in ended.partition("+2507")[2]
    assert FARMER[4:] not in ended and UNKNOWN[-4:] not in ended and PIN not in ended
    first = ended.partition('<a class="row" href="')[2].partition('"')[0]
    await viewer.gets(first)
    assert viewer.status == 200


async def ended_with(desk: Desk, words: str) -> str:
    """What the page says has ended, once it has these words: it is read every five seconds."""
    until = time.monotonic() + patient_s(20)
    while True:
        ended = (await desk.gets("/dashboard/calls")).partition('<section id="ended"')[2]
        if words in ended:
            return ended
        assert time.monotonic() < until, ended
        await asyncio.sleep(0.5)
