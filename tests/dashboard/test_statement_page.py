"""An operator's statement sent to the payments' page: compared, shown, and kept by nobody."""

import re
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from sqlalchemy import func, select

from bot.dashboard.screens.statement import FILE_MOST_BYTES
from bot.i18n.formats import local_day
from bot.storage.schema import audit, payments, reconciliations, tickets
from tests.dashboard.desk import Desk, joins
from tests.dashboard.test_desks import audited, value
from tests.server import FARMER, Running

PAGE = "/dashboard/payments/statement"
HEAD = "reference,transaction_id,amount,currency,payee,status,time"
STRANGE = "11111111-1111-4111-8111-111111111111"


async def paid(server: Running, number: int = 1) -> dict:
    query = select(payments).where(payments.c.id == number)
    row = await server.parts.market.records.read(lambda db: db.execute(query).mappings().one())
    assert row["state"] == "succeeded"
    return dict(row)


def day_of(one: dict) -> str:
    return local_day(one["settled_at"], "Africa/Kigali").isoformat()


def line(one: dict, **other: str) -> str:
    cells = {"reference": one["reference"], "transaction_id": one["provider_txn_id"],
             "amount": str(one["amount_rwf"]), "currency": "RWF", "payee": one["payee_msisdn"][1:],
             "status": "SUCCESSFUL", "time": one["settled_at"].isoformat(), **other}  # fmt: skip
    return ",".join(cells.values())


async def sends(desk: Desk, file: str | bytes, day: str, **other: str) -> str:
    """The form as a browser sends it with a file; the page that comes."""
    form = aiohttp.FormData()
    fields = {"form": desk.form, "operator": "mtn-momo", "day": day, **other}
    for name, text in fields.items():
        form.add_field(name, text)
    raw = file.encode() if isinstance(file, str) else file
    form.add_field("file", raw, filename="statement.csv", content_type="text/csv")
    return await desk._asks("POST", PAGE, form, desk.headers_of_a_browser)


def counted(page: str) -> dict[str, str]:
    """How many of each kind the page says."""
    return dict(re.findall(r"<dt>([a-z ]+)</dt><dd[^>]*>([0-9,]+)</dd>", page))


@pytest.fixture
async def finance(server: Running):
    async with Desk(server) as desk:
        await joins(desk, server, "fiona", "finance")
        await desk.gets(PAGE)
        assert desk.status == 200
        yield desk


async def kept(server: Running) -> list[object]:
    """What a comparison could leave behind."""
    tables = (tickets, reconciliations, payments)
    counts = [await value(server, select(func.count()).select_from(one)) for one in tables]
    return [*counts, await value(server, select(func.max(payments.c.look_up_at)))]


async def test_I07_the_four_kinds_are_told_with_what_to_do_and_only_the_audit_keeps_it(
    server: Running, finance: Desk
) -> None:
    one, before = await paid(server), await kept(server)
    day = day_of(one)
    assert counted(await sends(finance, f"{HEAD}\n{line(one)}\n", day))["matched"] == "1"
    strange = line(one, reference=STRANGE)
    page = await sends(finance, f"{HEAD}\n{line(one, amount='1')}\n{strange}\n", day)
    found = counted(page)
    assert (found["matched"], found["differing"], found["missing here"]) == ("0", "1", "1")
    assert "Pay nothing more to the person" in page and "change its keys" in page
    assert f'href="/dashboard/payments/{one["id"]}">{one["reference"]}<' in page
    for said in ("Amount", "1 RWF", f"{one['amount_rwf']} RWF", ">+2507•••••01<", STRANGE):
        assert said in page, said
    assert FARMER[4:] not in page
    page = await sends(finance, HEAD, day)
    assert counted(page)["missing there"] >= "1" and "the statement does not have it" in page
    assert await kept(server) == before
    lines = await audited(server, "statement compared")
    assert [(one["actor"], one["subject"]) for one in lines] == [
        ("fiona", f"statement mtn-momo {day}")
    ] * 3
    assert lines[1]["details"]["counts"]["differing"] == 1
    assert "statement compared" in await finance.gets("/dashboard/audit") or finance.status == 403


