"""The page "Hand-over": the queue, one chat, and who may write in it."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from bot.dashboard.screens import hand_over
from bot.storage.schema import contacts, payments, telegram_links
from tests.dashboard.desk import Desk
from tests.dashboard.test_desks import write
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
    # Without scripts a page that loads anew would take the answer away.
    assert 'id="answer"' in page and "http-equiv" not in page and "Load again" in page
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
        # What was written is given back, without what may be a PIN.
        assert f">{pin.replace('24680', '•••••')}</textarea>" in supervisor.text
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


def ready_in(page: str) -> dict[str, str]:
    """What stands ready on the page, by the start of its key: "payout" for "payout-1-3"."""
    found = re.findall(r'name="ready" value="([^"]+)"><bdi>([^<]+)<', page)
    return {key.partition("-")[0]: f"{key} {words}" for key, words in found}


@pytest.mark.usefixtures("either_store")
async def test_what_stands_ready_is_filled_in_for_the_person_in_their_language(
    server: Running, supervisor: Desk
) -> None:
    await link(server, FARMER)
    await Chat(server, language="rw").types("/agent")
    path = "/dashboard/hand-over/1"
    assert not ready_in(await supervisor.gets(path))
    await supervisor.posts(f"{path}/take")
    ready = ready_in(await supervisor.gets(path))
    assert set(ready) == {"hello", "wait", "never", "offer", "payout"}
    # Staff read it in their own language.
    assert ready["hello"].endswith("Hello Mukamana Claudine! How can we help you?")
    assert "Isoko receipt" in ready["payout"] and "Answer by" in ready["offer"]
    for number, name in enumerate(("hello", "offer", "payout")):
        key, _space, words = ready[name].partition(" ")
        page = await supervisor.gets(path)
        await supervisor.posts(f"{path}/say", ready=key, once=f"{number}", seen=seen_in(page))
        text = (await said(server))[-1]["args"]["text"]
        assert text.startswith("Demo Supervisor: ") and words not in text
        assert (" Mwaramutse Mukamana Claudine!" in text) == (name == "hello")
        assert set(re.findall(r"KW-[0-9]+", text)) == set(re.findall(r"KW-[0-9]+", words))
    assert "inyemezabwishyu" in text


async def test_a_ready_reply_that_is_no_longer_true_is_not_sent(
    server: Running, supervisor: Desk
) -> None:
    await link(server, FARMER)
    await Chat(server).types("/agent")
    path = "/dashboard/hand-over/1"
    await supervisor.gets(path)
    await supervisor.posts(f"{path}/take")
    page = await supervisor.gets(path)
    key, before = ready_in(page)["payout"].partition(" ")[0], len(await said(server))
    version = update(payments).values(version=payments.c.version + 1)
    states = iter(("sent", "failed", "flagged"))
    for number, shown in enumerate(("is on its way since", "did not go through", None)):
        await write(server, version.values(state=next(states)))
        answer = {"ready": key, "once": f"old{number}", "text": "half written"}
        page = await supervisor.posts(f"{path}/say", **answer, seen=seen_in(page))
        assert supervisor.status == 409 and "No effect" in page
        assert ">half written</textarea>" in page
        ready = ready_in(page)
        assert shown in ready["payout"] if shown else "payout" not in ready
    assert len(await said(server)) == before


async def test_who_is_not_known_for_sure_is_told_of_no_order_and_no_money(
    server: Running, supervisor: Desk
) -> None:
    await link(server, FARMER)
    await Chat(server).types("/agent")
    path = "/dashboard/hand-over/1"
    await supervisor.gets(path)
    await supervisor.posts(f"{path}/take")
    plain = {"hello": "hello Hello! How can we help you?"}
    for unsure, sure in (
        (
            update(contacts).values(verify_since=datetime.now(UTC)),
            update(contacts).values(verify_since=None),
        ),
        (
            update(telegram_links).values(confirmed_at=None),
            update(telegram_links).values(confirmed_at=datetime.now(UTC)),
        ),
    ):
        await write(server, unsure)
        ready = ready_in(await supervisor.gets(path))
        assert set(ready) == {"hello", "wait", "never"} and plain.items() <= ready.items()
        await write(server, sure)
        assert "payout" in ready_in(await supervisor.gets(path))
