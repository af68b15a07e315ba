"""The page "Hand-over": the queue, one chat, and who may write in it."""

from __future__ import annotations

import asyncio
import re

import pytest

from bot.dashboard.screens import hand_over
from tests.dashboard.desk import Desk
from tests.server import FARMER, Running
from tests.telegram.door import Chat, link, said


async def test_a_chat_is_taken_answered_and_given_back(server: Running, supervisor: Desk) -> None:
    assert "Nobody asks for one of us" in await supervisor.gets("/dashboard/hand-over")
    await link(server, FARMER)
    chat = Chat(server)
    await chat.types("/menu")
    await chat.types("/agent")
    await chat.types("call me on 0788000001 <b>now</b>")
    page = await supervisor.gets("/dashboard/hand-over")
    assert "Mukamana Claudine" in page and "waits for somebody" in page
    path = re.search(r"/dashboard/hand-over/\d+", page)[0]
    page = await supervisor.raw(path)
    assert "&lt;b&gt;now&lt;/b&gt;" in page and "0788000001" not in page
    await supervisor.posts(f"{path}/take")
    assert supervisor.status == 303
    page = await supervisor.gets(path)
    once = re.search(r'name="once" value="([0-9a-f]+)"', supervisor.text)[1]
    for _twice in range(2):
        await supervisor.posts(f"{path}/say", text="Turaguhamagara.", once=once, seen=seen_in(page))
    sent = [one["args"].get("text") for one in await said(server)]
    assert sent.count("Demo Supervisor: Turaguhamagara.") == 1
    await supervisor.posts(f"{path}/say", text=" ", once="1")
    assert supervisor.status == 422 and "Write something first" in supervisor.text
    for number, pin in enumerate(("What is your PIN?", "Andika umubare w'ibanga", "use 24680")):
        await supervisor.posts(f"{path}/say", text=pin, once=f"pin{number}")
        assert supervisor.status == 422 and "asked for a PIN" in supervisor.text, pin
    assert not any("24680" in str(one) or "PIN?" in str(one) for one in await said(server))
    # What stands ready is said in the language of the person, not in that of staff.
    await supervisor.posts(f"{path}/say", ready="never", once="2", seen=seen_in(supervisor.text))
    assert "umubare w'ibanga" in (await said(server))[-1]["args"]["text"]
    await supervisor.posts(f"{path}/give-back")
    assert supervisor.status == 303
    await supervisor.posts(f"{path}/say", text="late", once="3")
    assert supervisor.status == 409 and "nothing was sent" in supervisor.text
    # The page of a refusal renews itself where there is something to load.
    assert f'data-here="{path}"' in supervisor.text
    assert f'content="10; url={path}?renewed=1"' in supervisor.text


def seen_in(page: str) -> str:
    """The newest line that the page showed, as its form says it."""
    return re.search(r'name="seen" value="([0-9]+)"', page)[1]


async def test_D09_an_answer_waits_for_who_has_not_read_the_newest_line(
    server: Running, supervisor: Desk
) -> None:
    await link(server, FARMER)
    chat = Chat(server)
    await chat.types("/agent")
    await chat.types("My payout is not here")
    await supervisor.gets("/dashboard/hand-over/1")
    await supervisor.posts("/dashboard/hand-over/1/take")
    old = seen_in(await supervisor.gets("/dashboard/hand-over/1"))
    await chat.types("It has come now")
    say, text = "/dashboard/hand-over/1/say", 'We look at "it" now.'
    for number, seen in enumerate((old, "", "x", "9" * 50)):
        page = await supervisor.posts(say, text=text, once=f"old{number}", seen=seen)
        assert supervisor.status == 409 and "Nothing was sent" in page, seen
        # What was written stays there, beside what had not been read.
        assert f">{text}</textarea>" in page and "It has come now" in page
    assert not any("We look at" in str(one) for one in await said(server))
    await supervisor.posts(say, text="Good!", once="new", seen=seen_in(page))
    assert supervisor.status == 303
    assert (await said(server))[-1]["args"]["text"] == "Demo Supervisor: Good!"


async def test_who_only_reads_takes_no_chat(server: Running, viewer: Desk) -> None:
    await link(server, FARMER)
    await Chat(server).types("/agent")
    page = await viewer.gets("/dashboard/hand-over/1")
    assert viewer.status == 200 and "Take this chat" not in page
    for deed in ("take", "say", "give-back"):
        await viewer.posts(f"/dashboard/hand-over/1/{deed}")
        assert viewer.status == 403


async def test_who_has_the_chat_open_sees_that_a_colleague_writes(
    server: Running, supervisor: Desk, viewer: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await link(server, FARMER)
    await Chat(server).types("/agent")
    path = "/dashboard/hand-over/1"
    await supervisor.gets(path)
    # Nobody writes in a chat that waits, and only looking on is no writing.
    await supervisor.posts(f"{path}/typing")
    assert supervisor.status == 409
    await supervisor.gets(path)
    await supervisor.posts(f"{path}/take")
    await supervisor.posts(f"{path}/typing")
    assert (supervisor.status, supervisor.wire) == (204, "")
    await viewer.gets(path)
    await viewer.posts(f"{path}/typing")
    assert viewer.status == 403
    assert "demo supervisor is typing" in await viewer.gets(path)
    page = await supervisor.gets(path)
    assert "is typing" not in page and "typing.js" in page
    # What was sent is written no more.
    await supervisor.posts(f"{path}/say", text="Good.", once="1", seen=seen_in(page))
    assert supervisor.status == 303 and "is typing" not in await viewer.gets(path)
    monkeypatch.setattr(hand_over, "_TYPING_S", 0.05)
    await supervisor.posts(f"{path}/typing")
    await asyncio.sleep(0.1)
    assert "is typing" not in await viewer.gets(path)
