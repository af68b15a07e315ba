"""The guard: roles, other sites, headers, unknown pages."""

import asyncio
import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
from sqlalchemy import func, select

from bot.dashboard.access.roles import ANYBODY, ROLES
from bot.storage.schema import audit, tickets
from tests.dashboard.desk import Desk, demo_link, filled, guard_of, joins, routes
from tests.patience import patient_s
from tests.real_postgres import RealPostgres
from tests.server import FARMER, Running, running

# The feed stays open: who may look on is told in test_feed.
NOT_ASKED = {"/dashboard/sign-out", "/dashboard/feed"}


async def refusals(server: Running) -> int:
    query = select(func.count()).where(audit.c.action == "refused", audit.c.actor != "server")
    return await server.parts.market.records.read(lambda db: db.execute(query).scalar())


# Six roles at every route: on a busy machine that takes longer than one test may.
@pytest.mark.timeout(400)
async def test_A07_every_route_says_who_may_and_all_others_are_refused_on_record(
    server: Running,
) -> None:
    guard = guard_of(server)
    seen = 0
    for role in ROLES:
        async with Desk(server) as desk:
            await joins(desk, server, f"one {role}", role)
            for method, path, handler in routes(server):
                allowed = guard.roles_of(handler)
                assert allowed, path
                if allowed == ANYBODY or path in NOT_ASKED:
                    continue
                before = await refusals(server)
                await (desk.gets(filled(path)) if method == "GET" else desk.posts(filled(path)))
                refused = desk.status == 403
                assert refused == (role not in allowed), (role, path, desk.status)
                assert await refusals(server) - before == int(refused)
                seen += 1
    asked = [handler for _method, path, handler in routes(server) if path not in NOT_ASKED]
    assert seen == len(ROLES) * sum(guard.roles_of(handler) != ANYBODY for handler in asked) > 200


MONEY, REPLAYERS, ADMINS = ["finance", "supervisor"], ["admin", "supervisor"], ["admin"]
DESKS = {
    "/dashboard/payments/{id}/ask": ["agent", "finance", "supervisor"],
    **{f"/dashboard/payments/{{id}}/{deed}": MONEY
       for deed in ("send", "release", "stop", "propose", "settle", "withdraw", "pass-on")},
    **{f"/dashboard/webhooks/{what}/{{id}}/again": REPLAYERS
       for what in ("events", "callbacks", "deliveries")},
    **{f"/dashboard/webhooks/receivers/{{id}}/{deed}": REPLAYERS
       for deed in ("recover", "on", "off", "test")},
    "/dashboard/payments/day": ["auditor", "finance", "supervisor"],
    "/dashboard/payments/statement": ["admin", "finance", "supervisor"],
    "/dashboard/messages/{id}/again": REPLAYERS,
    "/dashboard/messages/reasons/{mark}/again": REPLAYERS,
    "/dashboard/webhooks/deliveries/{id}/now": REPLAYERS,
    "/dashboard/webhooks/receivers/{id}/rotate": ADMINS,
    "/dashboard/alerts/rules/{rule}/test": ["admin", "agent", "supervisor"],
    **{f"/dashboard/payments/orphans/{{id}}/{deed}": MONEY for deed in ("match", "nobodys")},
    **{f"/dashboard/fees/{{id}}/{deed}": MONEY for deed in ("approve", "withdraw")},
    # One's own, by whoever is signed in.
    **dict.fromkeys(("/dashboard/views", "/dashboard/views/{id}/drop"), sorted(ROLES)),
    "/dashboard/people/{id}/reveal": ["supervisor"],
    **{f"/dashboard/people/{{id}}/{deed}": ["agent", "supervisor"] for deed in ("mute", "unmute")},
    **{f"/dashboard/people/{{id}}/{deed}": ["agent", "supervisor"]
       for deed in ("notes", "notes/drop", "language")},
    "/dashboard/orders/{code}/cancel": REPLAYERS,
    "/dashboard/orders/{code}/offers/{id}/notify": ["agent", "supervisor"],
    **{f"/dashboard/orders/{{code}}/offers/{{id}}/{deed}": ["agent", "supervisor"]
       for deed in ("receive", "dispute")},
    **{f"/dashboard/orders/{{code}}/offers/{{id}}/{deed}": REPLAYERS
       for deed in ("resume", "call-off")},
    "/dashboard/people/find": ["agent", "supervisor"],
    **{f"/dashboard/people/{{id}}/{deed}": ["admin", "supervisor"]
       for deed in ("copy", "forget", "erase", "keep")},
    **{f"/dashboard/people/{{id}}/{deed}": ["agent", "supervisor"]
       for deed in ("pin-ticket", "unlink")},
    "/dashboard/exports/{what}": ["admin", "agent", "auditor", "finance", "supervisor"],
    "/dashboard/audit/check": ["admin", "auditor", "supervisor"],
    "/dashboard/staff/add": ADMINS,
    **{f"/dashboard/staff/{{id}}/{deed}": ADMINS for deed in ("role", "link", "revoke", "sign-out")},
}  # fmt: skip


