"""Of an order that several farmers bring, only what came moves at the hub's word; and disputes."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import select

from bot.hub.news_types import NEWS_DATA
from bot.market import Actor, books, offers, people, subscriptions
from bot.market.receiving import grams_of
from bot.operations.housekeeping import Housekeeping
from bot.storage.schema import audit, hub_events, orders, outbox, payments, tickets
from bot.storage.schema import offers as rows
from tests.dashboard.desk import Desk, demo_link
from tests.hub.sender import Hub, order
from tests.patience import patient_s
from tests.server import AIRTEL, FARMER, Running, running

PAGE = "/dashboard/orders/KW-2001"


@pytest.fixture
async def hub(tmp_path, either_store: str) -> AsyncIterator[Hub]:
    """The hub of a server on a file, and once more on PostgreSQL."""
    async with running(tmp_path) as server:
        yield Hub(server)


@pytest.fixture
async def desk(hub: Hub) -> AsyncIterator[Desk]:
    async with Desk(hub.server) as one:
        await one.gets(await demo_link(hub.server))
        yield one


async def read(server: Running, query) -> list:
    records = server.parts.market.records
    return [tuple(row) for row in await records.read(lambda db: db.execute(query).all())]


async def part_of(server: Running, msisdn: str, *, brings: bool) -> int:
    """This farmer has accepted their part of KW-2001, and says that they brought it."""
    now, records = datetime.now(UTC), server.parts.market.records
    zone = server.parts.market.hub.timezone

    def work(db) -> int:
        who = people.by_msisdn(db, msisdn).id
        mine = [one for one in offers.open_for(db, who, now) if one.code == "KW-2001"]
        for one in mine:
            actor = Actor(f"contact:{who}", "test", "accept", who)
            offers.accept(db, actor, one.id, one.version, one.packs, now, zone)
            if brings:
                brought = Actor(f"contact:{who}", "test", "bring", who)
                offers.move(db, brought, one.id, "hand_over", now)
        return mine[0].id if mine else 0

    # The server's own work may offer it a moment later.
    async with asyncio.timeout(patient_s(10)):
        while not (offer_id := await records.write(work)):
            await asyncio.sleep(0.02)
    return offer_id


async def both(hub: Hub) -> tuple[int, int]:
    """Two farmers share the order; both press "I delivered it"."""
    await hub.says("order.created", order())
    await hub.worked()
    server = hub.server
    return (
        await part_of(server, FARMER, brings=True),
        await part_of(server, AIRTEL, brings=True),
    )


async def told(hub: Hub, kind: str, data: dict[str, object]) -> str:
    """The hub says it; what came of it, whoever has applied it."""
    assert await hub.says(kind, data) == 202
    newest = select(hub_events.c.state).order_by(hub_events.c.id.desc()).limit(1)
    async with asyncio.timeout(patient_s(10)):
        while (state := (await read(hub.server, newest))[0][0]) in {"waiting", "taken"}:
            await hub.worked()
            await asyncio.sleep(0.02)
    return state


async def goods_are(hub: Hub, stage: str, **more) -> str:
    return await told(hub, "shipment.updated", {"order_id": "KW-2001", "stage": stage, **more})


async def states(hub: Hub, *ids: int) -> list[str]:
    found = dict(await read(hub.server, select(rows.c.id, rows.c.state)))
    return [found[one] for one in ids]


async def paid_for(hub: Hub) -> list[int]:
    market, wake = hub.server.parts.market, hub.server.parts.sender.wake
    await Housekeeping(market, wake, timedelta(days=1)).keep()
    query = select(payments.c.offer_id).where(payments.c.offer_id.is_not(None))
    shown = query.where(payments.c.order_code == "KW-2001").order_by(payments.c.id)
    return [row[0] for row in await read(hub.server, shown)]


async def does(desk: Desk, offer_id: int, deed: str, **fields: str) -> str:
    path = f"{PAGE}/offers/{offer_id}/{deed}"
    # As the page has it; where its button is gone, no version.
    shown = re.search(
        rf'action="{path}">.*?name="version" value="([0-9]+)"', await desk.gets(PAGE), re.DOTALL
    )
    await desk.posts(path, version=shown[1] if shown else "", **fields)
    return re.search(r"said=([a-z_]+)", desk.headers["Location"])[1]


async def asked(hub: Hub, category: str = "shipment") -> list[tuple[str, str]]:
    query = select(tickets.c.about, tickets.c.state).where(tickets.c.category == category)
    return await read(hub.server, query.order_by(tickets.c.id))


async def test_who_brought_nothing_is_not_paid_for_what_another_brought(
    hub: Hub, desk: Desk
) -> None:
    came, never = await both(hub)
    assert await does(desk, came, "receive", kilos="many") == "no_weight"
    assert await does(desk, came, "receive", kilos="10") == "received"
    assert await does(desk, came, "receive", kilos="10") == "already"
    for stage in ("warehouse", "shipped", "shipped", "delivered"):
        await goods_are(hub, stage)
    assert await states(hub, came, never) == ["delivered", "handed_over"]
    assert await paid_for(hub) == [came]
    assert await asked(hub) == [(f"KW-2001 P-{never}", "open")]
    code = (await read(hub.server, select(tickets.c.code).order_by(tickets.c.id.desc())))[0][0]
    assert PAGE in await desk.gets(f"/dashboard/tickets/{code}")
    page = await desk.gets(PAGE)
    assert f"/dashboard/tickets/{code}" in page and "10\xa0kg" in page
    # It came after all, lighter than it should be; the hub says again where it is.
    assert await does(desk, never, "receive", kilos="9,5") == "less"
    assert await asked(hub) == [(f"KW-2001 P-{never}", "closed")]
    for stage in ("shipped", "delivered"):
        assert await goods_are(hub, stage) == "applied"
    assert await paid_for(hub) == [came, never]
    noted = select(audit.c.actor, audit.c.subject, audit.c.details)
    lines = await read(hub.server, noted.where(audit.c.action == "goods received"))
    assert [(who, what) for who, what, _d in lines] == [("demo supervisor", "order KW-2001")] * 2
    assert [one[2]["weight_g"] for one in lines] == [10_000, 9_500]


async def test_the_hub_names_the_parts_that_it_means(hub: Hub) -> None:
    came, never = await both(hub)
    assert await goods_are(hub, "shipped", parts=[f"P-{came}"]) == "applied"
    assert await goods_are(hub, "shipped", parts=["P-999999"]) == "refused"
    assert await states(hub, came, never) == ["shipped", "handed_over"]
    assert await asked(hub) == []
    body = {"order_id": "KW-2001", "stage": "shipped", "parts": ["KW-2001"]}
    assert await hub.says("shipment.updated", body) == 422


async def test_of_one_part_the_hubs_word_is_enough(hub: Hub) -> None:
    await hub.says("order.created", order())
    await hub.worked()
    alone = await part_of(hub.server, FARMER, brings=True)
    await part_of(hub.server, AIRTEL, brings=False)
    for stage in ("shipped", "delivered"):
        assert await goods_are(hub, stage) == "applied"
    assert await paid_for(hub) == [alone] and await asked(hub) == []


async def test_staff_hand_over_for_who_has_brought_it_and_not_said_so(hub: Hub, desk: Desk) -> None:
    await hub.says("order.created", order())
    await hub.worked()
    silent = await part_of(hub.server, FARMER, brings=False)
    liar = await part_of(hub.server, AIRTEL, brings=True)
    assert await does(desk, silent, "receive", kilos="10") == "received"
    await goods_are(hub, "shipped")
    assert await states(hub, silent, liar) == ["shipped", "handed_over"]


async def test_a_dispute_keeps_the_money_here_until_staff_let_it_go_on(
    hub: Hub, desk: Desk
) -> None:
    one, other = await both(hub)
    now, records = datetime.now(UTC), hub.server.parts.market.records
    await records.write(lambda db: subscriptions.subscribe(db, "https://hub.example/hook", (), now))
    problem = {"order_id": "KW-2001", "reason": "bags are wet", "parts": [f"P-{one}"]}
    assert await told(hub, "order.problem", problem) == "applied"
    assert await asked(hub, "order") == [(f"KW-2001 P-{one}", "open")]
    for offer_id in (one, other):
        await does(desk, offer_id, "receive", kilos="10")
    for stage in ("shipped", "delivered"):
        await goods_are(hub, stage)
    assert await does(desk, one, "dispute", reason=" ") == "no_reason"
    for offer_id in (one, other):
        assert await does(desk, offer_id, "dispute", reason="wet, says the buyer") == "disputed"
    assert await does(desk, one, "dispute", reason="twice") == "not_now"
    assert await paid_for(hub) == []
    assert any("is being looked at" in text or "iracyagenzurwa" in text
               for text in await hub.server.inbox(FARMER))  # fmt: skip
    assert await does(desk, one, "resume", reason="dried") == "resumed"
    assert await does(desk, one, "resume", reason="dried") == "not_now"
    assert await does(desk, other, "call-off", reason="rotten") == "called_off"
    assert await states(hub, one, other) == ["delivered", "withdrawn"]
    assert await paid_for(hub) == [one]
    assert await does(desk, one, "dispute", reason="too late") in {"paid", "not_now"}
    left = select(orders.c.packs_accepted).where(orders.c.code == "KW-2001")
    # The hub has them both.
    assert await read(hub.server, left) == [(40,)]
    news = select(outbox.c.payload).where(outbox.c.kind == "webhook").order_by(outbox.c.id)
    said = await read(hub.server, news)
    kinds = [json.loads(row[0]["body"])["type"] for row in said]
    # By now others may be asked for what was called off.
    of_disputes = [kind for kind in kinds if kind.startswith("order.") and "alloc" not in kind]
    assert of_disputes == ["order.disputed", "order.disputed", "order.resumed", "order.called_off"]
    # What was told once of the goods is not told again where a dispute ends.
    assert kinds.count("shipment.delivered") == 2
    assert (await records.read(books.check)).faults == []


async def test_what_is_never_brought_is_disputed_and_called_off(hub: Hub, desk: Desk) -> None:
    await hub.says("order.created", order())
    await hub.worked()
    never = await part_of(hub.server, FARMER, brings=False)
    await part_of(hub.server, AIRTEL, brings=False)
    await hub.until("KW-2001", "filled")
    assert f'action="{PAGE}/offers/{never}/dispute"' in await desk.gets(PAGE)
    assert await does(desk, never, "dispute", reason="never came") == "disputed"
    assert await does(desk, never, "resume", reason="comes tomorrow") == "resumed"
    assert await states(hub, never) == ["accepted"]
    assert await does(desk, never, "dispute", reason="did not come") == "disputed"
    assert await does(desk, never, "call-off", reason="did not come") == "called_off"
    line = await hub.line("KW-2001")
    assert (line["state"], line["packs_accepted"]) == ("open", 20)


async def test_all_that_the_hub_reports_of_a_part_reaches_staff(hub: Hub, desk: Desk) -> None:
    one, _other = await both(hub)
    now, records = datetime.now(UTC), hub.server.parts.market.records
    await records.write(lambda db: subscriptions.subscribe(db, "https://hub.example/hook", (), now))

    async def reports(reason: str, part: str = f"P-{one}") -> str:
        about = {"order_id": "KW-2001", "reason": reason, "parts": [part]}
        return await told(hub, "order.problem", about)

    for reason in ("a day late", "rotten, do not pay", "a day late"):
        assert await reports(reason) == "applied"
    assert await does(desk, one, "dispute", reason="rotten, says the buyer") == "disputed"
    assert await reports("the bags are torn too") == "applied"
    texts = await read(hub.server, select(tickets.c.text).order_by(tickets.c.id))
    assert [text.removeprefix("The hub reports a problem: ") for (text,) in texts] == [
        "a day late", "rotten, do not pay", "the bags are torn too",
    ]  # fmt: skip
    # What is refused is told in words of the published description.
    assert await reports("never came", "P-999999") == "refused"
    news = select(outbox.c.payload).where(outbox.c.kind == "webhook").order_by(outbox.c.id.desc())
    said = json.loads((await read(hub.server, news))[0][0]["body"])
    refused = msgspec.convert(said["data"], NEWS_DATA[said["type"]])
    assert (said["type"], refused.type) == ("order.refused", "order.problem")


def test_a_weight_is_read_as_it_is_typed() -> None:
    typed = ("12", "12.5", "12,05", " 7 ", "", "12.5 kg", "-3", "1e3", "12.3456")
    assert [grams_of(one) for one in typed] == [12_000, 12_500, 12_050, 7_000, 0, 0, 0, 0, 0]
