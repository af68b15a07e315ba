"""`isoko orders`: what came, what is disputed, and how a dispute ends."""

from sqlalchemy import select

from bot.storage.opening import open_records
from bot.storage.schema import offers, received_parts
from tests.cli.test_money_commands import isoko
from tests.migrated import begin_in
from tests.sweep import cast


async def test_a_part_is_received_disputed_and_ended(tmp_path, now) -> None:
    await begin_in(tmp_path)
    records = await open_records("", tmp_path)
    offer_id = await records.write(lambda db: cast.accepted(db, cast.farmer(db, "x", now), now))

    async def types(deed: str, *more: str) -> int:
        done = await isoko(tmp_path, "orders", deed, f"P-{offer_id}", "--by", "amina", *more)
        return done.returncode

    async def state() -> str:
        query = select(offers.c.state).where(offers.c.id == offer_id)
        return await records.read(lambda db: db.execute(query).scalar())

    why = ("--reason", "the bags are wet")
    assert await types("go-on", *why) == 1
    # What nobody has brought yet can be disputed too, and may be brought after all.
    for deed, ends in (("dispute", "disputed"), ("go-on", "accepted")):
        assert (await types(deed, *why), await state()) == (0, ends)
    assert await types("received", "--kilos", "much") == 1
    assert await types("received", "--kilos", "10") == 0
    assert await state() == "handed_over"
    weighed = select(received_parts.c.weight_g, received_parts.c.by)
    row = await records.read(lambda db: db.execute(weighed).one())
    assert tuple(row) == (10_000, "amina")
    for deed, ends in (("dispute", "disputed"), ("go-on", "handed_over"),
                       ("dispute", "disputed"), ("call-off", "withdrawn")):  # fmt: skip
        assert (await types(deed, *why), await state()) == (0, ends)
    assert await types("go-on", *why) == 1
    nowhere = await isoko(tmp_path, "orders", "dispute", "KW-7", "--by", "a", *why)
    assert nowhere.returncode == 1 and "there is no such part" in nowhere.stderr
    await records.close()