async def test_A07_only_these_roles_change_anything(server: Running) -> None:
    who = {path: guard_of(server).roles_of(h) for m, path, h in routes(server) if m == "POST"}
    own = {"/dashboard/sign-in", "/dashboard/sign-in/code", "/dashboard/welcome/{token}",
           "/dashboard/sign-out", "/dashboard/language"}  # fmt: skip
    assert {path: sorted(roles) for path, roles in who.items() if path not in own} == {
        "/dashboard/tickets/{code}/close": ["agent", "supervisor"],
        "/dashboard/call-backs/{code}/tried": ["agent", "supervisor"],
        "/dashboard/tickets/{code}/pin-called": ["agent", "supervisor"],
        "/dashboard/tickets/{code}/pin-reset": ["agent", "supervisor"],
        **{
            f"/dashboard/tickets/{{code}}/{deed}": ["agent", "supervisor"]
            for deed in ("verified", "owner-called", "new-owner")
        },
        "/dashboard/tickets/{code}/reveal": ["supervisor"],
        "/dashboard/calls/{id}/reveal": ["supervisor"],
        **DESKS,
        "/dashboard/calls/{id}/do/{doing}": ["agent", "supervisor"],
        "/dashboard/calls/{id}/tag": ["agent", "supervisor"],
        "/dashboard/calls/{id}/take-chat": ["agent", "supervisor"],
        "/dashboard/calls/{id}/take-along": ["admin", "agent", "auditor", "finance", "supervisor"],
        "/dashboard/hand-over/{id}/take": ["agent", "supervisor"],
        "/dashboard/hand-over/{id}/say": ["agent", "supervisor"],
        "/dashboard/hand-over/{id}/typing": ["agent", "supervisor"],
        "/dashboard/hand-over/{id}/give-back": ["agent", "supervisor"],
        "/dashboard/photos/{id}/show": ["agent", "supervisor"],
        "/dashboard/photos/{id}/refuse": ["agent", "supervisor"],
        "/dashboard/alerts/{id}/own": ["admin", "agent", "supervisor"],
        "/dashboard/alerts/{id}/let-go": ["admin", "agent", "supervisor"],
        "/dashboard/alerts/rules/{rule}/mute": ["admin", "agent", "supervisor"],
        "/dashboard/simulator": ["admin", "agent", "supervisor"],
    }


async def test_A07_a_route_that_was_given_to_nobody_is_refused_to_all(
    server: Running, supervisor: Desk
) -> None:
    guard = guard_of(server)
    board = next(h for _m, path, h in routes(server) if path == "/dashboard/calls")
    del guard._allowed[board]
    await supervisor.gets("/dashboard/calls")
    assert supervisor.status == 403


