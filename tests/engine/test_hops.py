"""A hop: the same one has the same reply and one effect, whatever the network does."""

import asyncio
from collections import Counter

import pytest
from sqlalchemy import func, select, update

from bot.storage.records import RecordsDown
from bot.storage.schema import audit, hops, offers, tickets, transcripts
from tests.phone import PIN, Phone
from tests.server import AIRTEL, FARMER, TEA, UNKNOWN, Running, running


async def count(server: Running, table) -> int:
    query = select(func.count()).select_from(table)
    return await server.parts.market.records.read(lambda db: db.execute(query).scalar())


async def offer_state(server: Running) -> str:
    query = select(offers.c.state).order_by(offers.c.id).where(offers.c.packs == 200)
    return await server.parts.market.records.read(lambda db: db.execute(query).scalar())


async def test_U13_a_repeat_has_the_same_bytes_and_no_second_effect(
    server: Running, phone: Phone
) -> None:
    await phone.dials()
    await phone.types("2", "1", "1", PIN)
    first = phone.last
    kept = await count(server, hops)
    for _again in range(3):
        await phone.sends()
        assert phone.last == first
    assert await count(server, hops) == kept
    assert len([text for text in await server.inbox(FARMER) if "wemeye" in text]) == 1


async def test_U13_every_older_hop_still_has_its_own_reply(phone: Phone) -> None:
    replies = {"": await phone.dials()}
    for entry in ("1", "1", "0", "2"):
        screen = await phone.types(entry)
        replies["*".join(phone.history)] = screen
    for history, reply in replies.items():
        assert await phone.sends(history) == reply


async def test_U13_a_repeated_long_code_has_the_reply_of_its_first_time(phone: Phone) -> None:
    orders = await phone.dials("2*1")
    assert "KW-1042" in orders
    assert await phone.sends() == orders


async def test_a_session_rebuilt_from_its_history_repeats_itself(
    server: Running, phone: Phone
) -> None:
    await phone.dials()
    orders = await phone.types("2")
    await server.lose_sessions()
    assert await phone.sends() == orders
    assert await phone.sends() == orders


async def test_U14_two_identical_hops_at_once_are_one(server: Running, phone: Phone) -> None:
    await phone.dials()
    await phone.types("8", "6")
    phone.history.append("8")
    replies = await asyncio.gather(*(phone.posts() for _one in range(8)))
    assert len(set(replies)) == 1
    assert await count(server, tickets) == 1


async def test_U15_a_hop_that_skips_one_is_not_played_as_two(phone: Phone) -> None:
    await phone.dials()
    menu = await phone.types("2")
    screen = await phone.sends("2*1*1*1")
    assert screen.startswith("Ibyo wahisemo si byo") and screen.endswith(menu)


async def test_U15_a_hop_that_comes_before_the_one_it_follows_confirms_nothing(
    server: Running, phone: Phone
) -> None:
    await phone.dials()
    offer = await phone.types("2", "1")
    early = await phone.sends(f"2*1*1*{PIN}")
    assert "1 Emera" in offer
    assert early.startswith("Ibyo wahisemo si byo") and "1 Emera" in early
    # The one it overtook: whoever is shown the offer has not been asked for a PIN yet.
    late = await phone.sends("2*1*1")
    assert "Wemeye" not in late and not phone.ended
    assert await offer_state(server) == "offered"
    phone.history = ["2", "1", "1", PIN]
    assert "Emera KW-1042" in await phone.types("1")
    assert "Wemeye" in await phone.types(PIN)
    assert await offer_state(server) == "accepted"


async def test_U10_a_session_answers_its_own_number_only(server: Running, phone: Phone) -> None:
    await phone.dials()
    await phone.types("2", "1")
    before = await count(server, audit)
    thief = server.phone(TEA)
    thief.session_id, thief.history = phone.session_id, [*phone.history, "1"]
    stolen = await thief.sends()
    assert thief.ended and "KW-1042" not in stolen
    await server.write_transcripts()
    assert await count(server, audit) == before + 1
    assert "Emera KW-1042" in await phone.types("1")


