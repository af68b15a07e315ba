"""What the screens show of real calls, and what they never show."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from bot.dashboard.screens import place_words, reveal, ticket_desk
from bot.dashboard.screens.counts import counts
from bot.dashboard.screens.live_calls import live_calls
from bot.dashboard.screens.one_call import one_call
from bot.dashboard.screens.ticket_desk import close_ticket, open_tickets
from bot.flows import FLOWS
from bot.market import telegram_links
from bot.market.limits import PayoutRules
from bot.market.tickets import CATEGORIES, open_ticket
from bot.masking import without_numbers
from bot.storage.schema import audit, contacts, tickets, transcripts
from tests.dashboard.desk import Desk, demo_link, joins
from tests.phone import PIN
from tests.real_postgres import RealPostgres
from tests.real_valkey import RealValkey
from tests.server import AIRTEL, CRAFTS, FARMER, HOST, TEA, UNKNOWN, Running, running
from tests.telegram.chat import Chat

RULES = PayoutRules(5_000_000, 5_000_000, 3_000_000, "RWF", "Africa/Kigali")


async def written(server: Running) -> None:
    """What the calls said is in the records, and no page is younger than a second."""
    await server.parts.transcripts.flush()
    await asyncio.sleep(1.05)


async def asks_for_a_call(server: Running, msisdn: str = FARMER) -> str:
    """A farmer asks to be called; the ticket's code."""
    phone = server.phone(msisdn)
    await phone.dials()
    screen = await phone.types("8", "6", "8")
    return screen.partition("T-")[1] + screen.partition("T-")[2][:5]


async def audited(server: Running, action: str) -> list:
    query = select(audit).where(audit.c.action == action).order_by(audit.c.id)
    return await server.parts.market.records.read(lambda db: db.execute(query).all())


async def test_a_call_is_seen_as_its_phone_shows_it(server: Running, supervisor: Desk) -> None:
    assert 'empty-card">' in await supervisor.gets("/dashboard/calls")
    phone = server.phone()
    await phone.dials()
    screen = await phone.types("2", "1")
    await written(server)
    page = await supervisor.gets("/dashboard/calls")
    assert screen.split("\n")[0] in page and "+2507•••••01" in page and "Orders › " in page
    assert "Mukamana Claudine" in page and "hop 3" in page and 'empty-card" hidden>' in page
    overview = await supervisor.gets("/dashboard/")
    assert '<p class="figure">1</p>' in overview and '<p class="figure">3</p>' in overview
    await phone.types("1", PIN)
    assert phone.ended
    await written(server)
    assert 'empty-card">' in await supervisor.gets("/dashboard/calls")


async def test_P07_D07_no_pin_and_no_number_on_any_page(server: Running, supervisor: Desk) -> None:
    for msisdn in (FARMER, TEA, CRAFTS, AIRTEL):
        await asks_for_a_call(server, msisdn)
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1", "1", PIN)
    for msisdn in (FARMER, TEA):
        phone = server.phone(msisdn)
        await phone.dials()
        await phone.types("6", "2", PIN, "1")
    phone = server.phone(UNKNOWN)
    await phone.dials()
    await phone.types("1", "1", "1")
    await written(server)
    find = select(transcripts.c.id)
    read = server.parts.market.records.read
    ids = await read(lambda db: db.execute(find).scalars().all())
    codes = await read(lambda db: db.execute(select(tickets.c.code)).scalars().all())
    paths = ["", "calls", "tickets", *(f"calls/{one}" for one in ids),
             *(f"tickets/{code}" for code in codes)]  # fmt: skip
    said = ""
    async with Desk(server) as viewer:
        await joins(viewer, server, "vera", "viewer")
        for desk in (viewer, supervisor):
            for path in paths:
                said += await desk.gets(f"/dashboard/{path}")
                assert desk.status == 200, path
    assert "typed <kbd><bdi>•••••</bdi>" in said and "+2507•••••01" in said
    for msisdn in (FARMER, TEA, CRAFTS, AIRTEL, UNKNOWN):
        assert msisdn[4:] not in said and msisdn[-9:] not in said
    assert PIN not in said


