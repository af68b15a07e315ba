"""Every gateway through the real door: one table of calls, each run on every wire."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.conversation import LANGUAGES, Reply
from bot.engine.stage import Stage
from bot.storage.schema import audit, hops, offers, pin_failures, transcripts
from bot.ussd import airtel, mtn, oltranz
from bot.ussd.gateway import Wire
from bot.ussd.gsm7 import septets
from tests.phone import PIN
from tests.server import CRAFTS, FARMER, TEA, UNKNOWN, Running, running
from tests.ussd.handsets import EACH, LATEST_ONLY, Airtel, Handset, Mtn, Oltranz, Shown

FIXTURES = Path(__file__).parent / "fixtures"
TRANSCRIPTS = Path(__file__).parent.parent / "flows" / "transcripts"
_SAID = "Murakaza neza\n1. Kugurisha\n2. Ibiciro"


@pytest.fixture(params=EACH, ids=lambda one: one.gateway)
def handset(request: pytest.FixtureRequest, server: Running) -> Handset:
    return request.param(server.client, FARMER)


@pytest.fixture(params=LATEST_ONLY, ids=lambda one: one.gateway)
def latest(request: pytest.FixtureRequest, server: Running) -> Handset:
    return request.param(server.client, FARMER)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path, ISOKO_USSD__SERVICE_CODES="*384*801#,*801#") as one:
        yield one


async def count(server: Running, table) -> int:
    query = select(func.count()).select_from(table)
    return await server.parts.market.records.read(lambda db: db.execute(query).scalar())


async def offer_state(server: Running) -> str:
    query = select(offers.c.state).order_by(offers.c.id).where(offers.c.packs == 200)
    return await server.parts.market.records.read(lambda db: db.execute(query).scalar())


@pytest.mark.parametrize(
    ("who", "home", "price"),
    [(FARMER, "Ibiciro", "Frw/kg"), (TEA, "Prix", "Frw/kg"), (CRAFTS, "Prices", "Frw/kg")],
)
async def test_todays_price_in_two_answers(
    handset: Handset, who: str, home: str, price: str
) -> None:
    handset.msisdn = who
    assert home in await handset.dials()
    assert handset.last.headers["Content-Type"] == handset.kind
    assert price in await handset.types("1", "1")
    assert not handset.last.ends and septets(handset.last.text) <= 160


async def test_a_first_caller_is_asked_the_language(handset: Handset) -> None:
    handset.msisdn = UNKNOWN
    screen = await handset.dials()
    assert all(name in screen for name in ("Kinyarwanda", "Francais", "English"))
    assert "Prices" in await handset.types("3")


async def test_an_order_is_accepted_once_however_often_the_pin_comes(
    server: Running, handset: Handset
) -> None:
    await handset.dials()
    assert "PIN" in await handset.types("2", "1", "1")
    wrong, said = await count(server, pin_failures), await handset.types(PIN)
    first = handset.last
    assert "Wemeye" in said and first.ends
    kept = await count(server, hops)
    for _again in range(3):
        again = await handset.posts()
        assert (again.status, again.body) == (200, first.body)
    assert await offer_state(server) == "accepted"
    assert (await count(server, hops), await count(server, pin_failures)) == (kept, wrong)
    assert len([text for text in await server.inbox(FARMER) if "wemeye" in text]) == 1


async def test_U14_the_same_hop_on_many_connections_is_one(
    server: Running, handset: Handset, monkeypatch
) -> None:
    await handset.dials()
    answer = Stage.answer

    async def slow(self, hop):
        await asyncio.sleep(0.2)
        return await answer(self, hop)

    monkeypatch.setattr(Stage, "answer", slow)
    # Where "1" leads it could be pressed again: only that it came too early tells.
    handset.ask = handset._next("1")
    answers = await asyncio.gather(*(handset.posts() for _one in range(6)))
    assert len({one.body for one in answers}) == 1
    monkeypatch.undo()
    assert "Frw/kg" in await handset.types("1")


async def test_a_dial_sent_again_is_the_same_call(handset: Handset) -> None:
    menu, first = await handset.dials(), handset.last.body
    for _again in range(2):
        assert (await handset.posts()).body == first
    assert "Frw/kg" in await handset.types("1", "1") and menu


async def test_a_long_code_lands_where_the_presses_would(handset: Handset) -> None:
    await handset.dials()
    pressed = await handset.types("1", "1")
    assert await handset.dials("1*1") == pressed
    first = handset.last.body
    assert (await handset.posts()).body == first


async def test_I02_a_long_code_stops_before_a_pin(server: Running, handset: Handset) -> None:
    screen = await handset.dials(f"2*1*1*{PIN}*1")
    assert "PIN" in screen and await offer_state(server) == "offered"
    assert "Wemeye" in await handset.types(PIN)


async def test_I01_I03_I04_an_odd_entry_is_one_wrong_entry(handset: Handset) -> None:
    await handset.dials()
    menu = await handset.types("2")
    for entry in ("", "****", "*", "#", "1*1*1", "1#", "#1*2", "*384*801#", "7*1", "", ""):
        said = await handset.types(entry)
        assert said == f"Ibyo wahisemo si byo. Ongera ugerageze.\n{menu}", entry
    assert "KW-1042" in await handset.types("1")


async def test_I07_I09_a_strange_entry_is_never_a_fault(handset: Handset) -> None:
    await handset.dials()
    for entry in ("\u200f8", "\u0661", "<a>&\"'</a>", "x" * 400, "é€ŋ😀", "%", "+", "a&b=c"):
        await handset.types(entry)
        assert handset.last.text and not handset.last.ends, entry


async def test_what_needs_escaping_reaches_the_phone_as_it_is(latest: Handset) -> None:
    latest.msisdn = UNKNOWN
    await latest.dials()
    await latest.types("3")
    inbound = type("Asked", (), {"asked": {}, "number_as_sent": latest.msisdn[1:],
                                 "session_as_sent": latest.session_id, "transaction": ""})()  # fmt: skip
    gateway = {"oltranz": oltranz, "mtn": mtn, "airtel": airtel}[latest.gateway]
    said = 'A & B <b>"C"</b>\n]]> 1 \\ é'
    reply = gateway.write(inbound, Reply(said))
    if gateway is oltranz:
        assert json.loads(reply.body)["response"] == said
    else:
        latest.last.headers, latest.last.body = dict(reply.headers), reply.body
        assert latest.reads(latest.last)[0] == said


async def test_U10_a_session_answers_its_own_number_only(server: Running, handset: Handset) -> None:
    await handset.dials()
    await handset.types("2")
    before = await count(server, audit)
    mine, handset.msisdn = handset.msisdn, TEA
    stolen = await handset.types("1")
    assert handset.last.ends and "KW-1042" not in stolen
    await server.write_transcripts()
    assert await count(server, audit) == before + 1
    handset.msisdn = mine
    # Africa's Talking tells all that was typed; what the other number sent is not part of it.
    if handset.gateway != "africastalking":
        assert "KW-1042" in await handset.types("1")


async def test_one_gateways_session_is_not_anothers(server: Running) -> None:
    phones = [one(server.client, FARMER) for one in EACH]
    for phone in phones:
        await phone.dials()
        phone.session_id = "174635"
    for number, phone in enumerate(phones):
        phone.ask = phone._first("384*801*1" if number % 2 else "384*801")
        screens = (await phone.sends()).text
        assert ("Ikawa" in screens) == bool(number % 2)


async def test_after_a_lost_store_there_is_home_and_nothing_is_done_twice(
    server: Running, latest: Handset
) -> None:
    menu = await latest.dials()
    await latest.types("2", "1")
    await server.lose_sessions()
    assert await latest.types("1") == menu
    await latest.types("2", "1", "1", PIN)
    said = latest.last.body
    await server.lose_sessions()
    # The answer was lost with the server: the gateway asks again, and hears what was done.
    assert (await latest.posts()).body == said
    assert (await latest.posts()).body == said
    assert await offer_state(server) == "accepted"
    assert len([text for text in await server.inbox(FARMER) if "wemeye" in text]) == 1


async def test_a_pin_sent_again_counts_as_one_wrong_try(server: Running, latest: Handset) -> None:
    await latest.dials()
    said = await latest.types("2", "1", "1", "11111")
    for _again in range(4):
        assert (await latest.sends()).text == said
    assert await count(server, pin_failures) == 1
    assert "Wemeye" in await latest.types(PIN)


async def test_an_unknown_caller_registers_in_each_language(server: Running) -> None:
    # Also the PIN, which is chosen and then typed once more at once.
    number = itertools.count(250788100001)
    for language in LANGUAGES:
        call = TRANSCRIPTS / f"register.{language}.txt"
        for kind in EACH:
            phone = kind(server.client, f"+{next(number)}")
            _what, dialled, *hops = call.read_text("utf-8").split("\n> ")
            assert dialled.partition("\n")[2].strip() == await phone.dials()
            for hop in hops:
                entry, _, screen = hop.partition("\n")
                assert await phone.types(entry) == screen.strip(), (kind.gateway, language, entry)


async def test_a_call_that_is_over_ends_on_the_hops_path(server: Running) -> None:
    kinds = {}
    for kind, who in ((Mtn, FARMER), (Airtel, TEA)):
        phone = kind(server.client, who)
        home = await phone.dials()
        await phone.types("2", "1")
        for session in (phone.session_id, phone.session_id, "9999999"):
            mine, phone.session_id = phone.session_id, session
            phone.ask = phone.hangs_up()
            shown = await phone.posts()
            assert (shown.status, shown.body) == (200, b"")
            phone.session_id = mine
        kinds[kind.gateway] = sum(
            sample.value
            for one in (server, server.second)
            if one is not None
            for family in one.parts.registry.collect()
            for sample in family.samples
            if family.name == "isoko_hops" and sample.labels.get("kind") == "abandoned"
        )
        card = await phone.dials()
        assert card != home and "KW-10" in card
    assert kinds == {"mtn": 1, "airtel": 2}


async def test_an_id_that_another_call_had_begins_anew(server: Running) -> None:
    for kind in (Oltranz, Mtn):
        phone = kind(server.client, FARMER)
        menu = await phone.dials()
        await phone.types("2", "1", "0", "00", "1")
        phone.ask = phone._first("384*801*1*1")
        assert "Frw/kg" in (await phone.sends()).text
        # The call that is left open here is gone with its id: no card leads back to it.
        assert "KW-1042" in await phone.types("00", "2", "1")
        phone.ask = phone._first("384*801")
        assert (await phone.sends()).text == menu
        assert "Ikawa" in await phone.types("1")


async def test_a_dial_that_was_held_up_changes_nothing(server: Running) -> None:
    for kind in (Oltranz, Mtn):
        phone = kind(server.client, FARMER)
        phone.session_id = "174635"
        # Also in the second call under one id.
        for tail, two_on in (("", "Frw/kg"), ("*2", "PIN")):
            phone.ask = dial = phone._first(f"384*801{tail}")
            first = (await phone.sends()).body
            await phone.types("1")
            phone.ask = dial
            assert (await phone.sends()).body == first
            assert two_on in await phone.types("1")
            await phone.types("00")


async def test_a_stamp_tells_a_resend_from_a_second_press(server: Running) -> None:
    phone = Oltranz(server.client, FARMER)
    await phone.dials()
    prices = await phone.types("1")
    assert (await phone.sends()).text == prices
    assert "Frw/kg" in await phone.types("1")
    # One that is the same on every hop tells nothing, and hides no answer.
    still = Mtn(server.client, FARMER)
    still.transaction = "99120341"
    await still.dials()
    assert "Frw/kg" in await still.types("1", "1")


@pytest.mark.parametrize(("name", "kind"), [
    ("oltranz_01_new.json", Oltranz), ("mtn_rw_xml_01_pull_new.xml", Mtn),
    ("airtel_flares_01_new.query", Airtel), ("airtel_rw_07_lowercase_new.query", Airtel),
    ("airtel_flares_05_auth.query", Airtel)])  # fmt: skip
async def test_a_dial_as_the_gateway_writes_it(
    served: Running, name: str, kind: type[Handset]
) -> None:
    shown = await sent(served, kind, (FIXTURES / name).read_bytes())
    assert shown.status == 200 and b"Kinyarwanda" in shown.body
    assert shown.headers["Content-Type"] == kind.kind
    again = await sent(served, kind, (FIXTURES / name).read_bytes())
    assert again.body == shown.body


@pytest.mark.parametrize(("name", "long", "next_hop", "kind"), [
    ("mtn_rw_xml_01_pull_new.xml", "mtn_rw_xml_02_pull_new_long_code.xml",
     "mtn_rw_xml_03_pull_continue.xml", Mtn),
    ("airtel_flares_01_new.query", "airtel_flares_02_new_long_code.query",
     "airtel_flares_03_continue.query", Airtel),
    ("oltranz_01_new.json", "", "oltranz_02_continue.json", Oltranz),
    ("mtn_rw_xml_01_pull_new.xml", "", "mtn_rw_xml_05_pull_transactionid.xml", Mtn),
    ("airtel_flares_01_new.query", "", "airtel_flares_04_empty_input.query", Airtel)])  # fmt: skip
async def test_a_call_as_the_gateway_writes_it(
    served: Running, name: str, long: str, next_hop: str, kind: type[Handset]
) -> None:
    if long:
        # English, and then the lessons' place: what the presses 3 and 2 lead to.
        shown = await sent(served, kind, (FIXTURES / long).read_bytes())
        assert shown.status == 200 and b"Kinyarwanda" not in shown.body
        await served.lose_sessions()
    await sent(served, kind, (FIXTURES / name).read_bytes())
    shown = await sent(served, kind, (FIXTURES / next_hop).read_bytes())
    assert shown.status == 200
    assert (b"Ibiciro" in shown.body) == ("empty" not in next_hop)
    assert (b"<transactionid>99120341</transactionid>" in shown.body) == ("05" in next_hop)


@pytest.mark.parametrize("name", ["mtn_rw_xml_04_cleanup.xml", "airtel_flares_06_cleanup.query"])
async def test_a_clean_up_as_the_gateway_writes_it(served: Running, name: str) -> None:
    kind = Mtn if name.startswith("mtn") else Airtel
    shown = await sent(served, kind, (FIXTURES / name).read_bytes())
    assert (shown.status, shown.body) == (200, b"")
    assert await count(served, transcripts) == 0


async def sent(server: Running, kind: type[Handset], raw: bytes, kinds: str = "") -> Shown:
    phone = kind(server.client, FARMER)
    if kind is Airtel:
        return await phone.posts(f"?{raw.decode('latin-1')}")
    usual = "application/json" if kind is Oltranz else "application/xml"
    return await phone.posts(data=raw, headers={"Content-Type": kinds or usual})


def test_the_answer_byte_for_byte() -> None:
    for name, reply in (("fc", Reply(_SAID)), ("fb", Reply("Murakoze", ends=True))):
        hop = mtn.read(Wire("POST", "", "", {}, (FIXTURES / "mtn_rw_xml_01_pull_new.xml").read_bytes()), "RW")  # fmt: skip
        written = mtn.write(hop, reply)
        assert written.body == (FIXTURES / f"mtn_rw_xml_response_{name}.xml").read_bytes()
        text = as_http(airtel.write(hop, reply))
        assert text == (FIXTURES / f"airtel_flares_response_{name}.http").read_text("utf-8")
    asked = (FIXTURES / "oltranz_01_new.json").read_bytes()
    written = oltranz.write(oltranz.read(Wire("POST", "", "", {}, asked), "RW"), Reply(_SAID))
    assert json.loads(written.body) == json.loads((FIXTURES / "oltranz_response_con.json").read_bytes())  # fmt: skip
    assert written.headers == (("Content-Type", "application/json;charset=UTF-8"),)


def as_http(reply) -> str:
    head = "".join(f"{name}: {value}\n" for name, value in reply.headers)
    return f"HTTP/1.1 200 OK\n{head}\n{reply.body.decode()}"


async def test_a_deed_of_another_call_with_the_same_id_is_not_this_ones(server: Running) -> None:
    phone = Oltranz(server.client, FARMER)
    for call in (1, 2):
        phone.session_id = "174635"
        phone.ask = phone._first("384*801")
        await phone.sends()
        await phone.types("8", "6", "8")
        assert await count(server, hops) == call
