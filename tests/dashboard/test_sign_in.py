"""Signing in: one-time links, two steps, and everything that must not let anybody in."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import aiohttp
import pytest
from sqlalchemy import insert, select, update

from bot.dashboard.access import links, members
from bot.dashboard.access.attempts import attempt, forget, give_back
from bot.dashboard.access.sign_in import too_weak
from bot.dashboard.guard import safe_next
from bot.market import subscriptions
from bot.market.pin_hashing import PinHashing
from bot.storage import turns
from bot.storage.schema import recoveries, staff, staff_codes, staff_links, staff_sessions
from tests.dashboard.desk import (
    PASSWORD,
    SHOWN,
    Desk,
    code_of,
    demo_link,
    filled,
    joins,
    new_link,
    routes,
)
from tests.dashboard.stream import streaming
from tests.phone import PIN
from tests.real_postgres import RealPostgres
from tests.server import Running, running

BEHIND_A_PROXY = {"ISOKO_USSD__TRUSTED_PROXIES": "127.0.0.1/32"}
# What a hash costs as shipped.
REAL_HASH = {"ISOKO_PIN__MEMORY_KIB": "19456", "ISOKO_PIN__PASSES": "2"}


async def everything_about_staff(server: Running) -> str:
    def read(db) -> str:
        tables = (staff, staff_codes, staff_links, staff_sessions)
        return "\n".join(repr(tuple(row)) for table in tables for row in db.execute(select(table)))

    return await server.parts.market.records.read(read)


async def test_the_printed_link_signs_in_at_once_and_once_only(
    server: Running, stranger: Desk
) -> None:
    link = await demo_link(server)
    await stranger.gets(link)
    assert (stranger.status, stranger.headers["Location"]) == (303, "/dashboard/")
    assert "demo supervisor" in await stranger.gets("/dashboard/")
    async with Desk(server) as other:
        page = await other.gets(link)
        assert other.status == 410 and "This link was used" in page
        assert "start it again; it prints a new link" in page and other.cookie == ""


async def test_each_start_ends_the_link_of_the_start_before(
    server: Running, stranger: Desk
) -> None:
    before = await demo_link(server)
    await demo_link(server)
    assert "This link is not good" in await stranger.gets(before)
    assert stranger.status == 410


async def test_a_new_member_chooses_a_password_and_sets_up_the_second_step(
    server: Running, stranger: Desk
) -> None:
    link = await new_link(server, "Amina", "agent")
    # A messenger that looks at the link uses nothing up.
    secrets = {SHOWN.search(await stranger.gets(link))[1] for _ in range(3)}
    assert len(secrets) == 1 and stranger.cookie == ""
    secret = secrets.pop().replace(" ", "")
    good = {"password": PASSWORD, "again": PASSWORD, "code": code_of(secret)}
    for wrong, said in (
        ({"password": "short", "again": "short"}, "Choose a longer password"),
        ({"again": PASSWORD + "x"}, "The two passwords are not the same"),
        ({"code": "000000"}, "The 6 digits are not right"),
    ):
        assert said in await stranger.posts(link, **(good | wrong))
        assert stranger.status == 422
    page = await stranger.posts(link, **good)
    assert len(set(re.findall(r"<li>([0-9a-z]{5}-[0-9a-z]{5})</li>", page))) == 10
    assert "amina" in await stranger.gets("/dashboard/")
    async with Desk(server) as other:
        assert "This link was used" in await other.posts(link, **good)
        assert "isoko staff link" in other.text or "start it again" in other.text
    kept = await everything_about_staff(server)
    token = link.rpartition("/")[2]
    for told in (PASSWORD, secret, token, stranger.cookie):
        assert told not in kept


async def test_A10_a_link_ends_after_a_quarter_of_an_hour(records, now) -> None:
    def work(db) -> list[str]:
        token = links.make(db, members.add(db, "amina", "agent", "rw", now, "test").id, now)
        later = [now + timedelta(minutes=14), now + timedelta(minutes=16)]
        return [links.look(db, token, moment).state for moment in later]

    assert await records.write(work) == ["good", "old"]


async def test_a_long_name_signs_in_as_it_was_kept(server: Running, stranger: Desk) -> None:
    name = "Uwimana " * 6
    async with Desk(server) as other:
        secret, _codes = await joins(other, server, name, "agent")
    assert await stranger.signs_in(name, PASSWORD, code_of(secret, 30)) == 303
    assert "uwimana" in await stranger.gets("/dashboard/")


async def test_A01_one_name_is_tried_five_times_then_not_for_a_while(
    server: Running, stranger: Desk
) -> None:
    async with Desk(server) as other:
        await joins(other, server, "amina", "agent")
    told = {}
    for name in ("amina", "nobody"):
        for attempts in range(7):
            page = await stranger.posts(
                "/dashboard/sign-in", name=name, password=f"wrong {attempts}"
            )
            told.setdefault(name, []).append((stranger.status, len(page)))
    assert told["amina"] == told["nobody"]
    assert [status for status, _ in told["amina"]] == [401] * 5 + [429] * 2
    # Not even the right password: but somebody else is not kept out by it.
    await stranger.posts("/dashboard/sign-in", name="amina", password=PASSWORD)
    assert stranger.status == 429
    await stranger.posts("/dashboard/sign-in", name="bosco", password="x")
    assert stranger.status == 401


async def test_A01_a_name_of_nobodys_costs_the_same_one_hash(
    server: Running, stranger: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Desk(server) as other:
        await joins(other, server, "amina", "agent")
    await new_link(server, "bosco", "agent")
    hashed: dict[str, list[str]] = {}
    verify = PinHashing.verify_now

    def counted(self: PinHashing, kept: str, typed: str) -> bool:
        hashed.setdefault(name, []).append(kept)
        return verify(self, kept, typed)

    monkeypatch.setattr(PinHashing, "verify_now", counted)
    # One with a password, one who has none yet, one who is nobody.
    for name in ("amina", "bosco", "nobody"):
        await stranger.posts("/dashboard/sign-in", name=name, password="a wrong password")
        assert stranger.status == 401
    costs = {
        name: [kept.rsplit("$", 2)[0] for kept in all_of_it] for name, all_of_it in hashed.items()
    }
    assert costs["amina"] == costs["bosco"] == costs["nobody"]
    assert len(costs["amina"]) == 1 and costs["amina"][0].startswith("$argon2id$")


async def test_A01_one_password_for_many_names_stops_too(server: Running, stranger: Desk) -> None:
    seen = []
    for number in range(65):
        await stranger.posts("/dashboard/sign-in", name=f"name {number}", password="Kigali2026!!")
        seen.append(stranger.status)
    assert seen == [401] * 60 + [429] * 5


async def test_A01_of_ipv6_a_whole_line_is_one_source(tmp_path) -> None:
    async with running(tmp_path, **BEHIND_A_PROXY) as server, Desk(server) as desk:
        seen = []
        for number in range(62):
            source = {"X-Forwarded-For": f"2001:db8::{number:x}"}
            fields = {"name": f"name {number}", "password": "x"}
            await desk.posts("/dashboard/sign-in", desk.headers_of_a_browser | source, **fields)
            seen.append(desk.status)
        assert seen == [401] * 60 + [429] * 2
        other = desk.headers_of_a_browser | {"X-Forwarded-For": "2001:db8:0:1::1"}
        await desk.posts("/dashboard/sign-in", other, name="amina", password="x")
        assert desk.status == 401


async def test_A01_many_lines_together_stop_too(server: Running, stranger: Desk) -> None:
    now = datetime.now(UTC)

    def tried(db) -> bool:
        return all(attempt(db, "everybody", 600, now) for _ in range(598))

    assert await server.parts.market.records.write(tried)
    seen = []
    for number in range(4):
        await stranger.posts("/dashboard/sign-in", name=f"name {number}", password="x")
        seen.append(stranger.status)
    assert seen == [401] * 2 + [429] * 2


async def flood(desk: Desk, stop: asyncio.Event, lines: Iterator[int], seen: Counter) -> None:
    """Sign in again and again, each time from another line."""
    async with aiohttp.ClientSession(base_url=desk.base) as http:
        while not stop.is_set():
            line = f"2001:db8:0:{next(lines):x}::1"
            headers = desk.headers_of_a_browser | {"X-Forwarded-For": line}
            data = {"name": f"name {line}", "password": "x"}
            async with http.post("/dashboard/sign-in", headers=headers, data=data) as answer:
                seen[answer.status] += 1


async def test_A01_strangers_at_the_sign_in_keep_no_farmer_from_a_pin(tmp_path) -> None:
    """P-01: as many as like may guess passwords: a PIN has its own places to be hashed in."""
    async with running(tmp_path, **BEHIND_A_PROXY, **REAL_HASH) as server, Desk(server) as desk:
        stop, lines, seen = asyncio.Event(), count(), Counter()
        many = [asyncio.create_task(flood(desk, stop, lines, seen)) for _ in range(60)]
        await asyncio.sleep(1)
        pins, results = server.parts.market.pins, []
        for number in range(8):
            key = number.to_bytes(16, "big")
            check = await pins.check(3, PIN, key, datetime.now(UTC), "africastalking")
            results.append(check.result)
        stop.set()
        await asyncio.gather(*many)
    assert results == ["right"] * 8 and seen[503] and seen[401]


async def test_A01_who_finds_no_place_is_told_so_and_the_try_does_not_count(
    server: Running, stranger: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Desk(server) as other:
        await joins(other, server, "amina", "agent")
    verify, go_on = PinHashing.verify, asyncio.Event()

    async def slow(pool: PinHashing, kept: str, typed: str) -> bool:
        await go_on.wait()
        return await verify(pool, kept, typed)

    monkeypatch.setattr(PinHashing, "verify", slow)
    async with aiohttp.ClientSession(base_url=stranger.base) as http:

        async def tries(name: str) -> int:
            headers, data = stranger.headers_of_a_browser, {"name": name, "password": "x"}
            async with http.post("/dashboard/sign-in", headers=headers, data=data) as answer:
                return answer.status

        many = [asyncio.create_task(tries(f"name {number}")) for number in range(8)]
        await asyncio.sleep(0.5)
        for _try in range(7):
            page = await stranger.posts("/dashboard/sign-in", name="amina", password=PASSWORD)
            assert stranger.status == 503 and "Many people are signing in" in page
        go_on.set()
        assert await asyncio.gather(*many) == [401] * 8
    await stranger.posts("/dashboard/sign-in", name="amina", password=PASSWORD)
    assert stranger.status == 303


@pytest.mark.parametrize("limit", [5, 20])
async def test_A01_tries_at_once_are_all_counted(records, now, limit: int) -> None:
    async def tries() -> bool:
        return await records.write(lambda db: attempt(db, "step 1", limit, now))

    assert sum(await asyncio.gather(*(tries() for _ in range(60)))) == limit


async def test_A01_codes_at_once_are_all_counted(tmp_path, postgres: RealPostgres) -> None:
    async with (
        running(tmp_path, ISOKO_DATABASE_URL=postgres.new_database()) as server,
        Desk(server) as desk,
        aiohttp.ClientSession(base_url=desk.base) as http,
    ):
        await joins(desk, server, "amina", "agent")
        await desk.posts("/dashboard/sign-in", name="amina", password=PASSWORD)
        headers = desk.headers_of_a_browser | {"Cookie": f"isoko_staff={desk.cookie}"}

        async def tries(number: int) -> int:
            data = {"code": f"{number:06}"}
            async with http.post("/dashboard/sign-in/code", headers=headers, data=data) as answer:
                return answer.status

        assert Counter(await asyncio.gather(*map(tries, range(60)))) == {401: 5, 429: 55}


async def test_a_try_given_back_is_one_try(records, now) -> None:
    def work(db) -> list[bool]:
        tried = [attempt(db, "name amina", 3, now) for _ in range(3)]
        give_back(db, "name amina", now)
        return [*tried, *(attempt(db, "name amina", 3, now) for _ in range(2))]

    assert await records.write(work) == [True] * 4 + [False]


async def test_A01_the_pause_ends_by_itself(records, now) -> None:
    def work(db) -> list[bool]:
        tries = [attempt(db, "name amina", 5, now) for _ in range(6)]
        tries.append(attempt(db, "name amina", 5, now + timedelta(minutes=16)))
        forget(db, "name amina")
        return [*tries, attempt(db, "name amina", 5, now)]

    assert await records.write(work) == [True] * 5 + [False, True, True]


async def test_A02_a_code_is_good_once_and_only_of_about_now(
    server: Running, stranger: Desk
) -> None:
    async with Desk(server) as other:
        secret, _paper = await joins(other, server, "amina", "agent")
    assert await stranger.signs_in("amina", PASSWORD, code_of(secret, -90)) == 401
    following = code_of(secret, 30)
    assert await stranger.signs_in("amina", PASSWORD, following) == 303
    assert await stranger.signs_in("amina", PASSWORD, following) == 401


async def test_A02_six_wrong_codes_stop_the_second_step_not_the_account(
    server: Running, stranger: Desk
) -> None:
    async with Desk(server) as other:
        secret, _paper = await joins(other, server, "amina", "agent")
    await stranger.posts("/dashboard/sign-in", name="amina", password=PASSWORD)
    seen = []
    for number in range(6):
        await stranger.posts("/dashboard/sign-in/code", code=f"00000{number}")
        seen.append(stranger.status)
    assert seen == [401] * 5 + [429]
    await stranger.posts("/dashboard/sign-in/code", code=code_of(secret, 30))
    assert stranger.status == 429
    await stranger.posts("/dashboard/sign-in", name="amina", password=PASSWORD)
    assert stranger.status == 303


async def test_A03_half_a_session_opens_nothing(server: Running, stranger: Desk) -> None:
    async with Desk(server) as other:
        await joins(other, server, "amina", "agent")
    await stranger.posts("/dashboard/sign-in", name="amina", password=PASSWORD)
    assert stranger.cookie
    for method, path, _handler in routes(server):
        if "/static/" in path or "/welcome/" in path or "/sign-in" in path:
            continue
        if path == "/dashboard/feed":
            # A stream leads nowhere else.
            async with streaming(stranger) as stream:
                assert stream.status == 401
            continue
        there = filled(path)
        await (stranger.gets(there) if method == "GET" else stranger.posts(there))
        assert stranger.status == 303, path
        assert stranger.headers["Location"].startswith("/dashboard/sign-in"), path


async def test_A04_the_session_is_new_after_each_step_and_the_old_one_dead(
    server: Running, stranger: Desk
) -> None:
    async with Desk(server) as other:
        secret, _paper = await joins(other, server, "amina", "agent")
    stranger.cookie = fixed = "a" * 43
    await stranger.posts("/dashboard/sign-in", name="amina", password=PASSWORD)
    half = stranger.cookie
    await stranger.posts("/dashboard/sign-in/code", code=code_of(secret, 30))
    whole = stranger.cookie
    assert len({fixed, half, whole}) == 3
    for dead in (fixed, half):
        stranger.cookie = dead
        await stranger.gets("/dashboard/")
        assert stranger.status == 303
    stranger.cookie = whole
    await stranger.gets("/dashboard/")
    assert stranger.status == 200
    await stranger.posts("/dashboard/sign-out")
    stranger.cookie = whole
    await stranger.gets("/dashboard/")
    assert stranger.status == 303


async def test_A04_who_signs_in_again_leaves_no_session_behind(
    server: Running, stranger: Desk
) -> None:
    async def alive(token: str) -> bool:
        async with Desk(server) as thief:
            thief.cookie = token
            await thief.gets("/dashboard/")
            return thief.status == 200

    secret, _paper = await joins(stranger, server, "amina", "agent")
    first = stranger.cookie
    assert await alive(first)
    # A refused try ends nothing: it may be anybody's.
    await stranger.posts("/dashboard/sign-in", name="amina", password="x")
    assert await alive(first)
    assert await stranger.signs_in("amina", PASSWORD, code_of(secret, 30)) == 303
    second = stranger.cookie
    assert not await alive(first) and await alive(second)
    await stranger.gets(await demo_link(server))
    third = stranger.cookie
    assert not await alive(second) and await alive(third)
    await joins(stranger, server, "bosco", "viewer")
    assert not await alive(third) and await alive(stranger.cookie)


async def test_A06_the_cookie_is_kept_from_scripts_and_over_https_from_all_else(
    tmp_path, server: Running, stranger: Desk
) -> None:
    await stranger.gets(await demo_link(server))
    plain = stranger.headers["Set-Cookie"]
    assert "HttpOnly" in plain and "SameSite=Lax" in plain and "Path=/" in plain
    assert "Secure" not in plain
    async with (
        running(tmp_path / "tls", ISOKO_PUBLIC_URL="https://isoko.example") as other,
        Desk(other) as desk,
    ):
        await desk.gets(await demo_link(other))
        cookie = desk.headers["Set-Cookie"]
        assert cookie.startswith("__Host-isoko=") and "Domain" not in cookie and len(cookie) < 200
        for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
            assert flag in cookie
        assert "max-age" in desk.headers["Strict-Transport-Security"]


async def test_A09_a_code_from_the_paper_is_good_once_and_kept_as_a_digest(
    server: Running, stranger: Desk
) -> None:
    async with Desk(server) as other:
        _secret, paper = await joins(other, server, "amina", "agent")
    assert await stranger.signs_in("amina", PASSWORD, paper[0].upper()) == 303
    assert await stranger.signs_in("amina", PASSWORD, paper[0]) == 401
    assert await stranger.signs_in("amina", PASSWORD, paper[1].replace("-", " ")) == 303
    kept = await everything_about_staff(server)
    assert not any(code in kept or code.replace("-", "") in kept for code in paper)


async def test_A10_there_is_nobody_in_a_fresh_production_store(tmp_path) -> None:
    strong = "a-strong-secret-for-this-test"
    names = ("SECRET_KEY", "PIN__PEPPER", "MOMO__SUBSCRIPTION_KEY", "MOMO__API_USER", "MOMO__API_KEY", "SMS__USERNAME",
             "SMS__API_KEY", "METRICS__TOKEN", "USSD__SECRETS__AFRICASTALKING")  # fmt: skip
    secrets = {f"ISOKO_{name}": strong for name in names}
    async with running(tmp_path, ISOKO_ENV="production", **secrets) as server, Desk(server) as desk:
        assert await everything_about_staff(server) == ""
        for name, password in (("admin", "admin"), ("demo supervisor", ""), ("isoko", "isoko")):
            await desk.posts("/dashboard/sign-in", name=name, password=password)
            assert desk.status == 401
        # The demo's supervisor of a store that was a demo before.
        await desk.gets(await demo_link(server))
        assert desk.status == 410 and desk.cookie == ""


async def test_who_is_revoked_is_out_at_once(server: Running, viewer: Desk) -> None:
    await viewer.gets("/dashboard/calls")
    assert viewer.status == 200
    now = datetime.now(UTC)
    write = server.parts.market.records.write
    assert await write(lambda db: members.revoke(db, "vera", now, "test"))
    await viewer.gets("/dashboard/calls")
    assert viewer.status == 303
    await viewer.gets("/dashboard/calls", **{"X-Isoko-Poll": "1"})
    assert viewer.status == 401
    assert await viewer.signs_in("vera", PASSWORD, "123456") == 401


def anothers_job(db) -> None:
    """A job that another process is at."""
    now = datetime.now(UTC)
    assert turns.take(db, "redo hook:1", "another", now, 600)
    job = {"via": "hook:1", "since": now, "after_id": 0, "last_id": 9, "letters": 9, "done": 0}
    db.execute(insert(recoveries).values(**job, asked_by="sam", asked_at=now))


async def test_a_session_ends_when_it_is_left_alone_and_looking_on_is_not_using(
    server: Running, viewer: Desk
) -> None:
    write = server.parts.market.records.write

    async def left_for(minutes: int) -> None:
        then = datetime.now(UTC) - timedelta(minutes=minutes)
        await write(lambda db: db.execute(update(staff_sessions).values(seen_at=then)))

    await left_for(29)
    await viewer.gets("/dashboard/", **{"X-Isoko-Poll": "1"})
    read = server.parts.market.records.read
    seen = await read(lambda db: db.execute(select(staff_sessions.c.seen_at)).scalar())
    assert viewer.status == 200 and datetime.now(UTC) - seen > timedelta(minutes=28)
    await write(anothers_job)
    await write(lambda db: subscriptions.subscribe(db, "https://a.example", (), datetime.now(UTC)))
    for path in ("/dashboard/", "/dashboard/calls?language=fr&risk=any", "/dashboard/hand-over",
                 "/dashboard/webhooks/out?state=dead&to=1&said=on"):  # fmt: skip
        # A browser without scripts loads the page anew by itself.
        page = await viewer.gets(path)
        again = re.search(r'http-equiv="refresh" content="[0-9]+; url=([^"]+)"', page)[1]
        assert set(path.partition("?")[2].split("&")) <= {"", *again.partition("?")[2].split("&")}
        await left_for(29)
        await viewer.gets(again)
        seen = await read(lambda db: db.execute(select(staff_sessions.c.seen_at)).scalar())
        assert viewer.status == 200 and datetime.now(UTC) - seen > timedelta(minutes=28), path
    await viewer.gets("/dashboard/")
    seen = await read(lambda db: db.execute(select(staff_sessions.c.seen_at)).scalar())
    assert datetime.now(UTC) - seen < timedelta(minutes=1)
    await left_for(31)
    await viewer.gets("/dashboard/")
    assert viewer.status == 303


async def test_one_comes_back_to_where_one_was_going(server: Running, stranger: Desk) -> None:
    async with Desk(server) as other:
        secret, _paper = await joins(other, server, "amina", "agent")
    await stranger.gets("/dashboard/tickets?category=order&after=5")
    sign_in = stranger.headers["Location"]
    await stranger.posts(sign_in, name="amina", password=PASSWORD)
    await stranger.posts(stranger.headers["Location"], code=code_of(secret, 30))
    assert stranger.headers["Location"] == "/dashboard/tickets?category=order&after=5"


async def test_no_header_comes_with_where_one_was_going(server: Running, stranger: Desk) -> None:
    async with Desk(server) as other:
        await joins(other, server, "amina", "agent")
    odd = "/dashboard/sign-in?next=%0d%0aX-Evil:%20b"
    await stranger.posts(odd, name="amina", password=PASSWORD)
    assert stranger.status == 303 and "X-Evil" not in stranger.headers
    assert stranger.headers["Location"].startswith("/dashboard/sign-in/code?next=%0D%0A")


@pytest.mark.parametrize(
    "where",
    ["//evil.example", "https://evil.example", "/dashboard/../x\\y", "/dashboard//evil.example",
     "/\\evil.example", "javascript:alert(1)", "/dashboard/\r\nX: y", "/dashboard/sign-in", ""],
)  # fmt: skip
def test_nobody_is_led_elsewhere_after_signing_in(where: str) -> None:
    assert safe_next(where) == "/dashboard/"


@pytest.mark.parametrize(
    "password",
    ["short1!", "passwordpassword", "aaaaaaaaaaaa", "amina-amina-amina", "isoko2026kigali"],
)
def test_passwords_that_others_try_first_are_refused(password: str) -> None:
    assert too_weak(password, "amina") and not too_weak(PASSWORD, "amina")


@pytest.mark.parametrize("name", ["", "  ", "hub", "SERVER", "a\x00b", "a\nb\x07"])
def test_some_names_are_nobodys(name: str) -> None:
    with pytest.raises(members.NotAName):
        members.plain_name(name)


async def test_the_same_name_in_capitals_is_the_same_person(records, now) -> None:
    def work(db) -> None:
        members.add(db, "Amina  K", "agent", "rw", now, "test")
        with pytest.raises(members.NameTaken):
            members.add(db, "AMINA k", "admin", "rw", now, "test")

    await records.write(work)