@pytest.mark.parametrize(
    "text",
    ["call 0788123456 now", "+250788123456", "250 788 123 456", "0788-123-456", "788123456",
     "id:0788123456x", "078 812 3456", "07 88 12 34 56", "00250788123456", "0788.123.456",
     "00 250 788 123 456", "+250 (0) 788123456", "(0)788123456", "0788/123456", "078-8123-456",
     "+250-78-812-34-56", "0788 - 123 - 456", "0 7 8 8 1 2 3 4 5 6", "0788\u00a0123\u202f456",
     "0788\u2013123\u2013456", "0788123456*1", "2.50788123456"],
)  # fmt: skip
def test_a_number_in_a_text_is_masked_in_any_form(text: str) -> None:
    shown = without_numbers(text)
    assert "+2507•••••56" in shown and not any(part in shown for part in ("123", "12", "34", "88"))


def test_what_is_no_number_stays() -> None:
    for text in (
        "2,400,000 Frw",
        "KW-1042",
        "12/12/2026",
        "+33612345678",
        "T-78812",
        "7881234567890",
        "07/08/2026 12:30",
        "780,000,000 Frw",
        "1 788 12",
    ):
        assert without_numbers(text) == text
    assert without_numbers("+250788000900", "+250788000900") == "+250788000900"


async def test_T09_a_blocked_chat_is_flagged_with_the_person(
    server: Running, supervisor: Desk
) -> None:
    chat, phone = Chat(server), server.phone()
    code = await chat.shares_own(FARMER)
    await phone.dials()
    await phone.types("6", "6", code, PIN)
    await written(server)
    call = await supervisor.gets("/dashboard/calls")
    link = call.partition('class="open" href="')[2].partition('"')[0]
    assert "Telegram: linked" in await supervisor.gets(link)
    now = server.parts.engine._clock()
    await chat.records.write(lambda db: telegram_links.block(db, chat.user_id, now))
    page = await supervisor.gets(link)
    assert "Telegram: has blocked us" in page and str(chat.user_id) not in page


async def test_who_has_not_agreed_to_be_known_has_no_number(
    server: Running, supervisor: Desk
) -> None:
    phone = server.phone(UNKNOWN)
    await phone.dials()
    await phone.types("1", "1")
    await written(server)
    page = await supervisor.gets("/dashboard/calls")
    assert "not registered" in page and UNKNOWN[-4:] not in page
    link = page.partition('class="open" href="')[2].partition('"')[0]
    # The words stand in the sheet of keys, on every page.
    assert f"{link}/reveal" not in await supervisor.gets(link)
    await supervisor.posts(f"{link}/reveal", reason="safety")
    assert supervisor.status == 404 and await audited(server, "number revealed") == []


async def test_those_at_risk_come_first_and_one_phone_is_in_one_call(
    server: Running, supervisor: Desk
) -> None:
    lost = server.phone(TEA)
    await lost.dials()
    await lost.types("2", "1", "1", "7", "7", "7")
    for _again in range(2):
        await server.phone(CRAFTS).dials()
    await written(server)
    page = await supervisor.gets("/dashboard/calls")
    assert page.count('<li class="call') == 2 and page.count('class="call risky"') == 1
    assert page.index("+2507•••••02") < page.index("+2507•••••03")
    assert "▲ same screen again and again" in page and "▲ money at stake" in page


async def test_dials_in_a_row_by_one_who_is_not_known_are_one_call(
    server: Running, supervisor: Desk
) -> None:
    for _again in range(4):
        await server.phone(UNKNOWN).dials()
    await written(server)
    page = await supervisor.gets("/dashboard/calls")
    assert page.count('<li class="call') == 1


async def test_no_money_is_at_stake_on_a_list_without_orders(
    server: Running, supervisor: Desk
) -> None:
    phone = server.phone(HOST)
    await phone.dials()
    await phone.types("2", "7", "7", "7")
    await written(server)
    page = await supervisor.gets("/dashboard/calls")
    assert "▲ same screen again and again" in page and "▲ money at stake" not in page


