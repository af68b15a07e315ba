"""What staff do in a call that goes on: one at a time, once, and never on what has changed."""

import ast
import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, update

from bot.dashboard.access import members
from bot.dashboard.screens import feed
from bot.dashboard.screens.asked import PAGE
from bot.dashboard.screens.call_back_desk import tried, waiting
from bot.dashboard.screens.one_call import one_call
from bot.market import people
from bot.market.tickets import open_ticket
from bot.storage.schema import call_acts, contacts, offers, orders, tickets, transcripts
from tests.dashboard.desk import Desk, joins
from tests.dashboard.stream import streaming
from tests.dashboard.test_screens import audited
from tests.phone import PIN, Phone
from tests.server import FARMER, TEA, UNKNOWN, Running
from tests.ussd.handsets import Oltranz


@pytest.fixture
async def agent(server: Running):
    """One who answers people."""
    async with Desk(server) as desk:
        await joins(desk, server, "amina", "agent")
        yield desk


class OnCall:
    """A call as a member of staff has it open."""

    def __init__(self, server: Running, desk: Desk) -> None:
        self.server, self.desk, self.path, self.version = server, desk, "", ""

    async def opens(self, phone: Phone) -> str:
        """Open the page of this phone's call."""
        await self.server.parts.transcripts.flush()
        read = self.server.parts.market.records.read
        mine = transcripts.c.session_key == f"africastalking:{phone.session_id}"
        query = select(transcripts.c.id).where(mine).order_by(transcripts.c.id).limit(1)
        self.path = f"/dashboard/calls/{await read(lambda db: db.execute(query).scalar())}"
        return await self.looks()

    async def looks(self) -> str:
        """Load the page again."""
        await self.server.parts.transcripts.flush()
        page = await self.desk.gets(self.path)
        self.version = page.partition('data-version="')[2].partition('"')[0]
        return page

    async def does(self, doing: str, **more: str) -> str:
        """Press a button of the page as it was loaded."""
        return await self.desk.posts(f"{self.path}/do/{doing}", version=self.version, **more)


async def on_call(server: Running, desk: Desk, phone: Phone) -> OnCall:
    call = OnCall(server, desk)
    await call.opens(phone)
    return call


async def acts(server: Running) -> list[str]:
    query = select(call_acts.c.act).order_by(call_acts.c.id)
    return list(
        await server.parts.market.records.read(lambda db: db.execute(query).scalars().all())
    )


async def offered(server: Running) -> list[str]:
    """How the offers of the farmer's order stand."""
    query = select(offers.c.state).join(orders, orders.c.id == offers.c.order_id)
    mine = query.where(orders.c.code == "KW-1042")
    return list(await server.parts.market.records.read(lambda db: db.execute(mine).scalars().all()))


async def test_D10_two_who_take_a_call_at_once_are_one_who_has_it(
    server: Running, supervisor: Desk, agent: Desk
) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1")
    one, other = await on_call(server, supervisor, phone), await on_call(server, agent, phone)
    await asyncio.gather(one.does("take"), other.does("take"))
    assert sorted((supervisor.status, agent.status)) == [303, 409]
    assert await acts(server) == ["taken"]
    winner, loser = (one, other) if supervisor.status == 303 else (other, one)
    name = "demo supervisor" if winner is one else "amina"
    assert "Somebody else has taken this call" in loser.desk.text
    assert f"{name} helps" in await loser.looks() and 'data-do="take"' not in loser.desk.text
    for doing, text in (("give", ""), ("line", "Kanda 1"), ("end", ""), ("sms", "Muraho")):
        await loser.does(doing, text=text)
        assert loser.desk.status == 409, doing
    await winner.looks()
    await winner.does("give")
    assert winner.desk.status == 303
    await loser.looks()
    await loser.does("take")
    assert loser.desk.status == 303 and await acts(server) == ["taken", "given", "taken"]
    assert len(await audited(server, "call taken")) == 2


