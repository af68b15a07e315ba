"""What people and staff write freely: whole numbers are in no page, no file and no record of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sqlalchemy import select, update

from bot.kept_text import kept_text
from bot.market.tickets import open_ticket
from bot.storage.schema import audit, contacts, exports, payments, proposals, transcripts
from tests.dashboard.desk import Desk
from tests.dashboard.stream import streaming
from tests.dashboard.test_acting import along
from tests.dashboard.test_desks import flag
from tests.dashboard.test_exports import link_for
from tests.dashboard.test_photos import photos_of
from tests.server import FARMER, Running
from tests.telegram.door import Chat

WRITTEN = "0788 000 999"
SECRET = "number 0788000999, PIN 24680"


async def everything_of(server: Running, desk: Desk) -> str:
    """All pages that show a person's name, the feed, and all the files."""
    phone = server.phone()
    await phone.dials()
    await photos_of(server, 1)
    await Chat(server).types("/agent")
    await server.parts.transcripts.flush()
    said = ""
    await server.parts.market.records.write(
        lambda db: open_ticket(db, category="call_back", msisdn=FARMER, contact_id=1,
                               language="rw", now=datetime.now(UTC))
    )  # fmt: skip
    board = await desk.gets("/dashboard/calls")
    ticket = re.search(r"/dashboard/tickets/T-\w+", await desk.gets("/dashboard/tickets"))[0]
    rows = select(transcripts.c.id).where(transcripts.c.owner == FARMER)
    row = await server.parts.market.records.read(lambda db: db.execute(rows).scalar())
    call = f"/dashboard/calls/{row}"
    for path in ("/dashboard/people", "/dashboard/people/1", "/dashboard/orders/KW-1042",
                 "/dashboard/payments", "/dashboard/payments/1", "/dashboard/call-backs",
                 "/dashboard/hand-over", "/dashboard/hand-over/1", "/dashboard/photos/1", ticket, call):  # fmt: skip
        said += await desk.gets(path)
        assert desk.status == 200, path
    said += await along(desk, call)
    for what in ("orders", "payments", "people", "audit"):
        if found := await link_for(desk, what):
            said += await desk.raw(found)
    async with streaming(desk) as stream:
        said += str(await stream.event("calls"))
    return said + board


async def test_D07_a_number_in_a_name_is_masked_wherever_the_name_is_shown(
    server: Running, supervisor: Desk
) -> None:
    name = update(contacts).values(names=f"Jean {WRITTEN}")
    await server.parts.market.records.write(lambda db: db.execute(name))
    said = await everything_of(server, supervisor)
    assert "Jean +2507" in said and "000 999" not in said and "000999" not in said


async def test_what_staff_write_keeps_no_number_and_no_pin(
    server: Running, supervisor: Desk
) -> None:
    one = await flag(server)
    await supervisor.gets("/dashboard/people/1")
    await supervisor.posts("/dashboard/people/1/copy", reason=SECRET)
    await supervisor.posts("/dashboard/people/1/forget", reason=SECRET)
    await supervisor.posts(f"/dashboard/payments/{one}/propose", end="failed", reason=SECRET)
    await supervisor.posts("/dashboard/exports/people", reason=SECRET, q="0788000999")
    tables = ((audit, "details"), (proposals, "reason"), (exports, "reason"))
    read = server.parts.market.records.read
    kept = ""
    for table, column in tables:
        found = await read(lambda db, t=table, c=column: db.execute(select(t.c[c])).scalars().all())
        kept += str(found)
    assert "+2507" in kept and "788000999" not in kept and "24680" not in kept


async def test_what_was_kept_before_is_masked_where_it_is_shown(
    server: Running, supervisor: Desk
) -> None:
    one = await flag(server)
    old = update(payments).where(payments.c.id == one).values(reason="called 0788000999")
    await server.parts.market.records.write(lambda db: db.execute(old))
    page = await supervisor.gets(f"/dashboard/payments/{one}")
    assert "called +2507" in page and "788000999" not in page


def test_a_number_at_the_end_is_not_cut_in_two() -> None:
    said = kept_text("x" * 5 + " 0788000999", 16)
    assert "788" not in said and len(said) <= 16