async def test_a_call_that_was_cut_or_fell_silent_is_not_live(records, now) -> None:
    at_ms = int(now.timestamp() * 1000)

    def hop(key: str, ago_s: int, ends: int = 0) -> dict:
        row = {"session_key": key, "hop": 1, "owner": "", "place": "home.menu", "typed": ""}
        return row | {"shown": "s", "micros": 90, "at_ms": at_ms - ago_s * 1000, "ends": ends}

    hops = [
        hop("g:old", 181),
        hop("g:quiet", 61),
        hop("g:cut", 9),
        hop("g:new", 3),
        hop("g:cut", 2, 1) | {"shown": ""},
    ]
    await records.write(lambda db: db.execute(insert(transcripts), hops))
    seen = await records.read(lambda db: live_calls(db, now))
    assert [(call.id, call.risks) for call in seen.calls] == [(2, ("silent",)), (4, ())]
    assert (seen.count, seen.at_risk, seen.hops_a_minute, seen.partly) == (2, 1, 3, False)
    whole = await records.read(lambda db: one_call(db, 3))
    assert [(one.shown, one.over) for one in whole.hops] == [("s", False), ("", True)]
    assert await records.read(lambda db: one_call(db, 99)) is None


async def test_a_call_through_another_process_is_seen_too(
    tmp_path, postgres: RealPostgres, valkey: RealValkey
) -> None:
    stores = {"ISOKO_DATABASE_URL": postgres.new_database(), "ISOKO_REDIS_URL": valkey.url}
    async with (
        running(tmp_path / "one", **stores) as one,
        running(tmp_path / "two", **stores) as two,
        Desk(two) as desk,
    ):
        await desk.gets(await demo_link(one))
        await one.phone(CRAFTS).dials()
        await written(one)
        assert "Uwase Grace" in await desk.gets("/dashboard/calls")


async def test_the_first_screen_counts_what_is_there(records, now) -> None:
    empty = await records.read(lambda db: counts(db, RULES, now))
    assert (empty.tickets, empty.news_waiting) == ({}, 0)

    def ask(db) -> None:
        for msisdn, category in (("+1", "order"), ("+2", "order"), ("+3", "call_back")):
            open_ticket(
                db, category=category, msisdn=msisdn, contact_id=None, language="rw", now=now
            )

    await records.write(ask)
    found = await records.read(lambda db: counts(db, RULES, now + timedelta(days=3)))
    assert (found.tickets, found.tickets_late) == ({"order": 2, "call_back": 1}, 3)


async def test_a_ticket_is_closed_once_with_a_note_and_on_record(
    server: Running, supervisor: Desk
) -> None:
    code = await asks_for_a_call(server)
    assert code in await supervisor.gets("/dashboard/tickets?category=call_back")
    path = f"/dashboard/tickets/{code}"
    assert "+2507•••••01" in await supervisor.gets(path)
    assert "Write what was done" in await supervisor.posts(f"{path}/close", note="  ")
    assert supervisor.status == 422
    await supervisor.posts(f"{path}/close", note="Called 0788000001, all is well")
    assert supervisor.headers["Location"] == f"/dashboard/tickets?closed={code}"
    assert f"{code} is closed" in await supervisor.gets(supervisor.headers["Location"])
    again = await supervisor.posts(f"{path}/close", note="Called again")
    assert supervisor.status == 409 and "Somebody closed it before you" in again
    (line,) = await audited(server, "ticket closed")
    assert (line.actor, line.subject) == ("demo supervisor", f"ticket {code}")
    assert line.details == {"note": "Called +2507•••••01, all is well"}
    row = await server.parts.market.records.read(lambda db: db.execute(select(tickets)).first())
    assert (row.state, row.msisdn) == ("closed", "")


def test_every_kind_of_ticket_has_words() -> None:
    assert set(ticket_desk.CATEGORY_WORDS) == set(CATEGORIES)


