"""A part that could never be paid is not accepted; the screen says how much of it can be."""

from bot.market import offers
from tests.phone import PIN
from tests.server import running


async def test_what_cannot_be_paid_at_once_is_accepted_in_a_smaller_part(tmp_path) -> None:
    async with running(tmp_path, ISOKO_PAYOUTS__LARGEST_RWF="1000000") as server:
        phone = server.phone()
        await phone.dials()
        said = await phone.types("2", "1", "1", PIN)
        assert "KW-1042" in said and "83" in said and "200" not in said
        await phone.picks("Reba komande")
        said = await phone.types("3", "99", "1")
        assert "83" in said and "200" not in said
        said = await phone.types("83", PIN)
        assert "83" in said
        records, now = server.parts.market.records, server.parts.engine._clock()
        mine = await records.read(lambda db: offers.mine(db, 1))
        newest = next(one for one in mine if one.code == "KW-1042")
        assert (newest.state, newest.packs_accepted) == ("accepted", 83)
        assert await records.read(lambda db: offers.open_for(db, 1, now)) == []
