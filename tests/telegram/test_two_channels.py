"""One person, two channels: what is left open in one is gone on with in the other, and done once."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select

from bot.storage.schema import offers, orders, outbox, stock_listings, telegram_links
from tests.phone import PIN
from tests.server import FARMER, TEA, Running
from tests.steady import of_today
from tests.telegram.chat import Chat as Account
from tests.telegram.door import Chat, everything, link

_ELSEWHERE = "You were at: order KW-1042."
_GO_ON = "Continue where you left off"


@pytest.fixture
async def chat(server: Running) -> Chat:
    """The coffee farmer's chat, in English, in use: it stands at home."""
    await link(server, FARMER)
    one = Chat(server)
    await one.types("/start")
    await one.types("/language")
    await one.presses("English")
    await one.types("/menu")
    return one


async def offer(server: Running) -> tuple[str, int]:
    """How the offer of KW-1042 stands, and how many messages there are that are no chat's."""
    state = select(offers.c.state).join(orders, orders.c.id == offers.c.order_id)
    state = state.where(orders.c.code == "KW-1042")
    told = select(func.count()).select_from(outbox).where(outbox.c.kind != "telegram")
    read = server.parts.market.records.read
    return await read(lambda db: (db.execute(state).scalar(), db.execute(told).scalar()))


async def listed(server: Running) -> int:
    """How much stock is offered."""
    count = select(func.count()).select_from(stock_listings)
    return await server.parts.market.records.read(lambda db: db.execute(count).scalar())


@pytest.mark.parametrize("how", ["/menu", "/start", "Back", "Home"])
async def test_a_call_left_open_is_gone_on_with_in_a_chat_that_is_in_use(
    server: Running, chat: Chat, how: str
) -> None:
    await chat.presses("Prices")
    if how == "Home":
        await chat.presses("Beans")
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1", "1")
    card = await (chat.types(how) if how.startswith("/") else chat.presses(how))
    assert card == _ELSEWHERE and list(chat.buttons)[:2] == [_GO_ON, "Home"]
    asks = await chat.presses(_GO_ON)
    assert "PIN" in asks and "KW-1042" in asks
    await chat.types(PIN)
    assert (await offer(server))[0] == "accepted"
    assert PIN not in await everything(server)


async def test_a_chat_left_open_is_gone_on_with_on_the_phone(server: Running, chat: Chat) -> None:
    phone = server.phone()
    # The call comes before: the phone was not the last to be used.
    await phone.dials()
    for step in ("Orders", "New order KW-1042", "Accept"):
        await chat.presses(step)
    card = await phone.dials()
    assert card == f"{_ELSEWHERE}\n1 {_GO_ON}\n2 Home"
    assert "PIN" in await phone.types("1")
    await phone.types(PIN)
    assert (await offer(server))[0] == "accepted"


async def test_and_back_again(server: Running, chat: Chat) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1", "3", "99", "1")
    assert await chat.types("/menu") == _ELSEWHERE
    await chat.presses(_GO_ON)
    assert "50" in await chat.types("50")
    assert _ELSEWHERE in await phone.dials()
    # What was typed in the chat stands on the phone; the PIN is asked there.
    assert "50" in await phone.types("1")
    assert "PIN" in phone.last
    assert await chat.types("/menu") == _ELSEWHERE
    assert "PIN" in await chat.presses(_GO_ON)
    await chat.types(PIN)
    assert (await offer(server))[0] == "accepted"


async def test_what_the_phone_went_on_with_is_not_done_again_in_the_chat(
    server: Running, chat: Chat
) -> None:
    for step in ("Orders", "New order KW-1042", "Reject"):
        await chat.presses(step)
    old = dict(chat.buttons)
    phone = server.phone()
    await phone.dials()
    await phone.types("1", "1")
    before = await offer(server)
    assert before[0] == "declined"
    # The button that still stands there leads home: its conversation went on elsewhere.
    chat.buttons = old
    assert "Welcome" in await chat.presses("Yes, reject")
    assert await offer(server) == before


async def test_a_deed_that_may_be_done_twice_is_done_once_by_both(
    server: Running, chat: Chat
) -> None:
    """An offer of stock: nothing in the records would refuse a second one."""
    for step in ("Orders", "My stock", "Offer stock", "Coffee", "Coffee cherries", "A1"):
        await chat.presses(step)
    for typed in ("1,200 kg", "650 Frw", of_today("{lately}")):
        await chat.types(typed)
    old, before = dict(chat.buttons), await listed(server)
    phone = server.phone()
    assert "You were at: your stock." in await phone.dials()
    assert "1,200 kg" in await phone.types("1")
    await phone.types("99", "5")
    assert await listed(server) == before + 1
    chat.buttons = old
    assert "Welcome" in await chat.presses("Yes, offer")
    assert await listed(server) == before + 1