@pytest.mark.parametrize(
    ("category", "heading", "hint"),
    [
        ("verify", "Number to check", "It is the owner: trust the number"),
        ("new_owner", "New owner of a number", "I called: it is another person's now"),
        ("pin_attack", "Attack on PINs", "isoko_pin_alarm"),
        ("booking", "Visit", ""),
    ],
)
async def test_each_kind_of_ticket_can_be_filtered_and_says_what_comes_before_closing(
    server: Running, supervisor: Desk, category: str, heading: str, hint: str
) -> None:
    asked = {"category": category, "msisdn": AIRTEL, "contact_id": None, "language": "rw"}
    write, now = server.parts.market.records.write, datetime.now(UTC)
    code = await write(lambda db: open_ticket(db, **asked, now=now))
    other = await asks_for_a_call(server)
    page = await supervisor.gets(f"/dashboard/tickets?category={category}")
    assert code in page and other not in page and f"{heading} <b>1</b>" in page
    page = await supervisor.gets(f"/dashboard/tickets/{code}")
    assert f"{code} · {heading}" in page and hint in page
    # None of them sends staff to the shell.
    assert "<code>isoko " not in page
    await asyncio.sleep(1.05)
    assert heading in await supervisor.gets("/dashboard/")


async def test_two_who_close_at_once_are_one_who_closes(records, now) -> None:
    asked = {"category": "other", "msisdn": "+1", "contact_id": None, "language": "rw", "now": now}
    code = await records.write(lambda db: open_ticket(db, **asked))
    ends = await asyncio.gather(
        *(records.write(lambda db, by=by: close_ticket(db, code, "n", by, now)) for by in "abcdef")
    )
    assert sorted(ends) == ["closed"] + ["was_closed"] * 5
    assert await records.write(lambda db: close_ticket(db, "T-00000", "n", "a", now)) == "gone"


async def test_the_list_goes_on_where_it_stopped(records, now) -> None:
    def ask(db) -> None:
        for number in range(60):
            asked = {"category": "other", "msisdn": f"+{number}", "contact_id": None}
            open_ticket(db, **asked, language="rw", now=now)

    await records.write(ask)
    first, following = await records.read(open_tickets)
    second, end = await records.read(lambda db: open_tickets(db, after=following))
    assert (len(first), len(second), end) == (50, 10, 0)
    assert len({one.code for one in first + second}) == 60


async def test_B07_a_number_is_shown_for_a_reason_for_a_minute_and_on_record(
    server: Running, supervisor: Desk
) -> None:
    code = await asks_for_a_call(server)
    path = f"/dashboard/tickets/{code}"
    await supervisor.gets(path)
    await supervisor.posts(f"{path}/reveal", reason="because")
    assert supervisor.status == 404 and FARMER not in supervisor.text
    page = await supervisor.posts(f"{path}/reveal", reason="call_back")
    assert FARMER in page and f'content="60; url={path}"' in page
    assert supervisor.headers["Cache-Control"] == "no-store"
    (line,) = await audited(server, "number revealed")
    assert (line.actor, line.subject, line.details) == (
        "demo supervisor", f"ticket {code}", {"reason": "call_back"})  # fmt: skip
    await written(server)
    calls = await supervisor.gets("/dashboard/calls")
    link = calls.partition('class="open" href="')[2].partition('"')[0]
    assert FARMER not in await supervisor.gets(link)
    assert FARMER in await supervisor.posts(f"{link}/reveal", reason="safety")


async def test_D08_twenty_numbers_an_hour_and_no_more(records, now) -> None:
    def looks(db) -> list[bool]:
        seen = [reveal.reveal(db, f"ticket {one}", "safety", "amina", now) for one in range(22)]
        seen.append(reveal.reveal(db, "ticket", "safety", "bosco", now))
        later = now + timedelta(minutes=61)
        return [*seen, reveal.reveal(db, "ticket", "safety", "amina", later)]

    assert await records.write(looks) == [True] * 20 + [False] * 2 + [True, True]


async def test_D08_twenty_numbers_an_hour_also_when_asked_at_once(records, now) -> None:
    async def looks(number: int) -> bool:
        seen = f"ticket {number}"
        return await records.write(lambda db: reveal.reveal(db, seen, "safety", "amina", now))

    assert sum(await asyncio.gather(*map(looks, range(60)))) == 20