async def test_what_an_operator_wrote_is_shown_as_it_is_and_computed_by_nothing(
    server: Running, finance: Desk
) -> None:
    one = await paid(server)
    evil = "=HYPERLINK(1)", "@SUM(1+1)", "<script>alert(1)</script>"
    rows = [
        line(one, reference=evil[0], transaction_id=evil[1], currency=evil[2]),
        line(one, amount="=1+1"), line(one, payee="0788000001"), line(one, status=evil[2]),
        line(one, reference="x\0y"), line(one, time="0001-01-01T00:00:00+14:00"),
        line(one, reference="-2", time="9999-12-31T23:59:59-12:00"),
    ]  # fmt: skip
    page = await sends(finance, "\n".join([HEAD, *rows]), day_of(one))
    assert finance.status == 200 and counted(page)["bad row"] == "6", counted(page)
    assert "&lt;SCRIPT&gt;" in finance.wire and "<script>alert" not in finance.wire
    # A name that begins a formula has an apostrophe before it, wherever it is pasted.
    for cell in ("=hyperlink(1)", "@SUM(1+1)", "=1+1"):
        assert f">'{cell}<" in page and f">{cell}<" not in page, cell
    assert FARMER[4:] not in page
    for row, column, why in ((3, "amount", "no whole number"), (4, "payee", "country's code"),
                             (5, "status", "none of SUCCESSFUL"), (6, "reference", "64 signs"),
                             (7, "time", "no moment of that day")):  # fmt: skip
        at = page.index(f'data-label="Line of the file">{row}<')
        assert f"<code>{column}</code>" in page[at : at + 200] and why in page[at : at + 250]


@pytest.mark.parametrize(("file", "said"), [
    (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "Line 1, sign 1: this is no UTF-8 text"),
    (f"{HEAD}\nabc,\u20ac".encode() + b"\xff,1", "Line 2, sign 8: this is no UTF-8 text"),
    (b"<html><body>Sign in</body></html>", "Line 1: the column reference is missing"),
    (HEAD.replace(",", ";").encode(), "Line 1: the column reference is missing"),
    (HEAD.replace("currency,", "").encode(), "Line 1: the column currency is missing"),
    (b"", "Line 1: the column reference is missing"),
    (f'{HEAD}\na,b,c,d,e,f,"g" h\n'.encode(), "Line 2: the file is broken there"),
    (f"{HEAD}\na,{'b' * 200_000}\n".encode(), "Line 2: the file is broken there"),
])  # fmt: skip
async def test_a_file_that_is_no_statement_is_named_by_line_and_column(
    server: Running, finance: Desk, file: bytes, said: str
) -> None:
    page = await sends(finance, file, day_of(await paid(server)))
    assert finance.status == 422 and said in page, page
    assert not await audited(server, "statement compared")


async def test_a_file_has_at_most_so_much_and_a_stranger_sends_none(
    server: Running, finance: Desk, stranger: Desk, viewer: Desk
) -> None:
    one = await paid(server)
    rows = [line(one, reference=f"r{n:05}", status="FAILED") for n in range(4_000)]
    file = "\n".join([HEAD, *rows])
    assert 300_000 < len(file) < FILE_MOST_BYTES
    page = await sends(finance, file, day_of(one))
    assert counted(page)["missing here"] == "4,000" and page.count(">r0") == 100
    assert "The first 100 are shown." in page
    for most in (FILE_MOST_BYTES + 1, FILE_MOST_BYTES + 100_000):
        page = await sends(finance, b"x" * most, day_of(one))
        assert finance.status == 413 and "This file is too large" in page
    # What may not be sent is not read either.
    for desk in (stranger, viewer):
        await sends(desk, file, day_of(one))
        assert desk.status in {303, 403}, desk.status
    assert len(await audited(server, "statement compared")) == 1


async def test_D09_it_is_sent_from_our_own_page_for_a_day_and_an_operator_that_are(
    server: Running, finance: Desk
) -> None:
    one = await paid(server)
    file, day = f"{HEAD}\n{line(one)}\n", day_of(one)
    await sends(finance, file, day, form="0" * 32)
    assert finance.status == 403
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    await finance.gets(PAGE)
    for other in ({"operator": "nobody"}, {"operator": ""}, {"day": ""}, {"day": "2026-13-01"},
                  {"day": "0001-01-01"}, {"day": tomorrow}):  # fmt: skip
        await sends(finance, file, **{"day": day, **other})
        assert finance.status == 400, other
    # Without a file, and in a form that can carry none.
    await finance.gets(PAGE)
    await finance.posts(PAGE, operator="mtn-momo", day=day)
    assert finance.status == 422
    assert not await audited(server, "statement compared")
    page = await sends(finance, file, day, operator="airtel-money")
    assert counted(page)["differing"] == "1" and ">Operator<" in page


async def test_the_page_is_found_by_who_may_and_by_nobody_else(
    server: Running, finance: Desk, viewer: Desk
) -> None:
    assert PAGE in await finance.gets("/dashboard/payments")
    assert PAGE not in await viewer.gets("/dashboard/payments")
    for role in ("supervisor", "admin", "agent", "auditor"):
        async with Desk(server) as desk:
            await joins(desk, server, f"one {role}", role)
            await desk.gets(PAGE)
            assert desk.status == (200 if role in {"supervisor", "admin"} else 403), role
    refused = select(func.count()).where(audit.c.action == "refused", audit.c.subject == PAGE)
    assert await value(server, refused) == 2