async def test_D10_an_order_accepted_while_staff_take_the_call_is_accepted_once(
    server: Running, supervisor: Desk
) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1", "1")
    call = await on_call(server, supervisor, phone)
    phone.history.append(PIN)
    screens = await asyncio.gather(phone.sends(), phone.sends(), call.does("take"))
    assert screens[0] == screens[1] and phone.ended
    assert await offered(server) == ["accepted"]


async def test_D09_what_is_based_on_an_old_screen_is_refused(
    server: Running, supervisor: Desk
) -> None:
    phone = server.phone()
    await phone.dials()
    call = await on_call(server, supervisor, phone)
    await call.does("take")
    await call.looks()
    screen = await phone.types("2")
    for doing in ("line", "end"):
        page = await call.does(doing, text="Kanda 1")
        assert supervisor.status == 409 and "has gone on since" in page
    await server.parts.transcripts.flush()
    for doing in ("sms", "call-back", "give"):
        page = await call.does(doing, text="Muraho")
        assert supervisor.status == 409 and "has gone on since" in page, doing
    assert await acts(server) == ["taken"]
    # Nothing was done: the call goes on, without a line.
    assert await phone.types("00") != screen and "Ubufasha: " not in phone.last
    await call.looks()
    await call.does("line", text="Kanda 1")
    assert supervisor.status == 303
    # Sent twice, as by a double click, it is one.
    await call.does("line", text="Kanda 1")
    assert supervisor.status == 409 and await acts(server) == ["taken", "line"]


async def test_what_was_written_and_refused_stands_in_its_field(
    server: Running, supervisor: Desk
) -> None:
    phone = server.phone()
    await phone.dials()
    call = await on_call(server, supervisor, phone)
    await call.does("take")
    await call.looks()
    await call.does("sms", text="Your PIN is 73914, not 8")
    assert supervisor.status == 422 and 'value="Your PIN is •••••, not 8"' in supervisor.text
    await phone.types("2")
    await server.parts.transcripts.flush()
    page = await call.does("sms", text='Zana "ikawa" ejo')
    assert supervisor.status == 409 and supervisor.text.count('value="Zana "ikawa" ejo"') == 1
    # Its links lead on from there too, where no script holds them.
    before = re.search(r'id="before"[^>]* href="([^"]+)"', page)[1]
    assert "screen 1 of 2" in await supervisor.gets(before)
    await call.looks()
    await call.does("sms", text="Your pineapples were weighed, thank you")
    assert supervisor.status == 303


async def test_D09_a_call_that_has_gone_on_is_not_taken(server: Running, agent: Desk) -> None:
    phone = server.phone()
    await phone.dials()
    call = await on_call(server, agent, phone)
    await phone.types("2")
    await server.parts.transcripts.flush()
    page = await call.does("take")
    assert agent.status == 409 and "has gone on since" in page and await acts(server) == []
    await call.looks()
    await call.does("take")
    assert agent.status == 303


@pytest.mark.parametrize(
    "version", ["", "1", "9999999999-0", "x-1", "1-", "-1", "1-999999999999999999999", "٣-1"]
)
async def test_D09_a_version_that_no_page_gave_does_nothing(
    server: Running, supervisor: Desk, version: str
) -> None:
    phone = server.phone()
    await phone.dials()
    call = await on_call(server, supervisor, phone)
    call.version = version
    await call.does("take")
    assert supervisor.status in {404, 409} and await acts(server) == []


async def dialled(server: Running, desk: Desk, phone: Oltranz) -> OnCall:
    """A call under an id that comes again, open at its newest hop."""
    phone.session_id = "123456"
    phone.ask = phone._first("384*801")
    await phone.sends()
    await phone.types("1")
    await server.parts.transcripts.flush()
    read, newest = server.parts.market.records.read, select(func.max(transcripts.c.id))
    call = OnCall(server, desk)
    call.path = f"/dashboard/calls/{await read(lambda db: db.execute(newest).scalar())}"
    await call.looks()
    return call


