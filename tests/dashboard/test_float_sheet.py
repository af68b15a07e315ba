"""The daily sheet of the hub's float: from the ledger, by the hub's own day, as a page and as CSV."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote

import pytest
from sqlalchemy import insert, select

from bot.market import float_days, ledger
from bot.market.float_days import FloatDay
from bot.storage import in_lots
from bot.storage.schema import payments
from tests.dashboard.desk import Desk, joins
from tests.dashboard.test_desks import audited, value
from tests.server import Running

DAY = date(2026, 11, 10)


def posted(db) -> None:
    """Before the day, on it and after it; the first and the last minute by Kigali's clock."""

    def move(cause: str, rwf: int, fee: int, at: datetime) -> None:
        lines = [(ledger.HUB_FLOAT, rwf - fee), (ledger.FEES, fee), (ledger.SALES, -rwf)]
        ledger.post(db, cause, [line for line in lines if line[1]], at)

    midnight = datetime(2026, 11, 9, 22, 0, tzinfo=UTC)
    move("before", 900_000, 0, midnight - timedelta(seconds=1))
    move("paid out", -240_000, 1_500, midnight)
    move("came in", 50_000, 250, midnight + timedelta(hours=9))
    move("paid out more", -10_000, 0, midnight + timedelta(hours=24, seconds=-1))
    move("after", 7_000, 70, midnight + timedelta(hours=24))
    # What moves nothing of the float is not on the sheet.
    owed = [(ledger.payable(1), -300), (ledger.SALES, 300)]
    ledger.post(db, "owed", owed, midnight + timedelta(hours=1))


@pytest.mark.parametrize("at_once", [2000, 2])
async def test_a_day_is_what_was_there_what_came_left_and_cost(
    records, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    assert await float_days.of_day(records, DAY, "Africa/Kigali") == FloatDay(DAY)
    monkeypatch.setattr(float_days, "AT_ONCE", at_once)
    await records.write(posted)
    sheet = await float_days.of_day(records, DAY, "Africa/Kigali")
    assert sheet == FloatDay(DAY, 900_000, 50_000, 250_000, 1_750)
    assert sheet.closing_rwf == 698_250
    after = await float_days.of_day(records, DAY + timedelta(days=1), "Africa/Kigali")
    assert after.opening_rwf == sheet.closing_rwf
    balance = await records.read(lambda db: ledger.balance(db, ledger.HUB_FLOAT))
    assert after.closing_rwf == balance
    assert in_lots.AT_ONCE == 2000


async def test_the_sheet_is_seen_and_taken_away_by_who_keeps_the_books(
    server: Running, viewer: Desk
) -> None:
    await viewer.gets("/dashboard/payments/day")
    assert viewer.status == 403 and "Daily sheet" not in await viewer.gets("/dashboard/payments")
    await server.parts.market.records.write(posted)
    async with Desk(server) as desk:
        await joins(desk, server, "fiona", "finance")
        assert "/dashboard/payments/day" in await desk.gets("/dashboard/payments")
        page = await desk.gets(f"/dashboard/payments/day?day={DAY}")
        for seen in ("250,000\u00a0Frw", "50,000\u00a0Frw", "1,750\u00a0Frw", "day=2026-11-09"):
            assert seen in page, seen
        for odd in ("", "x", "9999-12-31", "0001-01-01", "2026-13-40", quote("'; --")):
            await desk.gets(f"/dashboard/payments/day?day={odd}")
            assert desk.status == 200, odd
        await desk.posts("/dashboard/payments/day", day=str(DAY), reason=" ")
        assert desk.status == 303 and not await audited(server, "exported")
        text = await desk.posts("/dashboard/payments/day", day=str(DAY), reason="month's end")
        assert "attachment" in desk.headers["Content-Disposition"]
        names, cells = csv.reader(io.StringIO(text))
        row = dict(zip(names, cells, strict=True))
        assert (row["day"], row["in_rwf"], row["fees_rwf"]) == (str(DAY), "50000", "1750")
        money = {name: int(cell) for name, cell in row.items() if name != "day"}
        assert money["opening_rwf"] + 50_000 - 250_000 - 1_750 == money["closing_rwf"]
    (line,) = await audited(server, "exported")
    assert line["actor"] == "fiona" and line["details"]["reason"] == "month's end"


async def test_payments_are_filtered_by_operator(server: Running, viewer: Desk) -> None:
    known = select(payments).where(payments.c.id == 1)
    read = server.parts.market.records.read
    one = dict(await read(lambda db: db.execute(known).mappings().one()))
    del one["id"]
    other = {"reference": "e" * 36, "callback_token": "t", "proof_code": "P", "offer_id": None}
    more = insert(payments).values(one | other | {"provider": "airtel-money"})
    await server.parts.market.records.write(lambda db: db.execute(more))
    mine = str(one["reference"])[:8]
    page = await viewer.gets("/dashboard/payments?provider=airtel-money")
    assert ">eeeeeeee<" in page and f">{mine}<" not in page
    assert '<option value="airtel-money" selected>Airtel Money' in page
    page = await viewer.gets("/dashboard/payments?provider=mtn-momo")
    assert ">eeeeeeee<" not in page and f">{mine}<" in page
    assert await value(server, select(payments.c.provider).where(payments.c.id == 1)) == "mtn-momo"
