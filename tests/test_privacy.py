"""What is kept of people: nothing before they agree, nothing after they leave."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from bot.market import people
from bot.operations.housekeeping import Housekeeping
from bot.storage import hops
from bot.storage.hops import SavedHop
from bot.storage.schema import consents, contacts, metadata, transcripts
from bot.storage.schema import hops as hop_rows
from bot.storage.sessions import pack
from tests.phone import PIN
from tests.server import COOPERATIVE, CRAFTS, DEBTOR, FARMER, UNKNOWN, Running
from tests.telegram.door import ALINE, Chat, link
from tests.test_payout_loop import operator, pay, settled


async def everything(server: Running) -> str:
    """All rows of all tables as text."""
    await server.parts.transcripts.flush()

    def read(db) -> str:
        tables = metadata.sorted_tables
        return "\n".join(repr(tuple(row)) for table in tables for row in db.execute(select(table)))

    return await server.parts.market.records.read(read)


async def forget_the_farewell(server: Running, msisdn: str) -> None:
    """The one hop that is left may be sent again; an hour later the housekeeping drops it too."""
    assert len(await kept_hops(server, msisdn)) == 1
    later = server.parts.engine._clock() + timedelta(hours=1, minutes=1)
    with time_machine.travel(later):
        await Housekeeping(server.parts.market, lambda: None, timedelta(days=30)).keep()


async def test_V01_who_only_looks_around_is_not_written_down(server: Running) -> None:
    phone = server.phone(UNKNOWN)
    await phone.dials()
    await phone.types("1", "1", "1", "00", "5", "1", "00", "6", "1", "Mukamana Aline")
    kept = await everything(server)
    assert UNKNOWN not in kept and "prices.price" in kept
    # A name is typed before there is anybody whose name it is.
    assert "register.province" in kept and "Mukamana Aline" not in kept


async def test_V01_a_name_typed_before_registering_does_not_survive_the_deletion(
    server: Running,
) -> None:
    phone = server.phone(UNKNOWN)
    await phone.dials()
    await phone.types("2", "6", "1", "Uwera Solange", "1", "1", "1", "1", "80642", "80642")
    await server.parts.transcripts.flush()
    await phone.dials()
    await phone.types("6", "2", "80642", "2", "1", "3", "7")
    assert phone.ended
    await forget_the_farewell(server, UNKNOWN)
    kept = await everything(server)
    assert "Solange" not in kept and UNKNOWN not in kept


async def agreements(server: Running, msisdn: str) -> list[tuple[str, str, str]]:
    query = (
        select(consents.c.text_version, consents.c.language, consents.c.channel)
        .join(contacts, contacts.c.id == consents.c.contact_id)
        .where(contacts.c.msisdn == msisdn, consents.c.withdrawn_at.is_(None))
        .order_by(consents.c.id)
    )
    rows = await server.parts.market.records.read(lambda db: db.execute(query).all())
    return [tuple(row) for row in rows]


@pytest.mark.usefixtures("either_store")
async def test_V01_changed_words_are_asked_again_before_anything_of_ones_own(
    server: Running, monkeypatch
) -> None:
    monkeypatch.setattr(people, "CONSENT_VERSION", "2027-01")
    phone = server.phone(CRAFTS)
    await phone.dials()
    assert "changed" not in await phone.types("1")
    asked = await phone.types("00", "2")
    assert "These words have changed. Do you agree" in asked
    # A double press of what led here agrees to nothing; a dialled long code stops here too.
    assert "nothing new" in await phone.types("99", "2")
    assert "These words have changed" in await phone.dials("2*1*1")
    assert [version for version, *_how in await agreements(server, CRAFTS)] == ["2026-11"]
    assert "Thank you" in await phone.types("99", "9")
    assert "Orders" in await phone.types("1")
    (before, anew) = await agreements(server, CRAFTS)
    assert before[0] == "2026-11" and anew == ("2027-01", "en", "ussd")
    await phone.dials()
    assert "changed" not in await phone.types("2")
    # Who does not agree can still leave, as easily as before.
    other = server.phone(DEBTOR)
    await other.dials()
    await other.types("2", "99", "2")
    assert "Enter your Isoko PIN" in await other.types("1")


async def test_V03_of_who_is_too_young_nothing_is_kept(server: Running) -> None:
    phone = server.phone(UNKNOWN)
    records = server.parts.market.records
    before = await records.read(people_kept)
    await phone.dials()
    told = await phone.types("3", "6", "1", "Uwera Solange", "3", "2", "1", "2")
    assert phone.ended and "A parent or guardian must register with you" in told
    said = await everything(server)
    assert UNKNOWN not in said and "Solange" not in said
    assert await kept_hops(server, UNKNOWN) == []
    assert await records.read(people_kept) == before
    # The answer is not remembered either: the next call asks as the first one did.
    await phone.dials()
    assert "names" in await phone.types("3", "6", "1")


def people_kept(db) -> tuple[int, int]:
    return tuple(
        db.execute(select(func.count()).select_from(table)).scalar()
        for table in (contacts, consents)
    )


async def kept_hops(server: Running, msisdn: str) -> list[SavedHop]:
    query = select(hop_rows.c.key).where(hop_rows.c.owner == msisdn)
    read = server.parts.market.records.read
    keys = await read(lambda db: db.execute(query).scalars().all())
    return [await read(lambda db, key=key: hops.find(db, key)) for key in keys]


async def test_V02_the_hop_that_deletes_keeps_no_screen_from_before(server: Running) -> None:
    phone = server.phone()
    await phone.dials()
    seen = await phone.types("6", "2", PIN, "1")
    assert "Mukamana" in seen
    await phone.types("0", "2", "1", "3")
    farewell = await phone.types("7")
    (kept,) = await kept_hops(server, FARMER)
    assert b"Mukamana" not in pack(kept.session) and kept.reply.text == farewell
    assert await phone.sends() == farewell
    session = await server.parts.engine._sessions.load(kept.session.key)
    assert b"Mukamana" not in session
    # The same repeat is answered from the records when the live call is lost.
    server.parts.engine._sessions._kept.clear()
    assert await phone.sends() == farewell


async def test_V01_a_call_before_agreeing_is_not_written_down_and_a_crash_asks_again(
    server: Running,
) -> None:
    phone = server.phone(UNKNOWN)
    await phone.dials()
    consent = await phone.types("3", "6")
    await phone.types("1", "Uwera Solange", "1", "1", "1", "1", "80642")
    assert await kept_hops(server, UNKNOWN) == []
    server.parts.engine._sessions._kept.clear()
    assert await phone.types("80642") == consent
    told = await phone.types("1", "Uwera Solange", "1", "1", "1", "1", "80642", "80642")
    assert "registered" in told


async def test_old_transcripts_are_dropped_by_the_housekeeping(server: Running) -> None:
    await server.phone().dials()
    await server.parts.transcripts.flush()
    count = select(func.count()).select_from(transcripts)
    for keep_for, left in ((timedelta(days=30), 1), (timedelta(seconds=-5), 0)):
        await Housekeeping(server.parts.market, lambda: None, keep_for).keep()
        kept = await server.parts.market.records.read(lambda db: db.execute(count).scalar())
        assert kept == left


async def test_V01_consent_is_kept_with_its_wording_language_channel_and_time(
    server: Running,
) -> None:
    phone = server.phone(UNKNOWN)
    await phone.dials()
    await phone.types("2", "6", "1", "Aline", "1", "1", "1", "1", "80642", "80642")
    query = select(consents).order_by(consents.c.id.desc())
    row = await server.parts.market.records.read(lambda db: db.execute(query).first())
    assert (row.text_version, row.language, row.channel) == ("2026-11", "fr", "ussd")
    assert row.given_at is not None and row.withdrawn_at is None


@pytest.mark.usefixtures("either_store")
async def test_V02_V05_who_leaves_is_forgotten_and_the_books_stay(server: Running) -> None:
    """With a chat, calls on both channels, money on its way and a callback that names the payee."""
    operator(server)
    await link(server, FARMER)
    server.parts.sandbox.telegram.chats.of_person({"id": ALINE}).started = True
    chat = Chat(server)
    assert await chat.types("/menu")
    await settled(server, (await pay(server)).reference, "succeeded")
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "0")
    kept = await everything(server)
    for theirs in ("Mukamana", FARMER, FARMER[1:], str(ALINE)):
        assert theirs in kept
    await phone.dials()
    await phone.types("6", "2", PIN, "2", "1", "3", "7")
    assert phone.ended
    while await server.parts.sender.carry_out():
        pass
    await forget_the_farewell(server, FARMER)
    kept = await everything(server)
    for theirs in ("Mukamana", FARMER, FARMER[1:], str(ALINE)):
        assert theirs not in kept, kept[max(0, kept.index(theirs) - 300) :][:400]
    assert "KW-1038" in kept and "240000" in kept
    sessions = server.parts.engine._sessions
    for key in (f"africastalking:{phone.session_id}", f"telegram:{ALINE}"):
        live = await sessions.load(key) or b""
        assert b"Mukamana" not in live
    assert "Kinyarwanda" in await phone.dials()


async def test_V01_who_leaves_leaves_the_calls_of_others_too(server: Running) -> None:
    phone, records = server.phone(COOPERATIVE), server.parts.market.records
    await phone.dials()
    assert "Ingabire Diane" in await phone.types("2", "4", "1")
    await phone.types("00", "2", "2", "1")
    assert "Ingabire Diane" in await phone.types("3") + await phone.types("99")
    # What money was asked of whom by a seller is theirs, but the buyer has agreed to nothing.
    seller = server.phone(CRAFTS)
    await seller.dials()
    await seller.types("3")
    await seller.picks("Buyers pay me")
    await seller.picks("Ask a buyer to pay")
    assert "+250788777001" in await seller.types("0788777001", "12,000", "honey")

    def leave(db) -> None:
        people.erase(db, people.by_msisdn(db, DEBTOR).id, server.parts.engine._clock())

    await records.write(leave)
    # What is kept of a hop in case it comes again goes after an hour.
    with time_machine.travel(server.parts.engine._clock() + timedelta(hours=1, minutes=1)):
        await Housekeeping(server.parts.market, lambda: None, timedelta(days=30)).keep()
    kept = await everything(server)
    assert "members.names" in kept and "split.board" in kept and "sale.pin" in kept
    assert "Ingabire" not in kept and "788777001" not in kept
