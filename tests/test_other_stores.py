"""The same call with sessions in Redis and records in PostgreSQL."""

from tests.phone import PIN
from tests.real_postgres import RealPostgres
from tests.real_valkey import RealValkey
from tests.server import FARMER, running


async def test_an_acceptance_and_a_payment_on_postgresql_and_redis(
    tmp_path, postgres: RealPostgres, valkey: RealValkey
) -> None:
    stores = {"ISOKO_DATABASE_URL": postgres.new_database(), "ISOKO_REDIS_URL": valkey.url}
    async with running(tmp_path, **stores) as server:
        phone = server.phone()
        await phone.dials()
        await phone.types("2", "1", "1", PIN)
        first = phone.last
        assert first.startswith("END Wemeye komande KW-1042")
        await phone.sends()
        assert phone.last == first
        await phone.dials()
        assert "Byemejwe" in await phone.types("3", "1", PIN)
        await phone.types("1")
        told = await server.inbox(FARMER)
        assert any("wemeye komande KW-1042" in text for text in told)
        stranger = server.phone("+250788000009")
        await stranger.dials()
        await stranger.types("3", "6", "1", "Aline", "1", "1", "1", "1", "80642", "80642", "1")
        assert "My account" in await stranger.dials()


async def test_a_call_goes_on_after_redis_has_forgotten_it(
    tmp_path, postgres: RealPostgres, valkey: RealValkey
) -> None:
    async with running(tmp_path, ISOKO_REDIS_URL=valkey.url) as server:
        phone = server.phone()
        await phone.dials()
        await phone.types("2", "1", "1")
        await server.parts.engine._sessions._lanes.ask_all("FLUSHALL")
        assert "Wemeye" in await phone.types(PIN)
