"""What is typed where a number is asked, and is none."""

import pytest
from sqlalchemy import select

from bot.storage.schema import offers, transcripts
from tests.server import Running

_AT_THE_AMOUNT = ("00", "2", "1", "3", "99", "1")


@pytest.mark.parametrize("typed", [
    "12,000 Frw", "Frw 12000", "$50", "50$", "€50", "50 RWF", "amafaranga ibihumbi cumi na bibiri",
    "mirongo itanu", "5" * 200, "igiciro " * 25, "50/-",
])  # fmt: skip
async def test_I09_a_price_in_words_or_with_a_sign_is_asked_again(
    server: Running, typed: str
) -> None:
    phone = server.phone()
    await phone.dials()
    asked = await phone.types(*_AT_THE_AMOUNT)
    again = await phone.types(typed)
    assert not phone.ended and asked.split("\n")[0] in again and again != asked
    await server.parts.transcripts.flush()
    kept = select(transcripts.c.typed).order_by(transcripts.c.id.desc()).limit(1)
    read = server.parts.market.records.read
    (stored,) = await read(lambda db: db.execute(kept).scalars().all())
    assert len(stored) <= 160
    state = select(offers.c.state).where(offers.c.packs == 200)
    assert await read(lambda db: db.execute(state).scalar()) == "offered"
