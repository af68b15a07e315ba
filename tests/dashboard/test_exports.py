"""Exports: cells that stay text, links that are good once, rows capped, erased people gone."""

import asyncio
import csv
import io
import itertools
import re
import time
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, update

from bot.csv_cells import safe_text
from bot.dashboard.screens import export_tables, exports
from bot.dashboard.screens.csv_cells import lines_of
from bot.market import people
from bot.storage import in_lots
from bot.storage.schema import audit, contacts, payments, staff
from tests.dashboard.desk import Desk, demo_link, guard_of, joins
from tests.patience import patient_s
from tests.server import FARMER, Running

# A hundred thousand take a minute and a half here, and the waits between them are the same.
ROWS = 15_000
LINK = re.compile(r'href="(/dashboard/exports/[A-Za-z0-9_-]{43})"')
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", '"=1', "  =1", "\ufeff=1",
            "＋1", "＠x", "\u202e=1", "'=1", "=cmd|' /C calc'!A0", "\n=1", "\u3000=1"]  # fmt: skip


def cells_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


async def audited(server: Running, action: str) -> list:
    query = select(audit).where(audit.c.action == action).order_by(audit.c.id)
    return await server.parts.market.records.read(lambda db: db.execute(query).mappings().all())


async def link_for(desk: Desk, what: str, **fields: str) -> str:
    """The link that a form of this export gives, or "" when none was given."""
    page = await desk.posts(f"/dashboard/exports/{what}", reason="month's end", **fields)
    found = LINK.search(page)
    return found[1] if found else ""


@pytest.mark.parametrize("text", FORMULAS)
def test_X01_a_cell_that_could_be_computed_begins_with_an_apostrophe(text: str) -> None:
    ((cell,),) = cells_of(lines_of([[text]]))
    assert cell == f"'{text}"


@pytest.mark.parametrize("text", ["Mukamana", "KW-1042", "a=b", "1=1", "O'Neil", "", "é", " x"])
def test_X01_any_other_text_stays_as_it_is(text: str) -> None:
    assert cells_of(lines_of([[text, "x"]])) == [[text, "x"]]


def test_X01_numbers_stay_numbers_and_texts_are_quoted() -> None:
    line = lines_of([[-5, 12_000, None, "a,b", 'say "x"', datetime(2026, 11, 24, 9, tzinfo=UTC)]])
    assert line == '-5,12000,"","a,b","say ""x""","2026-11-24T09:00:00+00:00"\r\n'


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), min_size=1))
def test_X01_a_parser_finds_every_cell_again_and_none_that_computes(texts: list[str]) -> None:
    (found,) = cells_of(lines_of([texts]))
    for text, cell in zip(texts, found, strict=True):
        kept = text.replace("\0", "")
        assert cell in {kept, f"'{kept}"}
        assert cell[:1] not in tuple("=+-@\t\r＝＋－＠")
        assert safe_text(kept) == cell


async def test_X01_D01_a_hostile_name_is_text_in_the_file(server: Running) -> None:
    evil = '=HYPERLINK("http://evil.example";"x")'
    name = update(contacts).where(contacts.c.msisdn == FARMER).values(names=evil)
    await server.parts.market.records.write(lambda db: db.execute(name))
    async with Desk(server) as desk:
        await joins(desk, server, "zoe", "supervisor")
        rows = cells_of(await desk.raw(await link_for(desk, "people")))
    names = [row[rows[0].index("name")] for row in rows[1:]]
    assert f"'{evil}" in names and len(rows) == 8
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows[1:] for cell in row)


async def test_X02_a_link_is_good_once_in_its_own_session_for_ten_minutes(
    server: Running,
) -> None:
    async with Desk(server) as desk, Desk(server) as other:
        await joins(desk, server, "fiona", "finance")
        await joins(other, server, "felix", "finance")
        link = await link_for(desk, "payments")
        # A colleague of the same role, a guess, nobody.
        assert "exports/" in link
        await other.gets(link)
        assert other.status == 410
        await other.gets("/dashboard/exports/" + "a" * 43)
        assert other.status == 410
        async with Desk(server) as stranger:
            await stranger.gets(link)
            assert stranger.status == 303
        rows = cells_of(await desk.raw(link))
        assert desk.status == 200 and desk.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert "attachment" in desk.headers["Content-Disposition"]
        assert desk.headers["X-Content-Type-Options"] == "nosniff"
        assert rows[0][0] == "reference" and len(rows) == 2
        await desk.gets(link)
        assert desk.status == 410
        late = await link_for(desk, "payments")
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
            await desk.gets(late)
        assert desk.status == 410
    refused = [line["actor"] for line in await audited(server, "export refused")]
    assert refused == ["felix", "felix", "fiona", "fiona"]


