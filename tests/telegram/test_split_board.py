"""How far the members are, in one message of the co-operative's chat that is edited; both stores."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.i18n import load_catalogues
from bot.market import members, news_wishes, offers, splits
from bot.market.news_wishes import Way
from bot.market.orders import create_order, make_offer
from bot.market.split_board import bar
from bot.storage.schema import outbox as rows
from bot.storage.schema import shares, transcripts
from tests.market.test_offers import ZONE, actor, farmer, order_of
from tests.telegram.outside import ALINE, Outside, linked, now, outside

DIAL = "*384*801#"


@pytest.fixture
async def there(records) -> AsyncIterator[Outside]:
    async with outside(records) as one:
        yield one


async def asked(
    there: Outside, *, in_the_chat: bool = True, way: Way = "last"
) -> tuple[int, list[int]]:
    """The split of an order of 100 kg among three, and they."""
    load_catalogues()

    def work(db):
        cooperative, *belong = [farmer(db, n, now()) for n in (1, 2, 3, 4)]
        linked(db, cooperative)
        news_wishes.set_way(db, cooperative, way)
        if in_the_chat:
            line = {"session_key": "telegram:700100200.1", "hop": 1, "owner": ALINE["phone"],
                    "place": "home", "typed": "1", "shown": "x", "micros": 1, "at_ms": 1}  # fmt: skip
            db.execute(transcripts.insert().values(line))
        for contact_id in belong:
            members.add(db, cooperative, contact_id, now())
        order_id = create_order(db, order_of(now(), 200), now())
        by = now() + timedelta(days=2)
        offer_id = make_offer(db, order_id, cooperative, 200, by, DIAL, now(), ZONE)
        offers.accept(db, actor(cooperative), offer_id, 1, 200, now(), ZONE)
        split = splits.ask(db, actor(cooperative), offer_id, now(), DIAL, ZONE).split
        return split.id, belong

    return await there.records.write(work)


async def give(there: Outside, contact_id: int, split: int, units: int) -> None:
    answered = await there.records.write(
        lambda db: splits.give(db, actor(contact_id), split, 1, units, now())
    )
    assert answered.outcome == "given"


async def boards(there: Outside) -> list[str]:
    """The bars in the chat, once all that waits for it has left."""
    sender = there.sender()
    waits = select(rows.c.id).where(rows.c.kind == "telegram", rows.c.state == "waiting")
    async with asyncio.timeout(20):
        while await there.records.read(lambda db: db.execute(waits).first()):
            await sender.carry_out()
            await asyncio.sleep(0.05)
    await sender.let_go()
    return [text for text in there.seen_by(ALINE) if "[" in text]


async def test_one_message_follows_what_the_members_give(there: Outside) -> None:
    split, (first, second, third) = await asked(there)
    assert ["[..........]" in text for text in await boards(there)] == [True]
    await give(there, first, split, 45)
    (shown,) = await boards(there)
    assert "45\xa0kg" in shown and "[####......]" in shown and "1" in shown.split("\n")[-1]
    await give(there, second, split, 55)
    (full,) = await boards(there)
    assert "[##########]" in full
    late = await there.records.write(lambda db: splits.give(db, actor(third), split, 1, 1, now()))
    assert late.outcome == "taken"
    over = update(shares).values(held_until=now())
    await there.records.write(lambda db: db.execute(over))
    assert await there.records.write(lambda db: splits.lapse_due(db, now())) == 2
    (free,) = await boards(there)
    assert "[..........]" in free


async def test_what_is_given_while_the_message_is_on_its_way_is_not_lost(there: Outside) -> None:
    split, (first, *_others) = await asked(there)
    await give(there, first, split, 30)
    (shown,) = await boards(there)
    assert "[###.......]" in shown


async def test_who_was_on_the_phone_last_has_no_message_there(there: Outside) -> None:
    split, (first, *_others) = await asked(there, in_the_chat=False)
    await give(there, first, split, 30)
    assert await boards(there) == []


@pytest.mark.parametrize(("way", "shown"), [("sms", 0), ("chat", 1)])
async def test_the_bar_is_where_the_cooperative_wishes_its_news(
    there: Outside, way: Way, shown: int
) -> None:
    await asked(there, in_the_chat=way == "sms", way=way)
    assert len(await boards(there)) == shown


def test_the_bar_is_full_only_when_nothing_is_missing() -> None:
    assert bar(0, 3) == "[..........]" and bar(3, 3) == "[##########]"
    assert bar(199, 200) == "[#########.]"
