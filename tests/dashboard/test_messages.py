"""Messages that could not be sent: seen, without a number, and sent again, once and on record."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from bot.dashboard.screens.asked import PAGE
from bot.storage.schema import outbox, payments
from tests.dashboard.desk import Desk
from tests.dashboard.test_desks import audited, value
from tests.patience import patient_s
from tests.server import FARMER, Running
from tests.telegram.door import ALINE, link

STRANGER = "+250788777666"


async def given_up(server: Running, kind: str, key: str, **more: Any) -> int:
    """A letter of this kind that nobody tries any more; its id."""
    now = datetime.now(UTC)
    letter = {"kind": kind, "dedupe_key": key, "payload": {}, "due_at": now, "written_at": now}
    letter |= {"state": "dead", "attempts": 12, "done_at": now, "last_error": "refused no credit"}
    query = insert(outbox).values(letter | more).returning(outbox.c.id)
    return await server.parts.market.records.write(lambda db: db.execute(query).scalar_one())


async def test_what_could_not_be_sent_is_seen_by_way_and_masked(
    server: Running, viewer: Desk
) -> None:
    assert "No message was given up." in await viewer.gets("/dashboard/messages")
    await given_up(server, "sms", "a", payload={"contact_id": 1, "text": "Isoko: KW-1042"})
    why = {"last_error": f"refused unknown number {STRANGER}"}
    await given_up(server, "sms", "b", payload={"msisdn": STRANGER, "text": "x"}, **why)
    await given_up(server, "webhook", "c", payload={}, via="hook:1")
    await link(server, FARMER)
    chat = {"chat_id": ALINE, "method": "sendMessage", "args": {"text": "x"}}
    await given_up(server, "telegram", "d", payload=chat)
    page = await viewer.gets("/dashboard/messages")
    assert page.count("<tr>") == 4 and "refused no credit" in page and ">12<" in page
    assert 'href="/dashboard/people/1">+2507•••••01' in page and "unknown number +2507" in page
    assert STRANGER[4:] not in page and FARMER[4:] not in page and "KW-1042" not in page
    assert "/again" not in page
    page = await viewer.gets("/dashboard/messages?way=telegram")
    assert page.count("<tr>") == 2 and "sendMessage" in page


async def test_they_come_in_pages_the_newest_first(server: Running, viewer: Desk) -> None:
    for number in range(PAGE + 1):
        oldest = {"last_error": "the oldest"} if not number else {}
        await given_up(server, "sms", f"k{number}", payload={"contact_id": 1}, **oldest)
    page = await viewer.gets("/dashboard/messages")
    # Above the list each reason stands once.
    sheet = page.partition("<table")[2]
    assert page.count("<tr>") == PAGE + 1 and "the oldest" not in sheet
    before = page.partition("/dashboard/messages?before=")[2].partition('"')[0]
    page = await viewer.gets(f"/dashboard/messages?before={before}")
    assert page.count("<tr>") == 2 and "the oldest" in page


async def test_one_is_sent_again_once_and_on_record(server: Running, supervisor: Desk) -> None:
    said = {"contact_id": 1, "text": "Isoko: muraho"}
    one = await given_up(server, "sms", "a", payload=said)
    hook = await given_up(server, "webhook", "c", payload={}, via="hook:9")
    assert "↻ Again" in await supervisor.gets("/dashboard/messages")
    await supervisor.posts(f"/dashboard/messages/{one}/again")
    assert supervisor.headers["Location"] == "/dashboard/messages?said=again"
    assert "comes back here" in await supervisor.gets(supervisor.headers["Location"])
    state = select(outbox.c.state).where(outbox.c.id == one)
    async with asyncio.timeout(patient_s(10)):
        while await value(server, state) != "sent":
            await asyncio.sleep(0.05)
    for number in (one, hook, 999):
        await supervisor.posts(f"/dashboard/messages/{number}/again")
        assert supervisor.headers["Location"].endswith("said=no_effect")
    lines = await audited(server, "message sent again")
    assert [line["details"]["outcome"] for line in lines] == ["again", *["no_effect"] * 3]
    assert lines[0]["subject"] == f"message {one}"
    assert await value(server, select(outbox.c.state).where(outbox.c.id == hook)) == "dead"


@pytest.mark.parametrize("kind", ["sms", "webhook", "payout"])
async def test_now_leads_to_the_page_that_shows_what_it_counts(
    server: Running, supervisor: Desk, kind: str
) -> None:
    reference = await value(server, select(payments.c.reference).where(payments.c.id == 1))
    waits = {"state": "created", "settled_at": None, "provider": "nobody"}
    await server.parts.market.records.write(
        lambda db: db.execute(update(payments).where(payments.c.id == 1).values(waits))
    )
    why = f"why not {kind}"
    await given_up(server, kind, f"payout:{reference}:released", last_error=why)
    # Its figures are as old as a second.
    await asyncio.sleep(1.05)
    page = await supervisor.gets("/dashboard/")
    tile = page.partition('<a class="tile" href="/dashboard/messages">')[2].partition("</a>")[0]
    assert ("1 could not be sent" in tile) == (kind == "sms")
    card = page.partition("<h2>Could not be sent</h2>")[2].partition("</section>")[0]
    assert card.count('class="bad"') == 1
    row = next(row for row in card.split("<div>") if 'class="bad"' in row)
    path = row.partition('href="')[2].partition('"')[0]
    shown = await supervisor.gets(path)
    if kind == "payout":
        urgent = shown.partition("These need a person")[2].partition("All payments")[0]
        assert f">{reference[:8]}<" in urgent
    else:
        assert why in shown
    assert "isoko payouts" not in page
