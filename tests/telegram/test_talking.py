"""Conversations in a chat: buttons, late and forged presses, typed words, commands, secrets."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.storage.schema import audit, offers, orders, outbox
from tests.phone import PIN
from tests.server import FARMER, Running, running
from tests.telegram.door import (
    ALINE,
    Chat,
    everything,
    figure,
    link,
    post,
    rows,
    said,
    settle,
)

_STRANGER = 700100300


@pytest.fixture
async def chat(server: Running) -> Chat:
    """The coffee farmer's chat, in English."""
    await link(server, FARMER)
    one = Chat(server)
    await one.types("/start")
    await one.types("/language")
    await one.presses("English")
    await one.types("/menu")
    return one


async def state_of_offer(server: Running) -> str:
    query = select(offers.c.state).join(orders, orders.c.id == offers.c.order_id)
    query = query.where(orders.c.code == "KW-1042")
    return str(await server.parts.market.records.read(lambda db: db.execute(query).scalar()))


async def test_a_farmer_walks_prices_and_accepts_an_order(server: Running, chat: Chat) -> None:
    assert "Coffee" in "".join((await chat.presses("Prices"), *chat.buttons))
    assert "Frw" in await chat.presses(next(iter(chat.buttons)))
    await chat.presses("Home")
    await chat.presses("Orders")
    await chat.presses("New order KW-1042")
    assert "PIN" in await chat.presses("Accept")
    assert await state_of_offer(server) == "offered"
    assert "KW-1042" in await chat.types(PIN)
    assert await state_of_offer(server) == "accepted"
    kept = await everything(server)
    assert PIN not in kept
    last = (await chat.methods())[-2:]
    assert last == ["deleteMessage", "sendMessage"]


async def test_a_typed_PIN_is_taken_back_and_not_kept_even_when_it_is_wrong(
    server: Running, chat: Chat
) -> None:
    for step in ("Orders", "New order KW-1042", "Accept"):
        await chat.presses(step)
    await chat.types("80808")
    assert (await chat.methods())[-2:] == ["deleteMessage", "sendMessage"]
    assert "80808" not in await everything(server)
    said_so_far = repr(await said(server))
    assert "80808" not in said_so_far


async def test_T10_a_button_of_one_s_own_making_is_refused(server: Running, chat: Chat) -> None:
    await chat.presses("Orders")
    await chat.presses("New order KW-1042")
    good = chat.buttons["Accept"]
    before = chat.text
    other = Chat(server, _STRANGER)
    await other.types("/start")
    theirs = next(iter(other.buttons.values()))
    flipped = good[:-1] + ("A" if good[-1] != "A" else "B")
    for data in (
        "ord:accept:9999",
        "",
        flipped,
        good + "=",
        good + "\n",
        theirs,
        "é" * 32,
        "A" * 64,
    ):
        await chat.sends(chat.press_of(data))
        assert chat.toasts[-1] == "Invalid choice. Try again."
    # The farmer's own button in the hands of somebody else.
    await other.sends(other.press_of(good))
    assert chat.text == before and await state_of_offer(server) == "offered"
    assert await figure(server, 'isoko_refused_total{what="forged button"}') == "9.0"
    await server.write_transcripts()
    query = select(audit.c.details).where(audit.c.action == "refused")
    found = await server.parts.market.records.read(lambda db: db.execute(query).scalars().all())
    assert [one["what"] for one in found] == ["forged button"] * 9
    assert "PIN" in await chat.presses("Accept")


