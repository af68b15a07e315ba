"""A deed is done once: not again by "Try again", by "Back", or by the card of a redial."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from bot.flows import FLOWS
from bot.storage.records import RecordsDown
from bot.storage.schema import audit, outbox, sales, stock_listings, telegram_links, tickets
from bot.storage.sessions import unpack_kept
from tests.flows.calls import CALLS
from tests.phone import Phone
from tests.server import Running, running
from tests.steady import of_today

_WRITTEN = (tickets, stock_listings, sales, outbox, audit, telegram_links)
# The calls of the golden transcripts in which something is done and the call goes on.
_GO_ON = (
    "stock", "stock_pieces", "stock_change", "split", "alerts", "confirm", "account", "wallet",
    "visitors_date", "sale",
)  # fmt: skip


class DownWhenAsked:
    """Real records that can be out of reach."""

    def __init__(self, records) -> None:
        self._records, self.down = records, False

    async def read(self, work):
        return await self._do(self._records.read, work)

    async def write(self, work):
        return await self._do(self._records.write, work)

    async def _do(self, way, work):
        if self.down:
            raise RecordsDown("unplugged")
        return await way(work)


async def stands_where_it_did(server: Running, phone: Phone) -> bool:
    """Whether this call stands in a place where something was done with the hop before."""
    kept = await server.parts.engine._sessions.load(f"africastalking:{phone.session_id}")
    session = unpack_kept(kept)
    assert session is not None
    return not session.ended and session.state in FLOWS[session.flow].effects


def written(db: Connection) -> list[int]:
    return [db.execute(select(func.count()).select_from(table)).scalar_one() for table in _WRITTEN]


async def no_key_does_it_again(phone: Phone, records: DownWhenAsked) -> None:
    said = phone.last[4:]
    before = await records.read(written)
    records.down = True
    sorry = await phone.types("1")
    records.down = False
    assert sorry.startswith("Not possible now. Nothing was changed")
    assert await phone.types("1") == said
    records.down = True
    await phone.types("1")
    records.down = False
    assert "Prices" in await phone.types("2")
    assert await phone.types("0") == said
    assert await records.read(written) == before


@pytest.mark.embedded
@pytest.mark.parametrize("call", _GO_ON)
async def test_what_is_done_is_not_done_again_by_coming_back(call: str, tmp_path: Path) -> None:
    _title, caller, entries = CALLS[call]
    async with running(tmp_path) as server:
        phone = server.phone(caller)
        await phone.dials()
        await phone.types("9", "3")
        records = DownWhenAsked(server.parts.market.records)
        object.__setattr__(server.parts.market, "records", records)
        await phone.dials()
        for entry in map(of_today, entries):
            await phone.types(entry)
            if await stands_where_it_did(server, phone):
                await no_key_does_it_again(phone, records)
                return
        raise AssertionError("nothing is done in this call")