@pytest.mark.parametrize(
    "asked",
    ["category=%27%20OR%201%3D1%20--", "category=%25_%25", "after=%27%3B", "after=-1", "after=%D9%A1",
     "after=" + "9" * 400, "category=" + "a" * 7000, "closed=%3Cscript%3E", "category=%F0%9F%8C%BD"],
)  # fmt: skip
async def test_D13_whatever_is_asked_in_the_address_is_data(
    server: Running, supervisor: Desk, asked: str
) -> None:
    code = await asks_for_a_call(server)
    page = await supervisor.gets(f"/dashboard/tickets?{asked}")
    assert supervisor.status == 200 and code in page


NAMES = ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</textarea><b>",
         '" onmouseover="alert(1)', "javascript:alert(1)", "a\u202egnirts", "e" + "\u0301" * 78,
         "A" * 80, "   "]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
async def test_D01_D02_a_hostile_name_is_text(server: Running, supervisor: Desk, name: str) -> None:
    mine = contacts.c.msisdn == FARMER
    write = server.parts.market.records.write
    await write(lambda db: db.execute(update(contacts).where(mine).values(names=name)))
    code = await asks_for_a_call(server)
    change = update(tickets).values(text=name * 3, about=name[:40])
    await write(lambda db: db.execute(change))
    await written(server)
    for path in ("calls", "tickets", f"tickets/{code}", "calls/1"):
        raw = await supervisor.raw(f"/dashboard/{path}")
        for markup in ("<script>alert", "<img src=x", "</textarea><b>"):
            assert markup not in raw, path
        assert 'onmouseover="' not in raw


async def test_when_the_records_are_down_the_page_says_so(
    server: Running, supervisor: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.storage.records import RecordsDown

    async def down(_work) -> None:
        raise RecordsDown("gone")

    monkeypatch.setattr(type(server.parts.market.records), "read", lambda _self, work: down(work))
    page = await supervisor.gets("/dashboard/")
    assert supervisor.status == 503 and "The records are out of reach" in page


async def test_a_fault_of_ours_is_a_plain_page(
    server: Running, supervisor: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_anything: object) -> None:
        raise ValueError("secret detail")

    monkeypatch.setattr("bot.dashboard.screens.tickets.open_tickets", broken)
    page = await supervisor.gets("/dashboard/tickets")
    assert supervisor.status == 500 and "Something went wrong" in page and "secret" not in page


async def test_a_minutes_figures_are_read_once_a_second(server: Running, supervisor: Desk) -> None:
    reads = 0
    before = server.parts.market.records.read

    async def counted(work):
        nonlocal reads
        reads += "live" in repr(work) or "counts" in repr(work)
        return await before(work)

    await asyncio.sleep(1.05)
    began = datetime.now(UTC)
    server.parts.market.records.read = counted
    await asyncio.gather(*(supervisor.gets("/dashboard/") for _ in range(20)))
    seconds = (datetime.now(UTC) - began).total_seconds()
    assert 2 <= reads <= 2 * (1 + int(seconds + 1))


def test_every_conversation_has_a_name_for_people() -> None:
    assert set(FLOWS) == set(place_words.FLOWS)


async def test_the_page_with_a_whole_number_is_one_wherever_its_button_stands(
    server: Running, supervisor: Desk
) -> None:
    """A look, its reason and its line of the audit are the same from a call, a ticket, a person."""
    code = await asks_for_a_call(server)
    await server.parts.transcripts.flush()
    pages = []
    for path in ("calls/1", f"tickets/{code}", "people/1"):
        await supervisor.posts(f"/dashboard/{path}/reveal", reason="")
        assert supervisor.status == 404
        page = await supervisor.posts(f"/dashboard/{path}/reveal", reason="payment")
        pages.append(page.replace(f"/dashboard/{path}", "BACK"))
    assert FARMER in pages[0] and len(set(pages)) == 1
    lines = await audited(server, "number revealed")
    assert [line.details for line in lines] == [{"reason": "payment"}] * 3