async def test_T11_a_button_of_an_older_message_changes_nothing_and_goes(
    server: Running, chat: Chat
) -> None:
    await chat.presses("Orders")
    await chat.presses("New order KW-1042")
    old, under = chat.buttons["Accept"], chat.message_id
    await chat.presses("Accept")
    await chat.types(PIN)
    assert await state_of_offer(server) == "accepted"
    shown = chat.text
    calls = len(await said(server))
    for _twice in range(2):
        await chat.sends(chat.press_of(old, under))
        assert chat.toasts[-1] == "Already answered. See the last message."
    assert chat.text == shown and await state_of_offer(server) == "accepted"
    new = [(one["method"], one["args"].get("reply_markup")) for one in (await said(server))[calls:]]
    gone = ("editMessageReplyMarkup", {"inline_keyboard": []})
    assert new == [("answerCallbackQuery", None), gone, ("answerCallbackQuery", None)]


async def test_T11_an_order_that_was_cancelled_meanwhile_is_not_accepted(
    server: Running, chat: Chat
) -> None:
    await chat.presses("Orders")
    await chat.presses("New order KW-1042")
    phone = server.phone()
    await phone.dials()
    # The card offers to go on where the chat is: home first.
    await phone.types("2", "2", "1", "2", "1")
    assert await state_of_offer(server) == "declined"
    await chat.presses("Accept")
    await chat.types(PIN)
    assert await state_of_offer(server) == "declined"


async def test_T13_twenty_presses_in_a_second_have_one_effect(server: Running, chat: Chat) -> None:
    for step in ("Orders", "New order KW-1042", "Reject"):
        await chat.presses(step)
    calls = len(await said(server))
    data, under = chat.buttons["Yes, reject"], chat.message_id
    presses = [chat.press_of(data, under) for _one in range(20)]
    statuses = await asyncio.gather(*(post(server, press) for press in presses))
    assert set(statuses) == {200}
    await settle(server)
    assert await state_of_offer(server) == "declined"
    methods = [one["method"] for one in (await said(server))[calls:]]
    # Each press must be answered, or its waiting sign stays; the screen changes once.
    assert sorted(methods) == ["answerCallbackQuery"] * 20 + ["editMessageText"]
    await chat.reads()
    assert chat.buttons, "the buttons of the screen that is shown stay"
    query = select(outbox.c.dedupe_key).where(outbox.c.kind == "sms")
    told = await server.parts.market.records.read(lambda db: db.execute(query).scalars().all())
    assert len(told) == len(set(told))


@pytest.mark.parametrize(
    ("typed", "seen"),
    [
        ("/prices", "Prices"),
        ("/orders@isoko_bot", "Orders"),
        ("/language", "Kinyarwanda"),
        ("/help", "Help"),
        ("/menu", "Welcome"),
        ("/start", "Welcome"),
        ("/PRICES", "Prices"),
    ],
)
async def test_a_command_leads_home_and_from_there_into_its_flow(
    chat: Chat, typed: str, seen: str
) -> None:
    await chat.presses("Lessons")
    await chat.types(typed)
    assert seen in "\n".join([chat.text, *chat.buttons])
    if "Welcome" not in seen:
        assert "Welcome" in await chat.presses("Back")


async def test_a_command_that_is_none_leaves_the_screen(chat: Chat) -> None:
    await chat.presses("Prices")
    assert "Invalid choice" in await chat.types("/buy 5")


async def test_words_are_understood_as_the_digits_of_a_phone(server: Running, chat: Chat) -> None:
    await chat.types("orders")
    await chat.types("1")
    await chat.types("  REJECT ")
    assert "Reject order" in chat.text
    await chat.types("no")
    assert "KW-1042" in chat.text and await state_of_offer(server) == "offered"
    await chat.types("Reject")
    await chat.types("yes!")
    assert await state_of_offer(server) == "declined"


async def test_a_weight_is_typed_with_its_unit(server: Running, chat: Chat) -> None:
    for step in ("Orders", "New order KW-1042", "More", "Accept a part"):
        await chat.presses(step)
    assert "PIN" in await chat.types("12 packs")
    await chat.types(PIN)
    assert await state_of_offer(server) == "accepted"


async def test_a_number_that_is_unlinked_is_somebody_else_s_conversation(
    server: Running, chat: Chat
) -> None:
    await chat.presses("Orders")
    assert "no longer linked" in await chat.types("/stop")
    await chat.types("1")
    assert "KW-1042" not in chat.text
    assert "not linked" in await chat.types("/stop")


