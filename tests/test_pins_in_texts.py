"""A PIN that somebody writes where none is asked is in no table, and what is no PIN stays."""

import pytest
from sqlalchemy import select

from bot.pins_in_texts import CUT, without_pins
from bot.storage.schema import hops, metadata, tickets
from tests.dashboard.desk import Desk, demo_link
from tests.phone import PIN
from tests.server import DEBTOR, Running


@pytest.mark.parametrize(
    "text",
    ["my PIN 73914", "PIN: 73914.", "pin73914", "PIN-73914", "73914", "my code is (73914)!",
     "Umubare w'ibanga wanjye ni 73914", "umubare w’ibanga 4821", "mon code secret est 739142",
     "PIN of my phone is 73914", "7 3 9 1 4", "7-3-9-1-4 is it", "the pin is 7 3 9 1 4",
     "PIN 73 914", "PIN 73914 Frw", "73914 ni umubare w'ibanga", "code PIN 7391"],
)  # fmt: skip
def test_what_looks_like_a_pin_is_cut(text: str) -> None:
    cut = without_pins(text)
    assert CUT in cut and not any(sign.isdigit() for sign in cut)


@pytest.mark.parametrize(
    "text",
    ["KW-1042", "order KW-10421", "240000", "24000 Frw", "Frw 24000", "amafaranga 24000",
     "1,240,000 Frw", "24 000", "24/11/2026 12:30", "0788123456", "+250 788 123 456", "T-23456",
     "my PIN is wrong, order KW-1042", "12500 kg", "1042", "PIN wrong, I wait for 240000"],
)  # fmt: skip
def test_what_is_no_pin_stays(text: str) -> None:
    assert without_pins(text) == text


async def everything(server: Running) -> str:
    """All rows of all tables, snapshots of calls too."""
    await server.write_transcripts()

    def read(db) -> str:
        tables = metadata.sorted_tables
        return "\n".join(repr(tuple(row)) for table in tables for row in db.execute(select(table)))

    return await server.parts.market.records.read(read)


async def test_a_pin_in_a_message_or_a_note_is_stored_nowhere(server: Running) -> None:
    phone = server.phone(DEBTOR)
    await phone.dials()
    told = await phone.types("8", "7", "Call 0788123456 about KW-1042, my PIN 7 3 9 1 4 or 73914")
    code = told.partition("T-")[1] + told.partition("T-")[2][:5]
    kept = await everything(server)
    assert PIN not in kept and "7 3 9 1 4" not in kept and "KW-1042, my PIN" in kept
    records = server.parts.market.records
    assert (await records.read(lambda db: db.execute(select(hops)).all())) != []
    async with Desk(server) as desk:
        await desk.gets(await demo_link(server))
        assert PIN not in await desk.gets(f"/dashboard/tickets/{code}")
        await desk.posts(f"/dashboard/tickets/{code}/close", note="She said PIN 73914, I told her")
        assert desk.status == 303
    (row,) = await records.read(lambda db: db.execute(select(tickets)).all())
    assert row.state == "closed" and row.msisdn == "" and "0788123456" not in row.text
    assert "+2507•••••56 about KW-1042" in row.text
    kept = await everything(server)
    assert PIN not in kept and f"She said PIN {CUT}, I told her" in kept
