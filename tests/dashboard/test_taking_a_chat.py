"""Staff come into a chat unasked, from the page of a call: with a reason, one at a time."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, insert, select, text

from bot.dashboard.screens import one_call as one_calls
from bot.dashboard.screens.one_call import one_call, span_of
from bot.market import hand_overs
from bot.storage.schema import contacts, transcripts
from tests.dashboard.desk import Desk, joins
from tests.dashboard.test_past_calls import hop
from tests.dashboard.test_screens import audited
from tests.phone import PIN
from tests.real_postgres import RealPostgres
from tests.server import FARMER, UNKNOWN, Running, running
from tests.telegram.door import Chat, link, said

WHY = "stands still at the PIN"


async def in_chat(server: Running, *typed: str) -> tuple[Chat, str]:
    """The farmer talks with the bot in the chat; the page of that conversation."""
    await link(server, FARMER)
    chat = Chat(server)
    for said_by_them in ("/menu", *typed):
        await chat.types(said_by_them)
    return chat, await page_of(server, "telegram:%")


async def page_of(server: Running, key: str) -> str:
    await server.parts.transcripts.flush()
    newest = select(func.max(transcripts.c.id)).where(transcripts.c.session_key.like(key))
    read = server.parts.market.records.read
    return f"/dashboard/calls/{await read(lambda db: db.execute(newest).scalar())}"


async def told(server: Running) -> list[str]:
    return [one["args"].get("text", "") for one in await said(server)]


async def test_D10_a_chat_is_taken_unasked_with_a_reason_and_the_person_told(
    server: Running, supervisor: Desk
) -> None:
    chat, path = await in_chat(server, "2", "1", "1")
    page = await supervisor.gets(path)
    assert f'action="{path}/take-chat"' in page
    await supervisor.posts(f"{path}/take-chat", reason=" ")
    assert supervisor.status == 422 and "Say why" in supervisor.text
    await supervisor.posts(f"{path}/take-chat", reason=f"{WHY} 0788000001")
    assert supervisor.status == 303
    assert supervisor.headers["Location"] == "/dashboard/hand-over/1"
    # In the language of the person, as the command does.
    assert any("Umwe muri twe" in text for text in await told(server))
    (line,) = await audited(server, "chat taken")
    assert line.actor == "demo supervisor" and line.details["reason"].startswith(WHY)
    assert "0788000001" not in str(line.details)
    # It stands with the person, too.
    (mine,) = await audited(server, "chat entered")
    assert mine.subject == "contact 1" and mine.details["reason"].startswith(WHY)
    before = len(await told(server))
    await chat.types("2")
    assert not any("KW-1042" in text for text in (await told(server))[before:])


async def test_the_page_of_the_chat_says_what_was_said_before_and_leads_on(
    server: Running, supervisor: Desk
) -> None:
    _chat, path = await in_chat(server, "2", "1", "1", PIN)
    await supervisor.gets(path)
    await supervisor.posts(f"{path}/take-chat", reason=WHY)
    page = await supervisor.gets(supervisor.headers["Location"])
    who = select(contacts.c.id).where(contacts.c.msisdn == FARMER)
    person = await server.parts.market.records.read(lambda db: db.execute(who).scalar())
    assert f'href="/dashboard/people/{person}"' in page and f'href="{path}"' in page
    assert "The bot is silent. demo supervisor has this chat." in page
    assert "paused at: Orders" in page and "<kbd><bdi>•••••</bdi></kbd>" in page
    before = page.partition("The conversation before")[2]
    assert before.count('<pre class="lcd"') == 5 and "Murakaza neza" in before
    assert PIN not in page and FARMER[4:] not in page and str(700100200) not in page


async def test_A07_who_only_reads_takes_no_chat_and_sees_no_button(
    server: Running, viewer: Desk
) -> None:
    _chat, path = await in_chat(server)
    assert "take-chat" not in await viewer.gets(path)
    await viewer.posts(f"{path}/take-chat", reason=WHY)
    assert viewer.status == 403
    assert not any("Umwe muri twe" in text for text in await told(server))


async def test_D03_a_chat_is_not_taken_by_a_form_of_another_site(
    server: Running, supervisor: Desk
) -> None:
    _chat, path = await in_chat(server)
    await supervisor.gets(path)
    for headers, form in (({}, supervisor.form), (None, "0" * 32)):
        await supervisor.posts(f"{path}/take-chat", headers, reason=WHY, form=form)
        assert supervisor.status == 403
    assert await audited(server, "chat taken") == []


async def test_who_has_no_chat_has_none_that_could_be_taken(
    server: Running, supervisor: Desk
) -> None:
    for msisdn in (FARMER, UNKNOWN):
        phone = server.phone(msisdn)
        await phone.dials()
        path = await page_of(server, f"africastalking:{phone.session_id}")
        assert "take-chat" not in await supervisor.gets(path)
        await supervisor.posts(f"{path}/take-chat", reason=WHY)
        assert supervisor.status == 409 and "has no chat linked" in supervisor.text
    await supervisor.posts("/dashboard/calls/999999/take-chat", reason=WHY)
    assert supervisor.status == 404


async def test_D10_two_who_take_a_chat_at_once_are_one_who_has_it(
    tmp_path, postgres: RealPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        running(tmp_path, ISOKO_DATABASE_URL=postgres.new_database()) as server,
        Desk(server) as one,
        Desk(server) as other,
    ):
        _chat, path = await in_chat(server)
        await joins(one, server, "amina", "agent")
        await joins(other, server, "eric", "supervisor")
        looked = hand_overs.open_in

        def open_in(db, chat_id: int) -> int:
            # Both have looked before either writes.
            found = looked(db, chat_id)
            db.execute(text("SELECT pg_sleep(0.3)"))
            return found

        monkeypatch.setattr(hand_overs, "open_in", open_in)
        await asyncio.gather(
            *(desk.posts(f"{path}/take-chat", reason=WHY) for desk in (one, other))
        )
        assert sorted((one.status, other.status)) == [303, 409]
        loser = one if one.status == 409 else other
        assert "A colleague has this chat" in loser.text
        assert len(await audited(server, "chat taken")) == 1


async def test_of_a_long_chat_the_newest_part_is_shown(
    records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_calls, "_HOPS_MAX", 4)
    rows = [hop("telegram:7.1", 90 - n, hop=n, owner=FARMER, shown=f"s{n}") for n in range(1, 8)]
    await records.write(lambda db: db.execute(insert(transcripts), rows))
    call = await records.read(lambda db: one_call(db, 1))
    assert [one.number for one in call.hops] == [4, 5, 6, 7] and not call.whole
    # A button is based on what came last.
    assert (await records.read(lambda db: span_of(db, 7))).last_hop == 7
