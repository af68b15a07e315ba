"""The guard: roles, other sites, headers, unknown pages."""

from sqlalchemy import func, select

from bot.dashboard.access.roles import ANYBODY, ROLES
from bot.storage.schema import audit, tickets
from tests.dashboard.desk import Desk, guard_of, joins, routes
from tests.server import FARMER, Running


def filled(path: str) -> str:
    return path.replace("{id}", "1").replace("{code}", "T-2345A").replace("{name}", "live.js")


async def refusals(server: Running) -> int:
    query = select(func.count()).where(audit.c.action == "refused", audit.c.actor != "server")
    return await server.parts.market.records.read(lambda db: db.execute(query).scalar())


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
                if allowed == ANYBODY or path == "/dashboard/sign-out":
                    continue
                before = await refusals(server)
                await (desk.gets(filled(path)) if method == "GET" else desk.posts(filled(path)))
                refused = desk.status == 403
                assert refused == (role not in allowed), (role, path, desk.status)
                assert await refusals(server) - before == int(refused)
                seen += 1
    assert seen == len(ROLES) * 9


async def test_A07_only_these_roles_change_anything(server: Running) -> None:
    who = {path: guard_of(server).roles_of(h) for m, path, h in routes(server) if m == "POST"}
    own = {"/dashboard/sign-in", "/dashboard/sign-in/code", "/dashboard/welcome/{token}",
           "/dashboard/sign-out", "/dashboard/language"}  # fmt: skip
    assert {path: sorted(roles) for path, roles in who.items() if path not in own} == {
        "/dashboard/tickets/{code}/close": ["agent", "supervisor"],
        "/dashboard/tickets/{code}/reveal": ["supervisor"],
        "/dashboard/calls/{id}/reveal": ["supervisor"],
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
