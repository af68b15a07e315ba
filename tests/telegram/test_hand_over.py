"""Staff take a chat: the bot is silent, lines go both ways, and the flow goes on where it stood."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, select

from bot.dashboard.screens.hand_over import _with_names
from bot.market import hand_over_lines, hand_overs, people, telegram_links
from bot.storage.records import Records
from bot.storage.schema import hand_over_lines as line_rows
from bot.storage.schema import tickets
from tests.market.test_offers import farmer
from tests.phone import PIN
from tests.server import FARMER, Running, running
from tests.telegram.door import ALINE, Chat, link, said


@pytest.fixture
async def server(tmp_path) -> AsyncIterator[Running]:
    async with running(tmp_path) as one:
        await link(one, FARMER)
        yield one


async def do(server: Running, work):
    """Something that staff do."""
    return await server.parts.market.records.write(work)


async def at_a_question(server: Running) -> Chat:
    """A farmer who is asked for the PIN of an order."""
    chat = Chat(server)
    await chat.types("/language")
    await chat.presses("English")
    await chat.types("/orders")
    for _step in range(2):
        await chat.presses(next(iter(chat.buttons)))
    return chat


async def texts(server: Running) -> list[str]:
    return [one["args"].get("text", one["method"]) for one in await said(server)]


async def test_the_bot_is_silent_and_the_flow_goes_on_where_it_stood(server: Running) -> None:
    chat = await at_a_question(server)
    screen, buttons = chat.text, dict(chat.buttons)
    await chat.types("/agent")
    assert "One of us will write to you here" in (await texts(server))[-1]
    before = len(await said(server))
    await chat.types("/agent")
    await chat.types("my coffee is wet, my pin is 73914")
    await chat.sends(chat.message(photo=[{"file_id": "x"}], caption="look"))
    assert len(await said(server)) == before
    # A button does nothing, and says so.
    await chat.sends(chat.press_of(next(iter(buttons.values()))))
    assert chat.toasts[-1].startswith("One of us is in this chat")
    assert (await said(server))[-1]["method"] == "answerCallbackQuery"
    now = server.parts.engine._clock()
    (queued,) = await do(server, hand_overs.listed)
    assert queued.state == "waiting" and queued.owner == ""
    assert await do(server, lambda db: hand_overs.take(db, queued.id, "amina", now)) == "done"
    assert await do(server, lambda db: hand_overs.take(db, queued.id, "eric", now)) == "anothers"
    say = hand_over_lines.say
    assert await do(server, lambda db: say(db, queued.id, "eric", "no", "k0", now)) == "anothers"
    for _twice in range(2):
        await do(server, lambda db: say(db, queued.id, "amina", "Dry it first.", "k1", now))
    assert (await texts(server)).count("Amina: Dry it first.") == 1
    lines = await do(server, lambda db: hand_over_lines.lines_of(db, queued.id))
    assert [(line.who, line.text) for line in lines] == [
        ("person", "my coffee is wet, my pin is •••••"),
        ("person", "[a photo or a file] look"),
        ("staff", "Dry it first."),
    ]
    assert await do(server, lambda db: hand_overs.give_back(db, queued.id, "amina", now)) == "done"
    assert await do(server, lambda db: say(db, queued.id, "amina", "late", "k2", now)) == "gone"
    assert await chat.types("/continue") == screen and list(chat.buttons) == list(buttons)
    # The very question that was open takes its answer.
    assert "accepted" in await chat.types(PIN)


async def test_the_person_goes_on_with_the_bot_by_any_command(server: Running) -> None:
    chat = await at_a_question(server)
    screen = chat.text
    await chat.types("/agent")
    assert await chat.types("/continue") == screen
    assert await do(server, hand_overs.listed) == []
    await chat.types("/agent")
    await chat.types("/menu")
    assert "Orders" in chat.buttons and await do(server, hand_overs.listed) == []


async def test_staff_come_unasked_and_left_alone_it_goes_back(server: Running) -> None:
    chat, now = await at_a_question(server), server.parts.engine._clock()
    farmer_id = (await do(server, lambda db: people.by_msisdn(db, FARMER))).id
    outcome, _chat = await do(server, lambda db: hand_overs.take_of(db, farmer_id, "amina", now))
    assert outcome == "done" and "One of us writes to you here now" in (await texts(server))[-1]
    before = len(await said(server))
    await chat.types("1")
    assert len(await said(server)) == before
    later = now + hand_overs.IDLE + timedelta(minutes=5)
    assert await do(server, lambda db: hand_overs.lapse_due(db, now)) == 0
    assert await do(server, lambda db: hand_overs.lapse_due(db, later)) == 1
    assert (await texts(server))[-1] == "The bot answers again. To see where you were: /continue"


async def test_when_nobody_comes_a_ticket_asks_staff_to_call(server: Running) -> None:
    chat, stranger = await at_a_question(server), Chat(server, user_id=ALINE + 9)
    await stranger.types("/start")
    await stranger.types("/agent")
    await chat.types("/agent")
    assert [one.contact_id is None for one in await do(server, hand_overs.listed)] == [True, False]
    later = server.parts.engine._clock() + hand_overs.IDLE + timedelta(minutes=5)
    assert await do(server, lambda db: hand_overs.lapse_due(db, later)) == 2
    assert "Nobody could write to you in time" in (await texts(server))[-1]
    (ticket,) = await do(server, lambda db: db.execute(select(tickets)).all())
    assert (ticket.category, ticket.about, ticket.state) == ("call_back", "/agent", "open")


async def test_who_writes_and_is_not_answered_does_not_wait_for_ever(server: Running) -> None:
    chat, now = await at_a_question(server), server.parts.engine._clock()
    await chat.types("/agent")
    (waits,) = await do(server, hand_overs.listed)
    late = now + hand_overs.IDLE + timedelta(minutes=1)
    heard = hand_over_lines.heard
    for minute in (4, 9):
        at = now + timedelta(minutes=minute)
        await do(server, lambda db, a=at, m=minute: heard(db, waits.id, "hello?", f"l{m}", a))
    assert await do(server, lambda db: hand_overs.lapse_due(db, late)) == 1
    assert "Nobody could write to you in time" in (await texts(server))[-1]
    # Taken, it is the last line of staff that counts.
    await chat.types("/agent")
    (waits,) = await do(server, hand_overs.listed)
    taken_at = server.parts.engine._clock()
    await do(server, lambda db: hand_overs.take(db, waits.id, "amina", taken_at))
    said_at = taken_at + timedelta(minutes=6)
    say = hand_over_lines.say
    await do(server, lambda db: say(db, waits.id, "amina", "One moment.", "s1", said_at))
    heard_at = taken_at + timedelta(minutes=15)
    await do(server, lambda db: heard(db, waits.id, "and?", "l99", heard_at))
    for minutes, lapsed in ((15, 0), (17, 1)):
        moment = taken_at + timedelta(minutes=minutes)
        assert await do(server, lambda db, m=moment: hand_overs.lapse_due(db, m)) == lapsed


async def test_a_voice_message_reaches_staff_as_a_file_and_the_bot_says_what_it_reads(
    server: Running,
) -> None:
    chat = await at_a_question(server)
    screen = chat.text
    voice = {"file_id": "v", "duration": 3}
    for one in ({"voice": voice}, {"sticker": {"file_id": "s"}}, {"location": {"latitude": 1}}):
        assert await chat.sends(chat.message(**one)) == screen
        assert (await texts(server))[-1].startswith("The bot reads only text")
    await chat.types("/agent")
    before = len(await said(server))
    await chat.sends(chat.message(voice=voice))
    assert len(await said(server)) == before
    (waits,) = await do(server, hand_overs.listed)
    lines = await do(server, lambda db: hand_over_lines.lines_of(db, waits.id))
    assert [line.text for line in lines] == ["[a photo or a file]"]


@pytest.mark.parametrize("how", ["chat", "phone"])
async def test_T08_T09_a_chat_that_is_unlinked_is_in_nobody_s_hands(
    server: Running, how: str
) -> None:
    chat, now = await at_a_question(server), server.parts.engine._clock()
    await chat.types("/agent")
    (waits,) = await do(server, hand_overs.listed)
    await do(server, lambda db: hand_overs.take(db, waits.id, "amina", now))
    if how == "chat":
        await do(server, lambda db: telegram_links.unlink(db, ALINE, now))
    else:
        await do(server, lambda db: telegram_links.unlink_number(db, FARMER, now))
    assert await do(server, hand_overs.listed) == []
    say = hand_over_lines.say
    assert await do(server, lambda db: say(db, waits.id, "amina", "hello", "k1", now)) == "gone"


async def test_of_two_who_take_it_at_once_one_has_it(records: Records, now) -> None:
    def open_one(db) -> int:
        contact_id = farmer(db, 1, now)
        assert hand_overs.ask(db, 7, contact_id, "rw", now)
        assert not hand_overs.ask(db, 7, contact_id, "rw", now)
        return hand_overs.open_in(db, 7)

    one = await records.write(open_one)
    outcomes = await asyncio.gather(
        *(records.write(lambda db, by=by: hand_overs.take(db, one, by, now)) for by in "abc")
    )
    assert sorted(outcomes) == ["anothers", "anothers", "done"]


async def test_who_leaves_takes_what_was_written_along(records: Records, now) -> None:
    def work(db) -> tuple[int, int]:
        contact_id = farmer(db, 1, now)
        hand_overs.ask(db, 7, contact_id, "rw", now)
        hand_over_lines.heard(db, hand_overs.open_in(db, 7), "my field is in Ruli", "k", now)
        held = people.copy_of(db, contact_id)["written"]
        people.erase(db, contact_id, now)
        return len(held), len(db.execute(select(line_rows)).all())

    assert await records.write(work) == (1, 0)


async def test_the_queue_is_read_with_its_names_at_once(server: Running) -> None:
    now = datetime.now(UTC)

    def many(db) -> list:
        for n in range(hand_overs.LISTED_MOST + 5):
            hand_overs.ask(db, 1000 + n, 1 + n % 3, "rw", now)
        asked: list[str] = []
        event.listen(db, "before_cursor_execute", lambda *what: asked.append(what[2]))
        return [len(_with_names(db)), len(asked)]

    assert await do(server, many) == [hand_overs.LISTED_MOST, 2]


@pytest.mark.usefixtures("either_store")
async def test_a_line_with_a_sign_that_no_store_keeps_is_kept_without_it(tmp_path) -> None:
    async with running(tmp_path) as server:
        await link(server, FARMER)
        chat = await at_a_question(server)
        await chat.types("/agent")
        await chat.types("my coffee\x00 is wet\nat the\x00 bottom")
        lines = await server.parts.market.records.read(
            lambda db: db.execute(select(line_rows.c.text)).scalars().all()
        )
        assert lines == ["my coffee is wet\nat the bottom"]