async def test_D03_a_form_of_another_site_changes_nothing(
    server: Running, supervisor: Desk
) -> None:
    await server.phone(FARMER).dials()
    phone = server.phone(FARMER)
    await phone.dials()
    await phone.types("8", "6", "8")
    query = select(tickets.c.code, tickets.c.state)
    read = server.parts.market.records.read
    code = await read(lambda db: db.execute(query).scalar())
    close = f"/dashboard/tickets/{code}/close"
    await supervisor.gets(f"/dashboard/tickets/{code}")
    ours = supervisor.headers_of_a_browser
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {},
        ours | {"Sec-Fetch-Site": "cross-site"},
        ours | {"Sec-Fetch-Site": "same-site"},
    ):
        await supervisor.posts(close, headers=headers, note="x")
        assert supervisor.status == 403, headers
    for token in ("", "0" * 32, "é"):
        await supervisor.posts(close, note="x", form=token)
        assert supervisor.status == 403
    # Nothing changes by opening an address.
    await supervisor.gets(close)
    assert supervisor.status == 405
    assert await read(lambda db: db.execute(query).first()[1]) == "open"


async def test_a_stranger_who_is_refused_is_a_figure_and_no_line_of_the_audit(
    server: Running, stranger: Desk
) -> None:
    query = select(func.count()).select_from(audit)
    read = server.parts.market.records.read
    before = await read(lambda db: db.execute(query).scalar())
    for _try in range(20):
        await stranger.posts("/dashboard/sign-in", headers={}, name="x", password="y")
        assert stranger.status == 403
    assert await read(lambda db: db.execute(query).scalar()) == before
    async with server.client.get("/metrics") as response:
        figures = await response.text()
    assert 'isoko_refused_total{what="dashboard from another site"} 20.0' in figures


FORM_TYPE = "application/x-www-form-urlencoded"
ODD = [
    (FORM_TYPE, b"name=\xff\xfe&password=b", 400),
    (f"{FORM_TYPE}; charset=nonsense", b"name=a&password=b", 400),
    (f"{FORM_TYPE}; charset=utf-16", b"name=a&password=b", 400),
    ("multipart/form-data", b"xx", 400),
    ("multipart/form-data; boundary=b", b"xx", 400),
    ("text/plain", b"name=a", 401),
    (FORM_TYPE, b"name=%ff%fe&password=%ed%a0%80", 401),
    (FORM_TYPE, b"name=a%00mina&password=%00", 401),
    (f"{FORM_TYPE}; charset=unicode_escape", b"name=\\ud800&password=b", 401),
]


@pytest.fixture
async def postgres_server(tmp_path, postgres: RealPostgres) -> AsyncIterator[Running]:
    """A server on PostgreSQL, which keeps less of what is sent than SQLite does."""
    async with running(tmp_path, ISOKO_DATABASE_URL=postgres.new_database()) as one:
        yield one


async def test_D13_a_form_that_cannot_be_read_is_its_senders_mistake(
    postgres_server: Running,
) -> None:
    async with Desk(postgres_server) as desk, aiohttp.ClientSession(base_url=desk.base) as http:
        for kind, body, status in ODD:
            headers = desk.headers_of_a_browser | {"Content-Type": kind}
            async with http.post("/dashboard/sign-in", headers=headers, data=body) as answer:
                page = await answer.text()
            assert answer.status == status, (kind, body)
            assert ("This could not be read" in page) == (status == 400)


async def test_D13_odd_signs_in_what_staff_send_are_taken_out(postgres_server: Running) -> None:
    async with Desk(postgres_server) as desk:
        await joins(desk, postgres_server, "amina", "agent")
        phone = postgres_server.phone(FARMER)
        await phone.dials()
        await phone.types("8", "6", "8")
        query = select(tickets.c.code, tickets.c.state)
        read = postgres_server.parts.market.records.read
        code = await read(lambda db: db.execute(query).scalar())
        await desk.gets(f"/dashboard/tickets/{code}")
        await desk.posts(f"/dashboard/tickets/{code}/close", note="all\0 is well")
        assert desk.status == 303
        assert await read(lambda db: db.execute(query).first()[1]) == "closed"
        for odd in ("closed=%00", "category=%00", "after=%00", "closed=%ED%A0%80"):
            await desk.gets(f"/dashboard/tickets?{odd}")
            assert desk.status == 200, odd


LINES = [
    b"GET /dashboard/ HTTP/1.1\r\nCookie: isoko_staff=\xff\xfe",
    b"GET /dashboard/welcome/%ED%A0%80 HTTP/1.1",
    b"GET /dashboard/welcome/%00 HTTP/1.1",
    b"GET /dashboard/tickets?x=%ED%A0%80%00 HTTP/1.1",
    b"GET /dashboard/sign-in?next=%ED%A0%80%0d%0a HTTP/1.1",
    b"POST /dashboard/sign-in HTTP/1.1\r\nOrigin: http://[bad",
]


