"""The board narrowed: by channel, language, conversation and risk, on the page and in the feed."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import insert, select, update

from bot.dashboard.screens.board import SHOWN_MAX, Board, Said
from bot.dashboard.screens.wanted import ALL, Wanted, asks_for_more, wanted_in
from bot.storage.schema import transcripts
from tests.dashboard.desk import Desk
from tests.dashboard.stream import streaming
from tests.dashboard.test_feed import shown
from tests.dashboard.test_past_calls import ended_with, hop
from tests.dashboard.test_screens import written
from tests.phone import PIN
from tests.server import CRAFTS, FARMER, TEA, Running
from tests.telegram.door import Chat, link

NOW_MS = int(time.time() * 1000)


def said(number: int, key: str, place: str, language: str, ago_s: int = 1) -> Said:
    at_ms = NOW_MS - ago_s * 1000
    return Said(number, key, 1, "", place, "1", "s", 4_321, at_ms, 0, language, None)


async def fill(server: Running, *rows: dict) -> None:
    await server.parts.market.records.write(lambda db: db.execute(insert(transcripts), rows))


def test_calls_beyond_those_shown_are_reached_by_what_is_wanted_of_them() -> None:
    board = Board()
    board.take(said(n, f"g:{n}", "orders.list", "rw") for n in range(1, 71))
    board.take([said(71, "telegram:7.1", "prices.list", "en", 100)])
    board.take([said(72, "g:72", "stock_change.one", "fr", 90)])
    whole = board.standing(NOW_MS)
    assert (whole.count, len(whole.calls), whole.at_risk) == (72, SHOWN_MAX, 2)
    for wanted, ids in (
        (Wanted(channel="chat"), [71]),
        (Wanted(language="fr"), [72]),
        (Wanted(flow="prices"), [71]),
        # Two conversations have one name.
        (Wanted(flow="stock"), [72]),
        (Wanted(risk="any"), [72, 71]),
        (Wanted(risk="silent", channel="phone"), [72]),
        (Wanted(risk="slow"), []),
    ):
        found = board.standing(NOW_MS, wanted)
        assert [call.id for call in found.calls] == ids, wanted
        assert (found.count, found.at_risk) == (len(ids), len(ids)), wanted
    phones = board.standing(NOW_MS, Wanted(channel="phone"))
    assert (phones.count, len(phones.calls), phones.at_risk) == (71, SHOWN_MAX, 1)


def test_a_chat_and_a_call_of_one_person_stand_beside_each_other() -> None:
    board, farmer = Board(), "+250788000001"
    talking = [
        said(number, key, "prices.list", "rw")._replace(owner=farmer)
        for number, key in enumerate(("at:1", "telegram:7.1", "at:2"), 1)
    ]
    board.take(talking[:2])
    assert {call.id for call in board.standing(NOW_MS).calls} == {1, 2}
    # Who dials anew has left the call before, and no chat.
    board.take(talking[2:])
    assert {call.id for call in board.standing(NOW_MS).calls} == {2, 3}


def test_an_address_says_which_calls_and_nothing_else() -> None:
    asked = {"channel": "chat", "language": "fr", "flow": "orders", "risk": "any"}
    assert wanted_in(asked) == Wanted(**asked)
    assert wanted_in(dict(part.split("=") for part in Wanted(**asked).query.split("&"))) == Wanted(
        **asked
    )
    odd = {"channel": "fax", "language": "sw", "flow": "'", "risk": "silent\0", "tenant": "2"}
    assert wanted_in(odd) == ALL and ALL.query == ""
    assert not asks_for_more({**asked, "since": "1-2-3", "risk": ""}, {"since"})
    for name, value in odd.items():
        assert asks_for_more({name: value}, {"since"}), name


async def test_B17_the_page_is_narrowed_by_its_address_and_goes_on_so(
    server: Running, viewer: Desk
) -> None:
    await link(server, TEA)
    await Chat(server).types("/menu")
    await server.phone().dials()
    await written(server)
    query = "channel=chat&language=fr"
    page = await viewer.gets(f"/dashboard/calls?{query}")
    assert page.count('<li class="call') == 1 and "+2507•••••02" in page
    assert "Calls that match: 1;" in page and 'data-feed="/dashboard/feed?channel=chat' in page
    assert '<option value="chat" selected>Telegram</option>' in page
    assert f'name="next" value="/dashboard/calls?{query}"' in page
    await viewer.posts("/dashboard/language", language="fr", next=f"/dashboard/calls?{query}")
    assert viewer.headers["Location"] == f"/dashboard/calls?{query}"
    await viewer.posts("/dashboard/language", language="en", next="/dashboard/")
    page = await viewer.gets("/dashboard/calls?channel=phone&flow=orders")
    assert '<li class="call' not in page and "Nothing matches." in page
    # What is no choice is all of them, and no word of it is on the page.
    page = await viewer.gets("/dashboard/calls?channel=%22%3E%3Cscript%3E&flow=nowhere")
    assert page.count('<li class="call') == 2 and "nowhere" not in page
    assert "Calls under way: 2;" in page


async def test_a_card_has_its_channel_what_was_typed_and_how_long_that_took(
    server: Running, viewer: Desk
) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("6", "2", PIN)
    async with streaming(viewer) as stream:
        card = await shown(stream, FARMER)
        while card["hops"] < 4:
            card = await shown(stream, FARMER)
    assert (card["chat"], card["typed"], card["hops"]) == (False, "•••••", 4)
    assert 0 < card["ms"] < 60_000
    await written(server)
    page = await viewer.gets("/dashboard/calls")
    board = page.partition('id="board"')[2].partition("<template")[0]
    assert '<span class="flag via">USSD</span>' in board and f"{card['ms']:.1f} ms" in board
    assert "typed <kbd><bdi>•••••</bdi></kbd>" in board and PIN not in page


async def test_the_feed_tells_only_of_what_is_wanted(server: Running, viewer: Desk) -> None:
    other = server.phone(CRAFTS)
    await other.dials()
    async with streaming(viewer, "?flow=orders&channel=phone") as stream:
        told = (await stream.event("calls")).data
        assert (told["all"], told["count"]) == ([], 0)
        phone = server.phone(FARMER)
        await phone.dials()
        await phone.types("2", "1")
        told = (await stream.event("calls")).data
        assert [card["number"][-2:] for card in told["calls"]] == ["01"] and told["count"] == 1
        await phone.types("00")
        gone = (await stream.event("calls")).data
        assert gone["gone"] == [told["calls"][0]["mark"]] and gone["count"] == 0


@pytest.mark.parametrize("query", ["?channel=fax", "?language=sw", "?flow=%27", "?risk=all",
                                   "?channel=chat&phone=0788000001"])  # fmt: skip
async def test_D06_the_feed_refuses_what_is_no_choice(
    server: Running, viewer: Desk, query: str
) -> None:
    async with streaming(viewer, query) as stream:
        assert stream.status == 403


async def test_sixty_of_more_are_shown_and_the_page_says_so(server: Running, viewer: Desk) -> None:
    rows = [hop(f"g:{n}", 5, shown="x") for n in range(75)]
    over = [hop(f"g:e{n}", 9, ends=1, language="fr") for n in range(3)]
    await fill(server, *rows, *over)
    await written(server)
    page = await viewer.gets("/dashboard/calls")
    assert page.count('<li class="call') == 60 and "· 60 of 75 shown" in page
    assert 'id="newest">' in page and 'id="partly" hidden>' in page
    page = await viewer.gets("/dashboard/calls?language=fr")
    assert 'id="newest" hidden>' in page and '<li class="call' not in page
    # Below stand those of the same choice.
    assert (await ended_with(viewer, "USSD")).count('<a class="row"') == 3
    page = await viewer.gets("/dashboard/calls?language=rw")
    assert '<a class="row"' not in page


async def test_who_turns_pages_or_goes_home_is_not_stuck(server: Running, viewer: Desk) -> None:
    reader, lost = server.phone(), server.phone(TEA)
    await reader.dials()
    await reader.types("7", "1", "99", "98", "99", "00", "1", "00", "2", "00")
    await lost.dials()
    await lost.types("2", "1", "1", "7", "7")
    await reader.types("7", "1", "99", "98", "99")
    await written(server)
    page = await viewer.gets("/dashboard/calls?risk=any")
    assert page.count('<li class="call') == 1 and "+2507•••••02" in page


async def test_an_account_without_a_number_is_not_registered(server: Running, viewer: Desk) -> None:
    """Parts of an account's number are no masked number, and lead to nobody's."""
    await Chat(server, 987654321).types("/menu")
    await written(server)
    row = await server.parts.market.records.read(
        lambda db: db.execute(select(transcripts.c.id, transcripts.c.owner)).first()
    )
    assert row.owner.endswith("987654321") and not row.owner.startswith("+")
    pages = [await viewer.gets("/dashboard/calls"), await viewer.gets(f"/dashboard/calls/{row.id}")]
    ended = update(transcripts).values(ends=1)
    await server.parts.market.records.write(lambda db: db.execute(ended))
    pages.append(await viewer.gets("/dashboard/calls?show=ended"))
    for page in pages:
        assert "not registered" in page and "•••••21" not in page
