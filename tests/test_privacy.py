"""What is kept of people: nothing before they agree, nothing after they leave."""

from datetime import timedelta

from sqlalchemy import func, select

from bot.operations.housekeeping import Housekeeping
from bot.storage import hops
from bot.storage.hops import SavedHop
from bot.storage.schema import consents, metadata, transcripts
from bot.storage.schema import hops as hop_rows
from bot.storage.sessions import pack
from tests.phone import PIN
from tests.server import FARMER, UNKNOWN, Running


async def everything(server: Running) -> str:
    """All rows of all tables as text, hops apart, which are dropped within the hour."""
    await server.parts.transcripts.flush()

    def read(db) -> str:
        tables = [table for table in metadata.sorted_tables if table.name != "hops"]
        return "\n".join(repr(tuple(row)) for table in tables for row in db.execute(select(table)))

    return await server.parts.market.records.read(read)


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
    kept = await everything(server)
    assert "Solange" not in kept and UNKNOWN not in kept


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


async def test_V02_V05_who_leaves_is_forgotten_and_the_books_stay(server: Running) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("6", "2", PIN, "2", "1", "3", "7")
    assert phone.ended
    while await server.parts.sender.carry_out():
        pass
    kept = await everything(server)
    assert "Mukamana" not in kept and FARMER not in kept
    assert "KW-1038" in kept and "240000" in kept
    assert "Kinyarwanda" in await phone.dials()