async def test_D13_no_byte_of_a_request_is_a_fault_of_ours(postgres_server: Running) -> None:
    for line in LINES:
        reader, writer = await asyncio.open_connection("127.0.0.1", postgres_server.client.port)
        writer.write(line + b"\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), patient_s(20))
        writer.close()
        assert 200 <= int(answer.split(b" ", 2)[1]) < 500, line


async def test_D04_D16_every_answer_has_the_headers_that_keep_it_safe(
    server: Running, supervisor: Desk
) -> None:
    paths = [filled(path) for method, path, _h in routes(server) if method == "GET"]
    for path in [*paths, "/dashboard/nothing", "/dashboard/calls/99999"]:
        await supervisor.gets(path)
        policy = supervisor.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert "default-src 'none'" in policy and "http" not in policy
        assert supervisor.headers["X-Content-Type-Options"] == "nosniff"
        assert supervisor.headers["Referrer-Policy"] == "same-origin"
        assert supervisor.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert supervisor.headers["Server"] == "isoko"
        data = "/static/" not in path
        assert (supervisor.headers["Cache-Control"] == "no-store") == data, path


async def test_D15_static_files_are_a_fixed_list(stranger: Desk) -> None:
    for name in ("../routes.py", "..%2froutes.py", "%2e%2e/pages/base.html", "/etc/passwd",
                 "%2fetc%2fpasswd", "dashboard.css%00", "", "pages"):  # fmt: skip
        await stranger.gets(f"/dashboard/static/{name}")
        assert stranger.status == 404 and "root:" not in stranger.text


async def test_unknown_pages_and_wrong_methods_have_a_plain_page(supervisor: Desk) -> None:
    for path in ("/dashboard/nothing", "/dashboard/calls/99999", "/dashboard/tickets/T-AAAAA",
                 "/dashboard/calls/9999999999999999999"):  # fmt: skip
        assert "There is no such page" in await supervisor.gets(path)
        assert supervisor.status == 404
    assert "This cannot be done here" in await supervisor.posts("/dashboard/calls")
    assert supervisor.status == 405


async def test_the_pages_speak_the_members_language(supervisor: Desk) -> None:
    for language, word in (
        ("rw", "Abahamagaye ubu"),
        ("fr", "Appels en cours"),
        ("en", "Live calls"),
    ):
        await supervisor.posts("/dashboard/language", language=language, next="/dashboard/calls")
        assert supervisor.headers["Location"] == "/dashboard/calls"
        page = await supervisor.gets("/dashboard/calls")
        assert word in page and f'<html lang="{language}">' in page


async def test_who_is_not_signed_in_is_asked_in_the_browsers_language(stranger: Desk) -> None:
    assert "Se connecter" in await stranger.gets(
        "/dashboard/sign-in", **{"Accept-Language": "fr-RW, en"}
    )
    assert "Injira" in await stranger.gets("/dashboard/sign-in?lang=rw&next=%2Fdashboard%2Fcalls")
    assert "?lang=fr&next=%2Fdashboard%2Fcalls" in stranger.text


async def test_who_only_asks_whether_a_link_is_there_uses_nothing_up(
    server: Running, supervisor: Desk
) -> None:
    page = await supervisor.posts("/dashboard/exports/orders", reason="x")
    export = re.search(r"/dashboard/exports/[\w-]{43}", page)[0]
    for path in (export, await demo_link(server)):
        async with supervisor.http.head(supervisor.base + path) as response:
            assert response.status == 405
        await supervisor.gets(path)
        assert supervisor.status in {200, 303}


async def test_a_viewer_takes_no_call_along(server: Running, viewer: Desk) -> None:
    await server.phone().dials()
    await server.parts.transcripts.flush()
    page = await viewer.gets("/dashboard/calls/1")
    assert viewer.status == 200 and "take-along" not in page
    await viewer.posts("/dashboard/calls/1/take-along", reason="to look at")
    assert viewer.status == 403