async def test_U10_also_when_the_session_store_is_empty(server: Running, phone: Phone) -> None:
    await phone.dials()
    await phone.types("2", "1", "1")
    await server.lose_sessions()
    thief = server.phone(TEA)
    thief.session_id, thief.history = phone.session_id, [*phone.history, PIN]
    await thief.sends()
    assert thief.ended and await offer_state(server) == "offered"
    await phone.types(PIN)
    assert await offer_state(server) == "accepted"


async def test_U17_a_hop_after_the_end_is_a_fresh_menu(phone: Phone) -> None:
    menu = await phone.dials()
    await phone.types("2", "1", "1", PIN)
    assert phone.ended
    assert await phone.types("1") == menu


async def test_U18_the_end_notice_may_come_twice_early_or_for_nobody(
    server: Running, phone: Phone
) -> None:
    await phone.dials()
    for session in (phone.session_id, phone.session_id, "ATUid_nobody"):
        form = {"sessionId": session, "phoneNumber": FARMER, "status": "Incomplete"}
        answer = await server.client.post("/ussd/africastalking/events", data=form)
        assert answer.status == 200
    assert "Ibiciro" in await phone.types("1")


async def test_U18_a_call_is_counted_as_abandoned_or_completed_once(server: Running) -> None:
    async def ends(phone: Phone, status: str) -> None:
        for _time in range(3):
            form = {"sessionId": phone.session_id, "phoneNumber": phone.msisdn, "status": status}
            async with server.client.post("/ussd/africastalking/events", data=form) as answer:
                assert answer.status == 200

    done, cut, nobody = server.phone(), server.phone(TEA), server.phone(UNKNOWN)
    await done.dials()
    await done.types("2", "1", "1")
    await cut.dials()
    await cut.types("1")
    # It overtakes the last hop.
    await ends(done, "Success")
    assert "Wemeye" in await done.types(PIN)
    nobody.session_id = "ATUid_never_heard_of"
    for phone, status in ((done, "Success"), (cut, "Incomplete"), (nobody, "Success")):
        await ends(phone, status)
    kinds = Counter()
    for one in (server, server.second):
        if one is not None:
            for family in one.parts.registry.collect():
                if family.name == "isoko_hops":
                    kinds.update({s.labels["kind"]: int(s.value) for s in family.samples})
    assert (kinds["completed"], kinds["abandoned"]) == (1, 1)


async def test_what_the_person_saw_decides_not_what_is_there_now(
    server: Running, phone: Phone
) -> None:
    await phone.dials()
    await phone.types("2")
    other = server.phone()
    await other.dials()
    await other.types("2", "1", "1", PIN)
    late = await phone.types("1")
    assert "KW-1042" in late and "Emera\n" not in late


async def test_I01_stars_in_an_entry_are_one_wrong_entry(server: Running, phone: Phone) -> None:
    await phone.dials()
    await phone.types("2", "1", "3", "99", "1")
    screen = await phone.types("1*1*1")
    assert screen.startswith("Ibyo wahisemo si byo") and "200" in screen
    assert "Emera KW-1042: 50 x" in await phone.types("50")


async def test_I02_a_long_code_lands_where_the_presses_would(server: Running) -> None:
    by_press, at_once = server.phone(), server.phone(AIRTEL)
    await by_press.dials()
    assert await at_once.dials("1") == await by_press.types("1")


@pytest.mark.parametrize("entries", [("9", "2"), ("5", "1", "2", "2")])
async def test_I02_a_long_code_ends_where_the_presses_do_that_cost_nothing(
    server: Running, entries: tuple[str, ...]
) -> None:
    by_press, at_once = server.phone(), server.phone(AIRTEL)
    await by_press.dials()
    assert await at_once.dials("*".join(entries)) == await by_press.types(*entries)


