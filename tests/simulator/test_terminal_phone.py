"""The phone in the terminal."""

import asyncio
import io
import os
import pty
import sys

import pytest

from bot.simulator.terminal import run_phone
from tests.phone import PIN
from tests.server import FARMER, Running, running


async def test_it_dials_types_resends_and_says_the_same_bytes(server: Running) -> None:
    url = str(server.client.make_url("")).rstrip("/")
    said = io.StringIO()
    lines = io.StringIO("2\nr\nd 1\nr\ncall *384*801*1#\n?\nend\nq\n")
    await run_phone(url, FARMER, "63510", "*384*801#", lines, said)
    text = said.getvalue()
    assert "1 Komande nshya KW-1042" in text and "(the same bytes)" in text
    # Also of a reply that nobody saw: what is compared is what the server said to this very hop.
    assert "other bytes" not in text and text.count("(the same bytes)") == 2
    assert "the reply was lost" in text and "1 Ikawa y'ibitumbwe" in text


async def test_without_a_server_it_says_how_to_start_one() -> None:
    said = io.StringIO()
    with pytest.raises(SystemExit):
        await run_phone("http://127.0.0.1:9", FARMER, "63510", "*384*801#", io.StringIO(), said)
    assert "make run" in said.getvalue()


async def test_it_reads_the_sms_of_its_number(server: Running) -> None:
    url = str(server.client.make_url("")).rstrip("/")
    assert await server.inbox(FARMER)
    said = io.StringIO()
    lines = io.StringIO("sms\nsms\nn +250788000009\nsms\nq\n")
    await run_phone(url, FARMER, "63510", "*384*801#", lines, said)
    first, second, other = said.getvalue().split("SMS to ")[1:]
    # What was shown before is not shown again as if it were new.
    assert first.startswith(f"{FARMER}:") and "240,000 Frw" in first
    assert second.startswith(f"{FARMER}: nothing new")
    assert other.startswith("+250788000009: nothing new")


async def test_where_there_is_no_inbox_it_says_so(tmp_path) -> None:
    async with running(tmp_path, ISOKO_SANDBOX__ENABLED="false") as server:
        url = str(server.client.make_url("")).rstrip("/")
        said = io.StringIO()
        await run_phone(url, FARMER, "63510", "*384*801#", io.StringIO("sms\nq\n"), said)
        assert "no inbox" in said.getvalue()


async def test_a_pin_is_not_seen_on_a_terminal_and_all_else_is(server: Running) -> None:
    url = str(server.client.make_url("")).rstrip("/")
    ours, theirs = pty.openpty()
    phone = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "phone", "--url", url,
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    seen, place = "", 0

    async def until(words: str) -> None:
        nonlocal seen, place
        async with asyncio.timeout(30):
            while words not in seen[place:]:
                seen += (await asyncio.to_thread(os.read, ours, 4096)).decode(errors="replace")
        place = seen.index(words, place) + len(words)

    for waits_for, typed in (
        ("9 Ururimi", "2"), ("2 Komande zanjye", "1"), ("1 Emera", "1"), ("MoMo:", PIN),
        ("Wemeye komande KW-1042", "redial"), ("Konti yanjye", "8"), ("Andika ubutumwa", "7"),
        ("Ntukandike", "Igiciro ni gito"), ("T-", "q"),
    ):  # fmt: skip
        await until(waits_for)
        await until("> ")
        os.write(ours, f"{typed}\n".encode())
    assert await phone.wait() == 0
    os.close(ours)
    assert PIN not in seen and "Igiciro ni gito" in seen