async def test_an_id_that_comes_again_brings_nothing_of_the_call_before(
    server: Running, supervisor: Desk, agent: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As when the feed begins some seconds after the second call did.
    monkeypatch.setattr(feed, "SETTLED_MS", 0)
    before = await dialled(server, supervisor, Oltranz(server.client, FARMER))
    await before.does("take")
    await before.looks()
    await before.does("sms", text="Zana ikawa ejo")
    assert await acts(server) == ["taken", "sms"]
    await before.looks()
    await server.lose_sessions()
    phone = Oltranz(server.client, TEA)
    call = await dialled(server, agent, phone)
    page = agent.text
    assert "demo supervisor" not in page and "Zana ikawa" not in page and "of 2<" in page
    # The feed of each page knows no more than its page: it would wait for ever for what is not there.
    for one, row in ((call, call.desk.text), (before, await before.looks())):
        stamp = [int(re.search(rf'data-{name}="([0-9]+)"', row)[1]) for name in ("row", "act")]
        async with streaming(one.desk, f"?call={one.path.rpartition('/')[2]}") as stream:
            told = (await stream.event("call")).data
        assert told["row"] <= stamp[0] and told["act"] <= stamp[1], one.path
    await call.does("take")
    assert agent.status == 303
    # Nor does the old call's page show the new one, or reach into it.
    page = await before.looks()
    assert "Zana ikawa" in page and "of 2<" in page and "+2507•••••02" not in page
    await before.does("line", text="Kanda 1")
    assert supervisor.status == 409 and "Kanda 1" not in await phone.types("00")
    assert await acts(server) == ["taken", "sms", "taken"]


async def test_what_one_did_in_an_earlier_call_of_the_same_person_and_id_is_over(
    server: Running, supervisor: Desk, agent: Desk
) -> None:
    phone = Oltranz(server.client, FARMER)
    await (await dialled(server, supervisor, phone)).does("take")
    await server.lose_sessions()
    call = await dialled(server, agent, phone)
    assert "demo supervisor" not in agent.text and "of 2<" in agent.text
    await call.does("take")
    assert agent.status == 303


async def test_a_call_that_registers_stays_one_and_so_does_one_written_out_of_order(
    records, now
) -> None:
    def row(hop: int, at_ms: int, owner: str, shown: str = "s") -> dict:
        key = {"session_key": "oltranz:1", "place": "home.menu", "typed": "", "micros": 9}
        return key | {"hop": hop, "at_ms": at_ms, "owner": owner, "shown": shown, "ends": 0}

    cut, other = row(2, 30, "", ""), row(1, 90, TEA)
    rows = [row(1, 5, UNKNOWN), row(2, 20, ""), row(1, 10, ""), cut, row(3, 40, FARMER), other]
    await records.write(lambda db: db.execute(insert(transcripts), rows))
    for at, hops in ((1, [1]), *((at, [1, 2, 2, 3]) for at in (2, 3, 4, 5)), (6, [1])):
        call = await records.read(lambda db, at=at: one_call(db, at))
        assert sorted(hop.number for hop in call.hops) == hops, at


async def test_a_line_stands_first_on_the_next_screen_and_only_there(
    server: Running, supervisor: Desk
) -> None:
    phone = server.phone()
    menu = await phone.dials()
    call = await on_call(server, supervisor, phone)
    await call.does("take")
    await call.looks()
    await call.does("line", text="Kanda 2, hanyuma 1")
    assert "reads it on the next screen" in await supervisor.gets(supervisor.headers["Location"])
    screen = await phone.types("00")
    assert screen.startswith("Ubufasha: Kanda 2, hanyuma 1\n")
    # The same hop again has the same bytes.
    assert await phone.sends() == screen
    assert await phone.types("00") == menu
    page = await call.looks()
    assert "added a line to the next screen" in page and "Kanda 2, hanyuma 1" in page
    assert len(await audited(server, "call line")) == 1


async def test_a_line_leaves_consent_all_its_words(server: Running, agent: Desk) -> None:
    phone = server.phone(UNKNOWN)
    await phone.dials()
    await phone.types("9", "2")
    call = await on_call(server, agent, phone)
    await call.does("take")
    await call.looks()
    await call.does("line", text="tapez 6 puis 1")
    assert agent.status == 303
    read = await phone.types("6")
    assert read.startswith("Aide: tapez 6 puis 1\n") and "J'accepte" not in read
    read += await phone.types("99")
    assert "Effacement sur demande" in read and "1 J'accepte" in read


async def test_a_line_with_a_hint_stands_before_it(server: Running, supervisor: Desk) -> None:
    phone = server.phone()
    await phone.dials()
    call = await on_call(server, supervisor, phone)
    await call.does("take")
    await call.looks()
    await call.does("line", text="Kanda 2")
    screen = await phone.types("77")
    assert screen.startswith("Ubufasha: Kanda 2\nIbyo wahisemo") and "\n1 " in screen


async def test_a_line_to_who_turns_a_page_waits_for_the_next_first_page(
    server: Running, supervisor: Desk
) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1", "3")
    assert "99 " in phone.last
    call = await on_call(server, supervisor, phone)
    await call.does("take")
    await call.looks()
    await call.does("line", text="Kanda 0")
    second = await phone.types("99")
    assert "Ubufasha:" not in second
    assert (await phone.types("00")).startswith("Ubufasha: Kanda 0\n")


async def test_a_call_that_staff_end_ends_with_the_next_key_and_takes_nothing(
    server: Running, supervisor: Desk
) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1", "1")
    call = await on_call(server, supervisor, phone)
    await call.does("take")
    await call.looks()
    await call.does("end")
    screen = await phone.types(PIN)
    assert phone.ended and "+250" in screen
    assert await phone.sends() == screen
    assert await offered(server) == ["offered"]
    await phone.dials()
    assert not phone.ended
    await call.does("end")
    assert supervisor.status == 409


async def test_an_sms_is_sent_once_in_the_words_of_staff(server: Running, supervisor: Desk) -> None:
    phone = server.phone()
    await phone.dials()
    call = await on_call(server, supervisor, phone)
    await call.does("take")
    await call.looks()
    await asyncio.gather(*(call.does("sms", text="Zana ikawa ejo mu gitondo") for _ in range(3)))
    sent = [text for text in await server.inbox(FARMER) if "Zana ikawa" in text]
    assert sent == ["Isoko: Zana ikawa ejo mu gitondo"]


@pytest.mark.parametrize(
    ("text", "status"),
    [("", 422), ("a" * 61, 422), ("ok\u202eko", 422), ("Ohereza PIN yawe", 422),
     ("umubare w'ibanga", 422), ("Andika 73914", 422), ("Kanda 1 kabiri", 303)],
)  # fmt: skip
async def test_nobody_is_asked_for_a_pin_and_a_line_is_a_line(
    server: Running, supervisor: Desk, text: str, status: int
) -> None:
    phone = server.phone()
    await phone.dials()
    call = await on_call(server, supervisor, phone)
    await call.does("take")
    await call.looks()
    await call.does("line", text=text)
    assert supervisor.status == status
    assert (await acts(server) == ["taken", "line"]) == (status == 303)


async def test_who_has_not_agreed_to_be_known_gets_no_sms_and_no_call(
    server: Running, supervisor: Desk
) -> None:
    phone = server.phone(UNKNOWN)
    await phone.dials()
    call = await on_call(server, supervisor, phone)
    assert 'data-do="call-back"' not in supervisor.text
    for doing in ("sms", "call-back"):
        await call.does(doing, text="Muraho")
        assert supervisor.status == 422
    assert await acts(server) == []


async def test_what_staff_did_goes_with_the_person_and_is_in_their_copy(
    server: Running, supervisor: Desk
) -> None:
    phone = server.phone()
    await phone.dials()
    await (await on_call(server, supervisor, phone)).does("take")
    records, now = server.parts.market.records, datetime.now(UTC)
    find = select(contacts.c.id).where(contacts.c.msisdn == FARMER)
    contact = await records.read(lambda db: db.execute(find).scalar())
    held = await records.read(lambda db: people.copy_of(db, contact))
    assert [row["act"] for row in held["help_in_calls"]] == ["taken"]
    await records.write(lambda db: people.erase(db, contact, now))
    assert await acts(server) == []


async def test_a_call_taken_along_as_a_test_is_one_that_passes(
    server: Running, supervisor: Desk
) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("1", "0", "2", "1", "7", "00")
    call = await on_call(server, supervisor, phone)
    text = await along(supervisor, call.path, test="1")
    assert "attachment" in supervisor.headers["Content-Disposition"]
    ast.parse(text)
    scope: dict = {}
    exec(text, scope)
    await scope["test_this_call_goes_as_it_went"](server)
    (line,) = await audited(server, "call taken along as a test")
    assert line.subject == "contact 1"
    assert line.details == {"call": int(call.path.rpartition("/")[2]), "reason": "to mend it"}


async def along(desk: Desk, path: str, reason: str = "to mend it", **how: str) -> str:
    """The call as a file, as it came over the wire."""
    await desk.posts(f"{path}/take-along", reason=reason, **how)
    return desk.wire


async def test_a_call_is_taken_along_for_a_reason_that_stands_with_the_person(
    server: Running, supervisor: Desk
) -> None:
    phone = server.phone()
    await phone.dials()
    call = await on_call(server, supervisor, phone)
    assert "Say why" in await along(supervisor, call.path, reason=" ", test="1")
    assert supervisor.status == 422
    assert await audited(server, "call taken along as data") == []
    for name in ("test.py", "call.json", "take-along"):
        await supervisor.gets(f"{call.path}/{name}")
        assert supervisor.status in {404, 405}
    await along(supervisor, call.path)
    assert supervisor.status == 200
    async with Desk(server) as auditor:
        await joins(auditor, server, "odile", "auditor")
        page = await auditor.gets("/dashboard/people/1")
    assert "took a call of theirs along" in page and "to mend it" in page


async def test_a_day_of_a_call_is_that_of_the_hub_and_a_chat_is_no_test(
    server: Running, supervisor: Desk
) -> None:
    phone = server.phone()
    await phone.dials()
    call = await on_call(server, supervisor, phone)
    # Half past midnight in Kigali, and the day before in UTC.
    at_ms = int(datetime(2026, 3, 4, 22, 30, tzinfo=UTC).timestamp() * 1000)
    late = update(transcripts).values(at_ms=at_ms)
    await server.parts.market.records.write(lambda db: db.execute(late))
    assert "on 2026-03-05" in await along(supervisor, call.path, test="1")
    chat = update(transcripts).values(session_key="telegram:7.1")
    await server.parts.market.records.write(lambda db: db.execute(chat))
    page = await supervisor.gets(call.path)
    assert "As data" in page and "As a test" not in page
    await along(supervisor, call.path, test="1")
    assert supervisor.status == 404


async def test_B20_D07_a_call_taken_along_has_no_number_and_no_pin(
    server: Running, agent: Desk
) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1", "1", PIN)
    call = await on_call(server, agent, phone)
    said = agent.text
    for how in ({"test": "1"}, {}):
        said += await along(agent, call.path, **how)
        assert agent.status == 200
    assert FARMER[4:] not in said and PIN not in said and "ATUid" not in said
    assert "phone.types(PIN)" in said


async def test_B12_the_phone_of_the_page_shows_what_was_sent(server: Running, viewer: Desk) -> None:
    phone = server.phone(TEA)
    sent = [await phone.dials()]
    for entry in ("1", "0", "2", "1", "0", "99", "7", "8", "0", "4", "00"):
        sent.append(await phone.types(entry))
    call = await on_call(server, viewer, phone)
    for number, screen in enumerate(sent, 1):
        page = await viewer.gets(f"{call.path}?hop={number}")
        shown = page.partition('id="lcd"')[2].partition("<bdi>")[2].partition("</bdi>")[0]
        assert shown == screen, number
        assert f"screen {number} of {len(sent)}" in page
    for odd in ("0", "999", "x", "-1", "1" * 50):
        assert f"screen {len(sent)} of" in await viewer.gets(f"{call.path}?hop={odd}")


async def test_a_call_back_is_asked_for_once_and_its_tries_are_noted(
    server: Running, supervisor: Desk, agent: Desk
) -> None:
    phone = server.phone()
    await phone.dials()
    call = await on_call(server, supervisor, phone)
    await call.does("call-back")
    await call.looks()
    await call.does("call-back")
    page = await agent.gets("/dashboard/call-backs")
    assert page.count('<li class="wait') == 1 and "+2507•••••01" in page and "Home" in page
    code = page.partition("/tried")[0].rpartition("/")[2]
    path = f"/dashboard/call-backs/{code}/tried"
    await asyncio.gather(
        agent.posts(path, outcome="no_answer", tries="0"),
        supervisor.posts(path, outcome="no_answer", tries="0"),
    )
    assert sorted((agent.status, supervisor.status)) == [303, 409]
    assert "Tries: 1; the last: No answer" in await agent.gets("/dashboard/call-backs")
    await agent.posts(path, outcome="solved", tries="1")
    assert "Nobody waits" in await agent.gets(agent.headers["Location"])
    await agent.posts(path, outcome="reached", tries="2")
    assert agent.status == 409
    await agent.posts(path, outcome="paid", tries="2")
    assert agent.status == 404


async def test_another_person_twice_and_the_number_must_be_checked(records, now) -> None:
    def add(name: str):
        return records.write(lambda db: members.add(db, name, "agent", "en", now, "test"))

    amina, eric, hour = await add("amina"), await add("eric"), timedelta(hours=1)
    soon = [(amina, now), (amina, now + timedelta(minutes=1)), (eric, now + timedelta(minutes=2))]
    later = [(amina, now), (amina, now + hour / 2), (amina, now + hour), (eric, now + hour)]
    for number, tries, last in (("1", soon, []), ("2", later, ["noted"])):
        asked = {"category": "call_back", "msisdn": f"+25078800077{number}", "contact_id": None}
        code = await records.write(lambda db, a=asked: open_ticket(db, **a, language="rw", now=now))
        ends = [
            await records.write(
                lambda db, n=n, c=code, by=by, at=at: tried(db, c, "wrong_person", n, "", by, at)
            )
            for n, (by, at) in enumerate(tries)
        ]
        # One alone does not say it twice within the hour, and it is said once.
        assert ends == ["noted", "noted", "verifying", *last]
    state = select(tickets.c.state).distinct()
    assert await records.read(lambda db: db.execute(state).scalar()) == "open"


async def test_a_ticket_without_a_call_has_no_try(records, now) -> None:
    member = await records.write(lambda db: members.add(db, "amina", "agent", "en", now, "test"))
    asked = {"category": "payment_missing", "msisdn": "+250788000777", "contact_id": None}
    code = await records.write(lambda db: open_ticket(db, **asked, language="rw", now=now))
    ended = await records.write(lambda db: tried(db, code, "solved", 0, "x", member, now))
    assert ended == "gone" and (await records.read(waiting))[0] == []


async def test_whoever_waits_is_on_a_page(server: Running, agent: Desk) -> None:
    now = datetime.now(UTC)

    def many(db) -> None:
        for n in range(PAGE + 1):
            asked = {"category": ("call_back", "verify")[n % 2], "contact_id": None}
            open_ticket(db, **asked, msisdn=f"+2507880{n:05}", language="rw", now=now)

    await server.parts.market.records.write(many)
    page = await agent.gets("/dashboard/call-backs")
    assert page.count('<li class="wait') == PAGE
    after = re.search(r'href="(/dashboard/call-backs\?after=[0-9]+)"', page)[1]
    assert (await agent.gets(after)).count('<li class="wait') == 1 and "?after=" not in agent.text
    # The last page leads nowhere: whoever works through them would begin anew unawares.
    assert "Next" not in agent.text
