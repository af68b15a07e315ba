"""The page "Hand-over": the queue, one chat, and who may write in it."""

from __future__ import annotations

import re

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
    await supervisor.gets(path)
    once = re.search(r'name="once" value="([0-9a-f]+)"', supervisor.text)[1]
    for _twice in range(2):
        await supervisor.posts(f"{path}/say", text="Turaguhamagara.", once=once)
    sent = [one["args"].get("text") for one in await said(server)]
    assert sent.count("Demo Supervisor: Turaguhamagara.") == 1
    await supervisor.posts(f"{path}/say", text=" ", once="1")
    assert supervisor.status == 422 and "Write something first" in supervisor.text
    for number, pin in enumerate(("What is your PIN?", "Andika umubare w'ibanga", "use 24680")):
        await supervisor.posts(f"{path}/say", text=pin, once=f"pin{number}")
        assert supervisor.status == 422 and "asked for a PIN" in supervisor.text, pin
    assert not any("24680" in str(one) or "PIN?" in str(one) for one in await said(server))
    # What stands ready is said in the language of the person, not in that of staff.
    await supervisor.posts(f"{path}/say", ready="never", once="2")
    assert "umubare w'ibanga" in (await said(server))[-1]["args"]["text"]
    await supervisor.posts(f"{path}/give-back")
    assert supervisor.status == 303
    await supervisor.posts(f"{path}/say", text="late", once="3")
    assert supervisor.status == 409 and "nothing was sent" in supervisor.text
    # The page of a refusal renews itself where there is something to load.
    assert (
        f'data-here="{path}"' in supervisor.text and f'content="10; url={path}"' in supervisor.text
    )


async def test_who_only_reads_takes_no_chat(server: Running, viewer: Desk) -> None:
    await link(server, FARMER)
    await Chat(server).types("/agent")
    page = await viewer.gets("/dashboard/hand-over/1")
    assert viewer.status == 200 and "Take this chat" not in page
    for deed in ("take", "say", "give-back"):
        await viewer.posts(f"/dashboard/hand-over/1/{deed}")
        assert viewer.status == 403
