"""Hubs may share one database: whose a person is decides whose prices their alerts tell."""

from pathlib import Path

from sqlalchemy import select

from bot.storage.schema import contacts
from tests.flows.test_register_twice import at_the_repeated_pin
from tests.server import running

_PIN = "80642"


async def test_who_registers_is_of_the_hub_that_the_server_serves(tmp_path: Path) -> None:
    async with running(tmp_path, ISOKO_HUB__ID="ug") as server:
        phone = await at_the_repeated_pin(server, "First Caller", _PIN)
        assert "You are registered" in await phone.types(_PIN)
        query = select(contacts.c.hub).distinct()
        found = await server.parts.market.records.read(lambda db: list(db.execute(query).scalars()))
    # The demo's cast too.
    assert found == ["ug"]
