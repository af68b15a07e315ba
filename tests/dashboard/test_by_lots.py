"""A list that is narrowed by what no index has: no read of it goes through more than a lot."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from bot.dashboard.screens import by_lots
from bot.dashboard.screens.asked import PAGE
from bot.dashboard.screens.by_lots import AT_ONCE
from bot.dashboard.screens.order_list import orders_page
from bot.dashboard.screens.payment_desk import payments_page
from bot.dashboard.screens.people_desk import people_page
from bot.dashboard.screens.webhook_desk import deliveries_page
from bot.storage.records import Records
from bot.storage.schema import contacts, hub_events, offers, orders, outbox, payments
from tests.dashboard.desk import Desk
from tests.market.money import pay
from tests.server import Running

MANY = 9000
_AT = datetime(2026, 5, 1, tzinfo=UTC)


class Counting:
    """Records that tell how many reads there were, and what was asked in them."""

    def __init__(self, records: Records) -> None:
        self._records, self.reads = records, 0

    async def read(self, work: Callable[[Connection], Any]) -> Any:
        self.reads += 1
        return await self._records.read(work)


def many(db: Connection) -> None:
    """People, the oldest of whom has a name of her own."""
    person = {"district": "gasabo", "language": "rw", "role": "farmer", "created_at": _AT}
    rows = [
        person | {"msisdn": f"+25078{n:07}", "names": "Uwase Diane" if n == 1 else f"Keza {n:x}"}
        for n in range(1, MANY + 1)
    ]
    db.execute(insert(contacts), rows)


async def test_a_search_goes_through_all_of_them_a_lot_at_a_time(records: Records) -> None:
    await records.write(many)
    counting = Counting(records)
    people, found = await people_page(counting, {"q": "nobody at all"}, 0)
    assert (people, found.following, found.partly) == ([], 0, False)
    assert counting.reads > MANY // AT_ONCE
    lots = await records.read(
        lambda db: by_lots.lot(db, select(contacts), contacts.c.id, (), 0, AT_ONCE)
    )
    assert len(lots[0]) == AT_ONCE
    # What is not narrowed is one read of a page, and what is found at once looks no further.
    for filters in ({}, {"q": "keza"}):
        counting = Counting(records)
        people, found = await people_page(counting, filters, 0)
        assert len(people) == PAGE and counting.reads == 1
        assert found.following == people[-1].id
    people, found = await people_page(counting, {"q": "uwase dia"}, 0)
    assert [one.name for one in people] == ["Uwase Diane"] and not found.following


async def test_no_one_misses_what_stands_on_the_next_page(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    await records.write(many)
    monkeypatch.setattr(by_lots, "LOOKED_AT", 4 * AT_ONCE)
    before, seen, pages = 0, [], 0
    while pages == 0 or before:
        people, found = await people_page(records, {"q": "Uwase"}, before)
        seen += [one.name for one in people]
        assert found.partly == bool(found.following)
        before, pages = found.following, pages + 1
    assert seen == ["Uwase Diane"] and pages == 3


async def test_an_old_order_is_found_by_its_whole_code_at_once(records: Records) -> None:
    def old(db: Connection) -> None:
        order = {"product": "coffee", "packs": 9, "pack_g": 500, "price_rwf": 1, "deductions": []}
        order |= {"sale_price_rwf": 1, "collection_point": "Gakenke", "placed_at": _AT}
        order |= {"deliver_by": _AT + timedelta(days=9)}
        rows = [order | {"code": f"ZZ-{n}"} for n in range(1, 4001)]
        db.execute(insert(orders), rows)

    await records.write(old)
    counting = Counting(records)
    found, page = await orders_page(counting, {"q": "zz-1"}, 0)
    assert found[0].code == "ZZ-1" and len(found) == PAGE and page.following
    assert len({one.code for one in found}) == PAGE
    # The others come after it, and it is not there twice.
    second, _page = await orders_page(records, {"q": "zz-1"}, page.following)
    assert not {one.code for one in second} & {one.code for one in found}


async def test_the_page_says_that_it_looked_through_a_part(
    server: Running, supervisor: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.parts.market.records.write(many)
    monkeypatch.setattr(by_lots, "LOOKED_AT", AT_ONCE)
    page = await supervisor.gets("/dashboard/people?q=nobody")
    assert "Nobody is found." in page and "Only the newer part was looked through" in page
    assert "before=" in page


async def test_an_old_event_is_reached_though_none_is_found_at_first(
    server: Running, supervisor: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = {"source": "hub", "type": "x", "lane": "x", "body": b"", "digest": bytes(16)}
    event |= {"due_at": _AT, "received_at": _AT}

    def events(db: Connection) -> None:
        kept = [event | {"event_id": f"e{n}", "state": "applied"} for n in range(3 * AT_ONCE)]
        kept[0] |= {"state": "parked", "event_id": "the old one"}
        db.execute(insert(hub_events), kept)

    await server.parts.market.records.write(events)
    monkeypatch.setattr(by_lots, "LOOKED_AT", AT_ONCE)
    page, pages = await supervisor.gets("/dashboard/webhooks?state=parked"), 1
    assert "Only the newer part was looked through" in page
    while "the old one" not in page:
        link = re.search(r'href="(/dashboard/webhooks\?[^"]*before=[0-9]+)"', page)
        page, pages = await supervisor.gets(link[1]), pages + 1
    assert pages > 2


async def test_all_payments_of_a_whole_order_are_found_page_by_page(server: Running) -> None:
    records, now = server.parts.market.records, datetime(2026, 11, 24, tzinfo=UTC)

    def of_one_order(db: Connection) -> list[int]:
        part = offers.c.order_id.in_(select(orders.c.id).where(orders.c.code == "KW-1042"))
        offer_id, farmer = db.execute(select(offers.c.id, offers.c.contact_id).where(part)).first()
        made = [pay(db, farmer, now, 1_000 + n, order_code="KW-1042") for n in range(PAGE + 20)]
        ids = [one.id for one in made]
        db.execute(update(payments).where(payments.c.id.in_(ids)).values(offer_id=offer_id))
        return sorted(ids, reverse=True)

    ids = await records.write(of_one_order)
    seen, before = [], 0
    while not seen or before:
        page, found = await payments_page(records, {"q": "KW-1042"}, before)
        seen += [one.payment.id for one in page]
        before = found.following
    assert seen == ids


async def test_deliveries_are_read_a_lot_at_a_time_and_each_is_on_a_page(records: Records) -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)

    def many_letters(db: Connection) -> None:
        letter = {"payload": {}, "state": "sent", "due_at": now, "written_at": now}
        for kind, step in (("webhook", 4), ("sms", 1)):
            rows = [
                letter | {"kind": kind, "dedupe_key": f"{kind}{n}"} for n in range(0, 4000, step)
            ]
            db.execute(insert(outbox), rows)
        db.execute(insert(outbox), letter | {"kind": "webhook", "dedupe_key": "d", "state": "dead"})

    await records.write(many_letters)
    for filters, many in (({}, 1001), ({"state": "sent"}, 1000), ({"state": "dead"}, 1)):
        seen, before, pages = set(), 0, 0
        while not pages or before:
            page, found = await deliveries_page(records, filters, before)
            before = found.following
            assert len(page) <= PAGE
            seen, pages = seen | {one.id for one in page}, pages + 1
        assert len(seen) == many
