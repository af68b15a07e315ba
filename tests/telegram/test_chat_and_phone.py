"""A chat and a phone, each through its own door: the phone confirms, then the chat may answer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from bot.conversation import Reply, Session
from bot.market import people, telegram_links, verifying
from bot.storage import hops
from bot.storage.schema import contacts, offers, tickets, transcripts
from tests.phone import PIN
from tests.server import FARMER, UNKNOWN, Running
from tests.telegram.chat import NEIGHBOUR, Chat


async def english(server: Running, msisdn: str) -> None:
    def work(db) -> None:
        db.execute(update(contacts).where(contacts.c.msisdn == msisdn).values(language="en"))

    await server.parts.market.records.write(work)


async def linked(server: Running, chat: Chat, msisdn: str = FARMER) -> None:
    """Share, dial, type the code and the PIN."""
    await english(server, msisdn)
    code, phone = await chat.shares_own(msisdn), server.phone(msisdn)
    await phone.dials()
    screen = await phone.types("6", "6", code, PIN)
    assert screen.startswith("Linked."), screen


async def state_of_offer(server: Running) -> str:
    query = select(offers.c.state).where(offers.c.contact_id == 1).order_by(offers.c.id.desc())
    return await server.parts.market.records.read(lambda db: db.execute(query).scalar())


async def test_T08_the_phone_confirms_and_only_then_may_the_chat_answer(server: Running) -> None:
    chat = Chat(server)
    await english(server, FARMER)
    code, phone = await chat.shares_own(FARMER), server.phone()
    # Shown, not confirmed: the chat is nobody still.
    await chat.opens()
    assert "Share it with the button" in await chat.types("3", "2")
    await phone.dials()
    assert "code of 6 digits" in await phone.types("6", "6")
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    assert "Tries left: 4" in await phone.types(wrong)
    assert "Enter your Isoko PIN" in await phone.types(code)
    assert "Linked." in await phone.types(PIN)
    assert "now linked" in (await chat.messages())[-1]
    await chat.opens()
    assert "New order KW-1042" in await chat.types("00", "2")
    await chat.types("1", "1", PIN)
    assert await state_of_offer(server) == "accepted"


async def test_T08_no_code_is_taken_from_a_chat(server: Running) -> None:
    """Else the old account could confirm a new one, without the phone."""
    chat, neighbour = Chat(server), Chat(server, NEIGHBOUR)
    await linked(server, chat)
    code = await neighbour.shares_own(FARMER)
    assert "Another Telegram account" in (await chat.messages())[-1]
    await chat.opens()
    screen = await chat.types("00", "6", "6")
    assert "1 Unlink" in screen and "Link another" not in screen
    assert "Type the code" not in await chat.types(code)
    await neighbour.opens()
    assert "Share it with the button" in await neighbour.types("3", "2")


async def test_T08_the_phone_moves_the_link_and_the_old_chat_is_told(server: Running) -> None:
    chat, neighbour, phone = Chat(server), Chat(server, NEIGHBOUR), server.phone()
    await linked(server, chat)
    code = await neighbour.shares_own(FARMER)
    await phone.dials()
    assert "2 Link another account" in await phone.types("6", "6")
    assert "Linked." in await phone.types("2", code, PIN)
    assert "another Telegram account" in (await chat.messages())[-1]
    await chat.opens()
    assert "Share it with the button" in await chat.types("3", "2")
    await neighbour.opens()
    assert "New order KW-1042" in await neighbour.types("00", "2")


async def test_T08_a_wrong_pin_confirms_nothing_and_locks(server: Running) -> None:
    chat, phone = Chat(server), server.phone()
    await english(server, FARMER)
    code = await chat.shares_own(FARMER)
    await phone.dials()
    assert "Too many wrong PINs" in await phone.types("6", "6", code, "80642", "80643", "80644")
    await chat.opens()
    assert "Share it with the button" in await chat.types("3", "2")


async def test_T08_a_dialled_long_code_confirms_nothing(server: Running) -> None:
    """Somebody who is told to dial a long code has seen nothing of what it links."""
    chat, phone = Chat(server), server.phone()
    await english(server, FARMER)
    code = await chat.shares_own(FARMER)
    screen = await phone.dials(f"6*6*{code}")
    assert "code of 6 digits" in screen and "PIN" not in screen


async def test_P06_the_code_typed_on_the_phone_is_kept_nowhere(server: Running) -> None:
    chat, phone = Chat(server), server.phone()
    await english(server, FARMER)
    code = await chat.shares_own(FARMER)
    await phone.dials()
    await phone.types("6", "6", code, PIN)
    await server.write_transcripts()

    def typed(db) -> str:
        rows = db.exec_driver_sql("SELECT typed FROM transcripts").scalars().all()
        return " ".join(rows)

    found = await server.parts.market.records.read(typed)
    assert "•••••" in found and code not in found and PIN not in found


async def test_P08_who_must_be_verified_does_no_money_from_the_chat_either(server: Running) -> None:
    chat = Chat(server)
    await linked(server, chat)
    records, now = server.parts.market.records, server.parts.engine._clock()
    await records.write(lambda db: verifying.report_sim(db, FARMER, "operator", now))
    await chat.opens()
    # Reading goes on; the order is not accepted, and the number for money stays.
    assert "New order KW-1042" in await chat.types("00", "2")
    assert "SIM" in await chat.types("1", "1")
    assert await state_of_offer(server) == "offered"
    assert "SIM" in await chat.types("00", "6", "5")
    assert "Ticket: T-" in await chat.types("8")


async def test_P08_a_chat_does_not_tell_that_the_sim_is_where_it_was(server: Running) -> None:
    chat = Chat(server)
    await linked(server, chat)
    long_ago = people.day_number(server.parts.engine._clock() - timedelta(days=200))
    seen = update(contacts).where(contacts.c.msisdn == FARMER).values(seen_day=long_ago)
    records = server.parts.market.records
    await records.write(lambda db: db.execute(seen))
    await chat.opens()
    await server.parts.call_days.flush()
    contact = await records.read(lambda db: people.by_msisdn(db, FARMER))
    assert contact.seen_day == long_ago and not contact.verifying
    await server.phone().dials()
    contact = await records.read(lambda db: people.by_msisdn(db, FARMER))
    assert contact.verifying


async def test_T09_unlinked_in_the_chat_or_on_the_phone(server: Running) -> None:
    chat, phone = Chat(server), server.phone()
    await linked(server, chat)
    await chat.opens()
    assert "answers nothing for you" in await chat.types("00", "6", "6", "1")
    # The key that led here unlinks nothing.
    assert "answers nothing for you" in await chat.types("1")
    assert "Unlinked." in await chat.types("4")
    await chat.opens()
    assert "Share it with the button" in await chat.types("3", "2")
    await linked(server, chat)
    await phone.dials()
    assert "Unlinked." in await phone.types("6", "6", "1", "4")
    assert "no longer linked" in (await chat.messages())[-1]


async def test_what_an_account_without_a_number_may_do(server: Running) -> None:
    chat = Chat(server)
    await chat.opens()
    assert "Frw" in await chat.types("3", "1", "1")
    assert "1 " in await chat.types("00", "5", "1")
    assert "Language" in await chat.types("00", "9", "3")
    for key in "23467":
        await chat.types("00")
        screen = await chat.types(key)
        asks = "Share it with the button" in screen
        assert asks == (key != "7"), (key, screen)
    # Typing somebody's number is no sharing.
    await chat.types("00", "2")
    assert "A typed number does not count" in await chat.types(FARMER)
    screen = await chat.types("00", "8")
    assert "To be called back" in screen and "T-" not in screen
    assert "Share it with the button" in await chat.types("1")
    opened = select(func.count()).select_from(tickets)
    assert await chat.records.read(lambda db: db.execute(opened).scalar()) == 0


async def test_somebody_new_links_the_number_on_the_phone_and_registers_in_the_chat(
    server: Running,
) -> None:
    chat, phone = Chat(server), server.phone(UNKNOWN)
    code = await chat.shares_own(UNKNOWN)
    await phone.dials()
    await phone.types("3", "8")
    await phone.picks("Telegram")
    assert "Linked." in await phone.types(code)
    await chat.opens()
    await chat.types("3", "6", "1", "Mukamana Aline", "1", "1", "1", "1", "80642")
    assert "You are registered" in await chat.types("80642")
    contact = await chat.records.read(lambda db: people.by_msisdn(db, UNKNOWN))
    assert contact.names == "Mukamana Aline" and contact.wallet == UNKNOWN
    # Next time the chat knows them, and so does the phone.
    await chat.opens()
    assert "My account" in await chat.types("00")
    await phone.dials()
    assert "A Telegram account is linked" in await phone.types("6", "6")


async def test_who_leaves_takes_along_what_the_chat_said_before_it_was_linked(
    server: Running,
) -> None:
    chat, phone = Chat(server), server.phone()
    await chat.opens()
    await chat.types("3", "1", "1")
    await server.write_transcripts()
    owners = select(transcripts.c.owner).distinct()
    assert await chat.records.read(lambda db: db.execute(owners).scalars().all()) == [
        f"tg:{chat.user_id}"
    ]
    await linked(server, chat)
    await chat.opens()
    await phone.dials()
    assert "Your data is deleted" in await phone.types("6", "2", PIN, "3", "7")
    left = await chat.records.read(
        lambda db: db.execute(select(telegram_links.rows.c.user_id)).scalars().all()
    )
    assert left == [0] and await chat.messages() == []
    await server.write_transcripts()
    kept = await chat.records.read(lambda db: db.execute(select(transcripts)).mappings().all())
    assert not [row for row in kept if row["owner"].startswith("tg:")]
    # The chat stands where it stood before it was linked, and is nobody.
    assert "Share it with the button" in await chat.types("00", "2")


@pytest.mark.parametrize("user_id", [1, 2**52 - 1])
async def test_the_id_of_any_account_fits_the_tables(records, now, user_id: int) -> None:
    session = Session("telegram", f"{user_id}.0", f"tg:{user_id}")
    await records.write(lambda db: hops.keep(db, b"k" * 16, session, Reply("x"), now))
    saved = await records.read(lambda db: hops.of_session(db, session.key))
    assert [one.session.owner for one in saved] == [f"tg:{user_id}"]
    assert session.number == "" and Session("g", "1", FARMER).number == FARMER
