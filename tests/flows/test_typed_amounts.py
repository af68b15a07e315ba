"""What is typed where a number is asked, and is none."""

import pytest
from sqlalchemy import select, update

from bot.storage.schema import offers, orders, transcripts
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
    await server.write_transcripts()
    kept = select(transcripts.c.typed).order_by(transcripts.c.id.desc()).limit(1)
    read = server.parts.market.records.read
    (stored,) = await read(lambda db: db.execute(kept).scalars().all())
    assert len(stored) <= 160
    state = select(offers.c.state).where(offers.c.packs == 200)
    assert await read(lambda db: db.execute(state).scalar()) == "offered"


async def test_a_large_number_of_packs_is_said_in_the_house_form(server: Running) -> None:
    def larger(db) -> None:
        of_200 = offers.c.packs == 200
        order = select(offers.c.order_id).where(of_200).scalar_subquery()
        # So cheap that all of it could be paid at once.
        much = {"packs": 1200, "price_rwf": 4000}
        db.execute(update(orders).where(orders.c.id == order).values(much))
        db.execute(update(offers).where(of_200).values(much))

    await server.parts.market.records.write(larger)
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1", "3", "99", "1")
    said = await phone.types("5000")
    assert said.count("1,200") == 2 and "1200" not in said