@pytest.mark.parametrize("word", ["STOP", "hagarika", "Arrêter."])
async def test_V02_who_writes_stop_is_left_alone_and_told_so_whatever_was_asked(
    server: Running, chat: Chat, word: str
) -> None:
    await chat.presses("Orders")
    assert "no longer linked" in await chat.types(word)
    assert "not linked" in await chat.types(word)


async def test_a_conversation_that_is_gone_begins_anew_in_the_pressed_message(
    server: Running, chat: Chat
) -> None:
    await chat.presses("Prices")
    await server.lose_sessions()
    await chat.presses("Back")
    assert chat.toasts[-1] and "eWTP" in chat.text
    assert (await chat.methods())[-1] == "editMessageText"


async def test_a_deed_whose_session_and_answer_were_lost_is_answered_and_not_done_again(
    server: Running, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in ("Orders", "New order KW-1042", "Accept"):
        await chat.presses(step)
    updates = server.parts.updates
    assert updates is not None
    apply = updates._applying.apply
    times = []

    async def dies_after(held, update, link, hand_over):
        done = await apply(held, update, link, hand_over)
        times.append(held.attempts)
        if held.attempts == 1:
            await server.lose_sessions()
            raise RuntimeError("the process is gone")
        return done

    monkeypatch.setattr(updates._applying, "apply", dies_after)
    await chat.types(PIN)
    assert times == [1, 2]
    assert "KW-1042" in chat.text and await state_of_offer(server) == "accepted"


async def dies_once(server: Running, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """From now on the first try of each update is lost after its hop, before its end is written."""
    updates = server.parts.updates
    assert updates is not None
    apply, times = updates._applying.apply, []

    async def dies_after(held, update, link, hand_over):
        done = await apply(held, update, link, hand_over)
        times.append(held.attempts)
        if held.attempts == 1:
            raise RuntimeError("the process is gone")
        return done

    monkeypatch.setattr(updates._applying, "apply", dies_after)
    return times


async def test_T03_a_press_that_is_tried_again_after_its_effect_gets_the_answer_it_had(
    server: Running, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in ("Orders", "New order KW-1042", "Reject"):
        await chat.presses(step)
    times = await dies_once(server, monkeypatch)
    await chat.presses("Yes, reject")
    assert times == [1, 2] and await state_of_offer(server) == "declined"
    assert chat.toasts[-1] == "" and (await chat.methods())[-1] == "editMessageText"
    # The chat goes on: the buttons that are shown are good.
    await chat.presses("Other orders")
    assert chat.toasts[-1] == "" and "rejected" not in chat.text


async def test_T03_a_PIN_that_is_tried_again_is_still_taken_back(
    server: Running, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in ("Orders", "New order KW-1042", "Accept"):
        await chat.presses(step)
    times = await dies_once(server, monkeypatch)
    await chat.types(PIN)
    assert times == [1, 2] and await state_of_offer(server) == "accepted"
    assert (await chat.methods())[-2:] == ["deleteMessage", "sendMessage"]
    assert "KW-1042" in chat.text


async def test_screens_stay_with_their_chat_in_two_chats_at_once(server: Running) -> None:
    one, two = Chat(server), Chat(server, _STRANGER)
    for chat in (one, two):
        await chat.types("/start")
        await chat.presses("English")
    await one.presses("Prices")
    await two.presses("Help")
    assert one.text != two.text and ALINE != _STRANGER
    assert len({row.chat_id for row in await rows(server)}) == 2


async def test_the_first_screen_asks_for_the_language(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        chat = Chat(server)
        await chat.types("Muraho")
        assert list(chat.buttons) == ["Kinyarwanda", "Français", "English"]
        assert "1 " not in chat.text
        await chat.types("français")
        assert "Prix" in chat.buttons