async def test_X02_who_took_what_and_why_is_on_record(server: Running) -> None:
    async with Desk(server) as desk:
        await joins(desk, server, "fiona", "finance")
        rows = cells_of(await desk.raw(await link_for(desk, "payments", state="succeeded")))
    (asked,), (taken,) = await audited(server, "export asked"), await audited(server, "exported")
    assert asked["actor"] == taken["actor"] == "fiona"
    assert taken["subject"] == "export payments"
    said = {"reason": "month's end", "filter": "state=succeeded", "count": len(rows) - 1}
    assert asked["details"] == said and taken["details"] == {**said, "whole": True}
    assert {row[rows[0].index("state")] for row in rows[1:]} == {"succeeded"}


async def test_X02_nothing_leaves_without_a_reason_or_the_role(server: Running) -> None:
    async with Desk(server) as viewer, Desk(server) as agent:
        await joins(viewer, server, "vera", "viewer")
        await joins(agent, server, "amina", "agent")
        for what in export_tables.tables():
            await viewer.posts(f"/dashboard/exports/{what}", reason="x")
            assert viewer.status == 403, what
        for what in ("payments", "ledger", "people", "audit"):
            assert await link_for(agent, what) == "" and agent.status == 403
        assert await link_for(agent, "passwords") == "" and agent.status == 404
        page = await agent.posts("/dashboard/exports/orders", reason="  ")
        assert agent.status == 422 and not LINK.search(page)
        assert await link_for(agent, "orders")
    assert len(await audited(server, "export asked")) == 1


