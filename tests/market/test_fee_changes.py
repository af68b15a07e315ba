"""Fees are changed by two; prices and fees are of one hub each; on both stores."""

from datetime import date

import pytest
from sqlalchemy import insert, select

from bot.market import fee_changes, price_fees
from bot.market.price_fees import Fee, Fees
from bot.market.prices import PriceBoard
from bot.storage.schema import audit, prices
from tests.dashboard.desk import Desk, joins
from tests.server import Running

DAY = date(2026, 12, 1)
NEW = Fees("COF-CHERRY", DAY, "KOPAKAMA", (Fee("transport", "Ruli", 0, 25),))


async def test_fees_count_once_a_second_person_has_approved_them(records, now) -> None:
    write, read = records.write, records.read
    number = await write(lambda db: fee_changes.ask(db, "rw", NEW, "amina", now))
    assert number and await read(lambda db: price_fees.every_one(db, "rw")) == []
    assert not await write(lambda db: fee_changes.ask(db, "rw", NEW, "jeanne", now))
    for hub, by, said in (
        ("rw", " ", "no_name"), ("rw", "Amina 2", "same_person"), ("ug", "jeanne", "gone"),
        ("rw", "jeanne", "approved"), ("rw", "claude", "gone"),
    ):  # fmt: skip
        found = await write(
            lambda db, hub=hub, by=by: fee_changes.approve(db, hub, number, by, now)
        )
        assert found == said, (hub, by)
    assert await read(lambda db: price_fees.every_one(db, "rw")) == [NEW]
    assert await read(lambda db: fee_changes.waiting(db, "rw")) == []
    assert not await write(lambda db: fee_changes.ask(db, "rw", NEW, "amina", now))
    line = select(audit.c.actor, audit.c.details).where(audit.c.action == "fees published")
    actor, details = await read(lambda db: db.execute(line).one())
    assert (actor, details["second"]) == ("amina", "jeanne")


async def test_what_is_withdrawn_is_asked_for_anew_and_none_is_refused(records, now) -> None:
    write = records.write
    number = await write(lambda db: fee_changes.ask(db, "rw", NEW, "amina", now))
    gone = await write(lambda db: fee_changes.withdraw(db, "rw", number, "amina", now))
    assert gone == "withdrawn"
    again = await write(lambda db: fee_changes.ask(db, "rw", NEW, "amina", now))
    assert again and again != number
    all_of_it = Fees("COF-CHERRY", DAY, "x", (Fee("a", "b", 1000),))
    with pytest.raises(ValueError, match="nothing for the farmer"):
        await write(lambda db: fee_changes.ask(db, "rw", all_of_it, "amina", now))


async def test_the_prices_of_another_hub_are_not_ours(records, now) -> None:
    one = {"product": "COF-CHERRY", "place": "Ruli", "district": "Gakenke", "kind": "observed",
           "unit": "kg", "valid_on": DAY, "source": "RAB", "entered_at": now}  # fmt: skip
    rows = [one | {"hub": "ug", "amount_rwf": 900}, one | {"hub": "rw", "amount_rwf": 700}]
    await records.write(lambda db: db.execute(insert(prices), rows))
    for hub, amount in (("rw", 700), ("ug", 900)):
        board = PriceBoard(records, 30, hub)
        await board.load()
        assert [found.amount_rwf for found in board.latest("COF-CHERRY")] == [amount]


async def test_fees_are_approved_on_the_page_by_another_than_who_asked(server: Running) -> None:
    records, now = server.parts.market.records, server.parts.engine._clock()
    number = await records.write(lambda db: fee_changes.ask(db, "rw", NEW, "fiona", now))
    async with Desk(server) as fiona, Desk(server) as felix, Desk(server) as vera:
        await joins(fiona, server, "fiona", "finance")
        await joins(felix, server, "felix", "finance")
        await joins(vera, server, "vera", "viewer")
        page = await vera.gets("/dashboard/fees")
        assert "KOPAKAMA" in page and "/approve" not in page
        approve = f"/dashboard/fees/{number}/approve"
        for desk, said in ((fiona, "same_person"), (felix, "approved"), (felix, "gone")):
            await desk.gets("/dashboard/fees")
            await desk.posts(approve)
            assert desk.headers["Location"].endswith(f"said={said}")
        await vera.posts(approve)
        assert vera.status == 403