async def test_a_PIN_that_is_typed_in_a_chat_that_was_left_does_nothing_and_is_kept_nowhere(
    server: Running, chat: Chat
) -> None:
    for step in ("Orders", "New order KW-1042", "Accept"):
        await chat.presses(step)
    phone = server.phone()
    await phone.dials()
    await phone.types("1")
    assert await chat.types(PIN) == _ELSEWHERE
    assert (await offer(server))[0] == "offered"
    assert PIN not in await everything(server)
    assert "deleteMessage" in (await chat.methods())[-2:]


async def test_wrong_PINs_of_both_count_together(server: Running, chat: Chat) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1", "1", "80642", "80643")
    await chat.types("/menu")
    await chat.presses(_GO_ON)
    assert "Too many wrong PINs" in await chat.types("80644")
    assert (await offer(server))[0] == "offered"


async def test_who_goes_home_from_the_card_is_not_asked_again(server: Running, chat: Chat) -> None:
    phone = server.phone()
    menu = await phone.dials()
    await phone.types("2", "1")
    await chat.types("/menu")
    assert "Welcome" in await chat.presses("Home")
    assert "Welcome" in await chat.types("/menu")
    for step in ("Orders", "New order KW-1042"):
        await chat.presses(step)
    # Nor on the phone: home from its card, and then home at once.
    assert _ELSEWHERE in await phone.dials()
    assert await phone.types("2") == menu
    assert await phone.dials() == menu
    # What is left open after that is something else.
    await chat.presses("Accept")
    assert _ELSEWHERE in await phone.dials()


async def test_a_card_of_the_phone_that_was_cut_off_is_offered_again(
    server: Running, chat: Chat
) -> None:
    for step in ("Orders", "New order KW-1042"):
        await chat.presses(step)
    phone = server.phone()
    assert _ELSEWHERE in await phone.dials()
    assert _ELSEWHERE in await phone.dials()
    assert "1 Accept" in await phone.types("1")


async def test_the_own_call_left_open_is_offered_whatever_the_chat_did_since(
    server: Running, chat: Chat
) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1")
    await chat.presses("Prices")
    assert "The connection was lost. You were at: order KW-1042." in await phone.dials()


async def test_two_presses_of_the_card_at_once_move_it_once(server: Running, chat: Chat) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1", "1")
    await chat.types("/menu")
    press = chat.press_of(chat.buttons[_GO_ON])
    await chat.sends(press, press)
    assert "PIN" in chat.text
    await asyncio.gather(chat.types(PIN), phone.types(PIN))
    assert (await offer(server))[0] == "accepted"


async def test_only_a_linked_and_confirmed_chat_of_this_number_is_offered_it(
    server: Running, chat: Chat
) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1")
    stranger, shown = Chat(server, 700100301), Account(server, 700100302)
    await stranger.types("/start")
    await stranger.presses("English")
    assert "KW-1042" not in await stranger.types("/menu")
    # Shared, and not confirmed from the phone.
    await shown.shares_own(TEA)
    tea = server.phone(TEA)
    await tea.dials()
    await tea.types("2", "1")
    assert "KW-" not in await shown.opens()
    rows = select(telegram_links.c.id).where(telegram_links.c.confirmed_at.is_not(None))
    confirmed = await server.parts.market.records.read(lambda db: db.execute(rows).all())
    assert len(confirmed) == 1
    # Unlinked, the chat is nobody's.
    await chat.types("/stop")
    await chat.types("/start")
    assert "KW-1042" not in await chat.types("/menu")


async def test_on_a_shared_phone_neither_names_it_before_the_PIN(
    server: Running, chat: Chat
) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("6", "3", "1", "00", "2", PIN, "1")
    await chat.types("/stop")
    await link(server, FARMER)
    await chat.types("/start")
    assert "KW-1042" not in chat.text and _GO_ON in chat.buttons
    asks = await chat.presses(_GO_ON)
    assert "PIN" in asks and "KW-1042" not in asks
    # That the phone was unlocked does not unlock the chat.
    assert "KW-1042" in await chat.types(PIN)
    card = await phone.dials()
    assert "KW-1042" not in card and _GO_ON in card
    assert "KW-1042" not in await phone.types("1")
    assert "KW-1042" in await phone.types(PIN)