async def test_X02_a_role_takes_so_many_rows_and_no_more(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {**export_tables.MOST_ROWS, "agent": 5}
    monkeypatch.setattr("bot.dashboard.screens.exports.MOST_ROWS", few)
    async with Desk(server) as desk:
        await joins(desk, server, "amina", "agent")
        assert await link_for(desk, "orders") == "" and "more than 5 rows" in desk.text
        link = await link_for(desk, "orders", q="KW-1042")
        few["agent"] = 0
        # The cap holds for what is sent, whatever was true when it was asked for.
        assert len(cells_of(await desk.raw(link))) == 1


async def test_X02_who_lost_the_role_meanwhile_takes_nothing(server: Running) -> None:
    async with Desk(server) as desk:
        await joins(desk, server, "fiona", "finance")
        link = await link_for(desk, "payments")

        demote = update(staff).where(staff.c.name == "fiona").values(role="agent")
        await server.parts.market.records.write(lambda db: db.execute(demote))
        await desk.gets(link)
        assert desk.status == 403


async def test_X04_who_was_erased_is_in_no_export(server: Running) -> None:
    write = server.parts.market.records.write
    find = select(contacts.c.id, contacts.c.names).where(contacts.c.msisdn == FARMER)
    person, name = await server.parts.market.records.read(lambda db: db.execute(find).one())
    await write(lambda db: people.erase(db, person, datetime.now(UTC)))
    async with Desk(server) as desk:
        await joins(desk, server, "zoe", "supervisor")
        said = {}
        for what in ("orders", "payments", "ledger", "people"):
            said[what] = await desk.raw(await link_for(desk, what))
    for text in said.values():
        assert name not in text and FARMER[-9:] not in text and "+2507•••••01" not in text
    # The books keep what was paid, under a number that leads to nobody.
    assert f"farmer_payable:{person}" in said["ledger"] and "240000" in said["ledger"]
    assert str(person) not in [row[0] for row in cells_of(said["people"])]


async def test_D07_numbers_are_masked_in_every_export(server: Running) -> None:
    async with Desk(server) as desk, Desk(server) as auditor:
        await joins(desk, server, "zoe", "supervisor")
        await joins(auditor, server, "odile", "auditor")
        texts = [await desk.raw(await link_for(desk, what)) for what in ("orders", "people")]
        texts += [
            await auditor.raw(await link_for(auditor, what)) for what in ("payments", "audit")
        ]
    assert all(len(text) > 300 for text in texts) and "+2507•••••01" in "".join(texts)
    assert not re.search(r"07[2389][0-9]{7}|2507[2389][0-9]{7}", "".join(texts))


async def test_B13_many_rows_are_streamed_as_they_are_read(
    server: Running,
) -> None:
    """Row by row: the first of them is there long before the last, however slow the line."""
    one = select(payments).limit(1)
    row = dict(await server.parts.market.records.read(lambda db: db.execute(one).mappings().one()))
    row.pop("id")

    def many(start: int) -> list[dict]:
        fresh = {"state": "failed", "bill_id": None, "refunds_id": None}
        return [
            row | fresh | {"reference": f"r{n}", "callback_token": f"t{n}", "proof_code": f"p{n}"}
            for n in range(start, start + 5_000)
        ]

    write = server.parts.market.records.write
    for start in range(0, ROWS, 5_000):
        await write(lambda db, start=start: db.execute(insert(payments), many(start)))
    async with Desk(server) as desk:
        await joins(desk, server, "fiona", "finance")
        link = await link_for(desk, "payments", state="failed")
        began, gaps, size, last = time.monotonic(), [], 0, b""
        async with desk.http.get(desk.base + link) as response:
            async for piece in response.content.iter_chunked(65_536):
                gaps.append(time.monotonic() - began)
                size, last = size + piece.count(b"\r\n"), piece
                # A slow line: the server waits for it, and holds nothing in its memory.
                await asyncio.sleep(0.005)
    assert size == ROWS + 1 and last.endswith(b"\r\n")
    waits = [after - before for before, after in itertools.pairwise(gaps)]
    assert gaps[0] < 3 and max(waits) < 3
    (taken,) = await audited(server, "exported")
    assert taken["details"]["count"] == ROWS


async def test_a_list_offers_its_export_with_the_filter_that_is_set(
    server: Running, supervisor: Desk
) -> None:
    page = await supervisor.gets("/dashboard/orders?q=KW-1042&product=COF-ROAST")
    assert 'name="q" value="KW-1042"' in page and 'action="/dashboard/exports/orders"' in page
    async with Desk(server) as viewer:
        await joins(viewer, server, "vera", "viewer")
        assert "/dashboard/exports/" not in await viewer.gets("/dashboard/orders")
    assert await demo_link(server)


@pytest.mark.parametrize("why", ["broken", "no access"])
async def test_an_export_that_breaks_is_cut_and_no_page_is_in_it(
    server: Running, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    async with Desk(server) as desk:
        await joins(desk, server, "zoe", "supervisor")
        link = await link_for(desk, "people")
        if why == "broken":
            monkeypatch.setattr(exports, "lot_of", lambda _db, **_what: 1 / 0)
        else:
            may = guard_of(server).still_may
            monkeypatch.setattr(exports, "LOOK_AGAIN_S", -1.0)

            async def not_any_more(request) -> bool:
                await may(request)
                return False

            monkeypatch.setattr(guard_of(server), "still_may", not_any_more)
        came = b""
        with pytest.raises(aiohttp.ClientPayloadError):
            async with desk.http.get(desk.base + link) as response:
                async for piece in response.content.iter_any():
                    came += piece
    assert b"<html" not in came and b"Mukamana" not in came
    assert len(await audited(server, "export begun")) == 1
    # The cut comes first, the line of it right after.
    async with asyncio.timeout(patient_s(2)):
        while not (lines := await audited(server, "exported")):
            await asyncio.sleep(0.01)
    (taken,) = lines
    assert taken["details"]["whole"] is False and taken["details"]["count"] == 0


async def test_what_is_summed_in_lots_is_whole(records, now, monkeypatch) -> None:
    monkeypatch.setattr(in_lots, "AT_ONCE", 3)
    line = {"at": now, "actor": "x", "action": "y", "subject": "", "details": {}}
    await records.write(lambda db: db.execute(insert(audit), [line] * 10))
    rows, count = select(audit), func.count()
    assert await in_lots.total(records, rows, audit.c.id, count) == 10
    assert await in_lots.total(records, rows, audit.c.id, count, most=4) == 5
    assert await in_lots.total(records, rows.where(audit.c.id < 0), audit.c.id, count) == 0