async def test_I02_a_long_code_never_passes_a_pin(server: Running, phone: Phone) -> None:
    screen = await phone.dials(f"2*1*1*{PIN}")
    assert "Emera KW-1042: 200" in screen and not phone.ended
    assert await offer_state(server) == "offered"
    await phone.types(PIN)
    assert await offer_state(server) == "accepted"


async def test_I02_a_long_code_never_passes_consent(server: Running) -> None:
    stranger = server.phone(UNKNOWN)
    screen = await stranger.dials("3*6*1*1")
    assert screen.startswith("Do you agree")


async def test_U11_a_guessed_session_id_gives_nothing_away(server: Running, phone: Phone) -> None:
    await phone.dials()
    await phone.types("2", "1", "1")
    guesser = server.phone(UNKNOWN)
    for history in ([], ["2"], ["2", "1", "1"], ["2", "1", "1", PIN]):
        guesser.session_id, guesser.history = phone.session_id, list(history)
        said = await guesser.sends()
        assert guesser.ended and "KW-1042" not in said
    assert await offer_state(server) == "offered"


@pytest.mark.parametrize("typed", ["#", "*", "**", "*#*", "1#", "#1*2"])
async def test_I03_signs_of_the_gateway_are_a_wrong_choice(phone: Phone, typed: str) -> None:
    menu = await phone.dials()
    screen = await phone.types(typed)
    assert screen.startswith("Ibyo wahisemo si byo")
    assert screen.split("\n")[1:] == menu.split("\n")[1:]
    assert (await phone.types("1")).startswith("Ibiciro")


async def test_I04_an_empty_answer_takes_no_default(server: Running, phone: Phone) -> None:
    await phone.dials()
    for entries in (("2",), ("1",), ("3", "99", "1"), ("50",)):
        screen = await phone.types(*entries)
        again = await phone.types("")
        assert again != screen and "0 Subira inyuma" in again and not phone.ended
    assert await offer_state(server) == "offered"
    assert await phone.types(PIN) and phone.ended


async def test_a_lost_session_store_is_not_a_lost_call(server: Running, phone: Phone) -> None:
    await phone.dials()
    offer = await phone.types("2", "1")
    await server.lose_sessions()
    assert await phone.types("0") != offer
    await phone.types("1")
    await server.lose_sessions()
    assert "Emera KW-1042" in await phone.types("1")
    await server.lose_sessions()
    await phone.types(PIN)
    first = phone.last
    await server.lose_sessions()
    await phone.sends()
    assert phone.last == first and await offer_state(server) == "accepted"


@pytest.mark.embedded
async def test_a_session_of_another_version_is_as_good_as_none(
    server: Running, phone: Phone
) -> None:
    menu = await phone.dials()
    await phone.types("2", "1")
    kept = server.parts.engine._sessions._kept
    for key in kept:
        kept[key] = (kept[key][0], b"x")
    assert "Emera KW-1042" in await phone.types("1")
    for key in kept:
        kept[key] = (kept[key][0], b"x")
    assert await server.phone().dials() == menu


async def test_P07_no_pin_is_in_what_is_kept(server: Running, phone: Phone) -> None:
    await phone.dials()
    await phone.types("2", "1", "3", "99", PIN, "99", "1", "20", PIN)
    await server.write_transcripts()
    for table in (hops, transcripts):
        rows = await server.parts.market.records.read(
            lambda db, table=table: db.execute(select(table)).all()
        )
        assert rows and all(PIN not in repr(tuple(row)) for row in rows)


async def test_a_store_that_fell_back_does_not_undo_what_was_committed(
    server: Running, phone: Phone
) -> None:
    await phone.dials()
    await phone.types("8", "6")
    sessions = server.parts.engine._sessions
    key = f"africastalking:{phone.session_id}"
    before = await sessions.load(key)
    assert "T-" in await phone.types("8")
    # Such as a replica that had not heard of the last hop and is the master now.
    await sessions.leave(await sessions.enter(key), before)
    assert "Ibiciro" in await phone.types("00")
    assert await count(server, tickets) == 1


