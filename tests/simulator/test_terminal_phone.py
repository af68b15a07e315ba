"""The phone in the terminal."""

import io

import pytest

from bot.simulator.terminal import run_phone
from tests.server import FARMER, Running


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