async def test_a_hop_whose_effect_another_process_had_gets_its_reply(
    server: Running, phone: Phone
) -> None:
    await phone.dials()
    await phone.types("8", "6")
    sessions = server.parts.engine._sessions
    key = f"africastalking:{phone.session_id}"
    before = await sessions.load(key)
    await phone.types("8")
    first = phone.last
    await sessions.leave(await sessions.enter(key), before)
    await phone.sends()
    assert phone.last == first and await count(server, tickets) == 1


async def test_a_hop_of_ours_that_fails_is_an_apology_and_keeps_the_session(
    server: Running, phone: Phone, monkeypatch
) -> None:
    await phone.dials()
    await phone.types("2")
    with monkeypatch.context() as broken:
        broken.setattr("bot.market.offers.by_id", lambda *_: 1 / 0)
        sorry = await phone.types("1")
    assert "+250788000900" in sorry and "1 Ongera ugerageze" in sorry
    assert "KW-1042" in await phone.types("1", "1")


async def test_a_long_code_does_nothing(server: Running, phone: Phone) -> None:
    asks = await phone.dials("2*1*2*1")
    assert "KW-1042" in asks and await offer_state(server) == "offered"


async def test_a_lost_session_never_acts_on_what_was_not_seen(
    server: Running, phone: Phone
) -> None:
    await phone.dials()
    asks = await phone.types("2", "1", "2")
    await server.lose_sessions()
    await server.parts.market.records.write(
        lambda db: db.execute(update(offers).where(offers.c.packs == 200).values(packs=201))
    )
    said = await phone.types("1")
    assert "KW-1042" in asks and "KW-1042" in said


async def test_back_from_a_flow_that_came_by_itself_is_home(server: Running) -> None:
    phone = server.phone(UNKNOWN)
    await phone.dials()
    home = await phone.types("3")
    consent = await phone.types("2")
    assert consent != home
    assert await phone.types("0") == home


async def test_after_a_wrong_key_the_next_page_is_still_there(server: Running) -> None:
    phone = server.phone(UNKNOWN)
    await phone.dials()
    await phone.types("1", "6", "1", "Mukamana Aline")
    hinted = await phone.types("77")
    assert "99 " in hinted
    onward = await phone.types("99")
    assert onward != hinted and "99 " not in onward


async def test_a_hiccup_of_the_records_does_not_make_a_stranger(
    server: Running, phone: Phone, monkeypatch
) -> None:
    records = server.parts.market.records

    async def down(_work):
        raise RecordsDown("for a moment")

    with monkeypatch.context() as hiccup:
        hiccup.setattr(records, "read", down)
        assert "1 " in await phone.dials()
    assert "Konti yanjye" in await phone.types("1")


@pytest.mark.usefixtures("either_store")
async def test_a_message_with_signs_that_no_store_keeps_is_kept_without_them(tmp_path) -> None:
    async with running(tmp_path) as server:
        phone = server.phone()
        await phone.dials()
        await phone.types("8", "7")
        assert "T-" in await phone.types("Ikawa\x00 yanjye\x07 yaratose\u2028 7\x003914")
        records, query = server.parts.market.records, select(tickets.c.text)
        (kept,) = await records.read(lambda db: db.execute(query).scalars().all())
        assert kept == "Ikawa yanjye yaratose •••••"
        # Names, too; and what was typed stands in the transcripts without them.
        other = server.phone("+250788000009")
        await other.dials()
        await other.types("3", "6", "1", "Uwera\x00 Solange", "1", "1", "1", "1", "80642", "80642")
        assert "Welcome" in await other.types("00")
        await server.write_transcripts()
        assert server.parts.transcripts.dropped == 0
        assert server.parts.watching.faults() == 0
