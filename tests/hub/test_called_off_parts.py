"""A part that is called off: others are asked for its packs, or the hub hears that it is over."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bot.market import disputes, hub_orders, offers, shipping, stock_listings
from bot.market.disputes import Said
from bot.market.wanted import Refused
from bot.storage import hub_inbox
from bot.storage.hub_inbox import Arrived
from bot.storage.records import Records
from bot.storage.schema import hub_events, orders, outbox, stocks, tickets
from tests.hub.published import everybody_is_told, told
from tests.hub.test_allocation import World, actor, wanted
from tests.market.test_stock_listings import ROASTED


@pytest.fixture
async def world(records: Records, now) -> World:
    await everybody_is_told(records)
    return World(records, now)


async def filled(
    world: World, farmers: int, *, brought: bool = True, source: str = "hub"
) -> tuple[int, list[int]]:
    """An order of 40 packs that two have accepted, and brought; its number, and of its parts."""
    await world.farmers(farmers)
    order_id = await world.takes(replace(wanted(40), source=source))
    await world.looks(order_id)
    parts = await world.offers_of(order_id)
    for offer_id, contact, packs, _state in parts:
        await world.accepts(contact, offer_id, packs)
    await world.looks(order_id)
    assert await world.state(order_id) == "filled"
    for offer_id, *_more in parts if brought else []:
        await moves(world, offer_id, "hand_over")
    return order_id, [offer_id for offer_id, *_more in parts]


async def moves(world: World, offer_id: int, trigger: str) -> None:
    who = actor(0, f"{trigger}{offer_id}")
    await world.records.write(lambda db: offers.move(db, who, offer_id, trigger, world.now))


async def does(world: World, how, offer_id: int, after: timedelta = timedelta()) -> Said:
    return await world.records.write(
        lambda db: how(
            db, offer_id, reason="never came", by="eric", channel="test", now=world.now + after
        )
    )


async def calls_off(world: World, offer_id: int, after: timedelta = timedelta()) -> None:
    assert await does(world, disputes.dispute, offer_id) == "disputed"
    assert await does(world, disputes.call_off, offer_id, after) == "called_off"


async def accepted(world: World) -> int:
    query = select(orders.c.packs_accepted)
    return await world.records.read(lambda db: db.execute(query).scalar_one())


async def test_others_are_asked_for_the_packs_of_a_part_that_is_called_off(world: World) -> None:
    order_id, (first, second) = await filled(world, 3)
    # Their time to answer was over before.
    late = timedelta(days=3)
    await calls_off(world, first, late)
    assert await accepted(world) == 20
    (line,) = await world.records.read(lambda db: hub_orders.progress(db, "hub", "KW-7"))
    assert (line.state, line.packs_accepted) == ("open", 20)
    assert line.answer_by == world.now + late + hub_orders.ANSWER_IN
    assert await world.looks(order_id, world.now + late) == 1
    *_before, (third, _contact, packs, state) = await world.offers_of(order_id)
    assert third not in {first, second} and (packs, state) == (20, "offered")
    # What the hub calls off now is what nobody has accepted.
    cancel = lambda db: hub_orders.cancel(db, "hub", "KW-7", "e1", world.now + late)  # noqa: E731
    assert await world.records.write(cancel) == (20, 20)
    assert (await world.told())[-1] == "order.cancelled"


async def cancels(world: World, source: str) -> tuple[int, int] | None:
    return await world.records.write(
        lambda db: hub_orders.cancel(db, source, "KW-7", "e1", world.now)
    )


@pytest.mark.parametrize("source", ["hub", "taobao"])
async def test_a_cancellation_of_what_is_all_accepted_is_told_once_and_staff_see_a_shops(
    world: World, source: str
) -> None:
    order_id, _parts = await filled(world, 2, source=source)
    for _time in range(2):
        assert await cancels(world, source) == (0, 40)
    assert (await world.told()).count("order.cancelled") == 1
    last = (await told(world.records))[-1]
    assert (last["type"], last["data"]["packs_accepted"]) == ("order.cancelled", 40)
    assert await world.state(order_id) == "filled"
    query = select(tickets.c.category, tickets.c.about, tickets.c.text)
    found = await world.records.read(lambda db: [tuple(one) for one in db.execute(query)])
    says = "taobao cancelled it after farmers had accepted 40 packs, which stand."
    assert found == ([] if source == "hub" else [("order", "KW-7", says)])


@pytest.mark.parametrize("source", ["hub", "taobao"])
async def test_what_is_accepted_of_a_shops_order_has_a_ticket_once_it_is_cancelled(
    world: World, source: str
) -> None:
    (contact, *_others) = await world.farmers(2)
    order_id = await world.takes(replace(wanted(40), source=source))
    await world.looks(order_id)
    mine = next(one for one in await world.offers_of(order_id) if one[1] == contact)
    await world.accepts(contact, mine[0], 20)
    for _time in range(2):
        assert await cancels(world, source) == (20, 20)
    assert (await world.told()).count("order.cancelled") == 1
    query = select(func.count()).where(tickets.c.category == "order")
    assert await world.records.read(lambda db: db.execute(query).scalar()) == (source != "hub")


async def test_what_is_called_off_after_its_day_is_over_and_told(world: World) -> None:
    order_id, (first, second) = await filled(world, 3)
    for offer_id in (first, second):
        await calls_off(world, offer_id, timedelta(days=60))
    assert await world.state(order_id) == "expired"
    ends = ["order.called_off", "order.expired", "order.disputed", "order.called_off"]
    assert (await world.told())[-4:] == ends


@pytest.mark.parametrize("days", [0, 60])
@pytest.mark.parametrize("carried", [("ship",), ("ship", "deliver")])
async def test_nobody_is_asked_for_goods_that_the_hub_has(
    world: World, carried: tuple[str, ...], days: int
) -> None:
    order_id, (first, _second) = await filled(world, 3)
    for trigger in carried:
        await moves(world, first, trigger)
    await calls_off(world, first, timedelta(days=days))
    assert await accepted(world) == 40 and await world.state(order_id) == "filled"
    assert await world.looks(order_id) == 0
    assert (await world.told())[-1] == "order.called_off"


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ([("order.cancelled", None)], "cancelled"),
        ([("order.created", 1), ("order.cancelled", 2)], "cancelled"),
        ([("order.created", 1), ("order.cancelled", 2), ("order.created", 3)], "open"),
    ],
)
async def test_nobody_is_asked_for_what_the_hub_has_called_off_meanwhile(
    world: World, said: list[tuple[str, int | None]], ends: str
) -> None:
    order_id, (first, _second) = await filled(world, 3)

    def hears(db) -> None:
        lane = hub_inbox.lane("hub", "KW-7")
        for number, (kind, day) in enumerate(said):
            one = Arrived("hub", f"m{number}", kind, lane, b"{}")
            hub_inbox.keep(db, [(one, False)], world.now)
            newest = select(hub_events.c.id).order_by(hub_events.c.id.desc()).limit(1)
            said_at = None if day is None else world.now + timedelta(days=day)
            event_id = db.execute(newest).scalar_one()
            hub_inbox.ended(db, event_id, "applied", "", world.now, said_at)

    await world.records.write(hears)
    await calls_off(world, first)
    assert await world.state(order_id) == ends
    assert ((await world.told())[-1] == "order.cancelled") == (ends == "cancelled")


async def test_a_part_that_is_never_brought_can_be_called_off(world: World) -> None:
    order_id, (first, _second) = await filled(world, 3, brought=False)
    await calls_off(world, first)
    assert await accepted(world) == 20 and await world.state(order_id) == "open"
    assert await world.looks(order_id) == 1


async def test_what_is_never_brought_stays_promised_until_it_is_called_off(
    world: World,
) -> None:
    (contact,) = await world.farmers(1)
    offers_it = lambda db: stock_listings.offer(db, actor(contact, "s"), ROASTED, world.now)  # noqa: E731
    await world.records.write(offers_it)
    order_id = await world.takes(wanted(40))
    await world.looks(order_id)
    ((offer_id, *_more),) = await world.offers_of(order_id)
    await world.accepts(contact, offer_id, 40)

    async def figure() -> tuple[int, int]:
        query = select(stocks.c.available_g, stocks.c.promised_g)
        return tuple(await world.records.read(lambda db: db.execute(query).one()))

    assert await does(world, disputes.dispute, offer_id) == "disputed"
    more = lambda db: stock_listings.offer(db, actor(contact, "t"), ROASTED, world.now)  # noqa: E731
    await world.records.write(more)
    assert await figure() == (200_000, 20_000)
    # It is found, and may be brought after all; or not.
    assert await does(world, disputes.resume, offer_id) == "resumed"
    assert [one[3] for one in await world.offers_of(order_id)] == ["accepted"]
    assert await figure() == (200_000, 20_000)
    await calls_off(world, offer_id)
    assert await figure() == (200_000, 0)


@pytest.mark.parametrize("brought", [False, True])
async def test_only_of_goods_that_were_brought_the_money_waits(world: World, brought: bool) -> None:
    _order_id, (first, _second) = await filled(world, 2, brought=brought)
    assert await does(world, disputes.dispute, first) == "disputed"
    query = select(outbox.c.payload).where(outbox.c.dedupe_key.like(f"dispute:{first}:%"))
    said = await world.records.read(lambda db: db.execute(query).scalar_one())
    # In Kinyarwanda, the farmer's language.
    assert "iracyagenzurwa" in said["text"] and ("Amafaranga" in said["text"]) == brought


async def test_what_was_never_brought_is_none_of_the_goods_that_the_hub_means(
    world: World,
) -> None:
    _order_id, (first, second) = await filled(world, 2, brought=False)
    await moves(world, second, "hand_over")
    assert await does(world, disputes.dispute, first) == "disputed"
    meant = await world.records.write(
        lambda db: shipping.meant(db, "hub", "KW-7", None, (), "handed_over")
    )
    assert [part.offer_id for part in meant.moving] == [second] and meant.unnoted == []
    with pytest.raises(Refused, match="no part of this order that was handed over"):
        await world.records.write(
            lambda db: shipping.report(db, "hub", "KW-7", None, [f"P-{first}"], "wet", world.now)
        )


async def test_a_cancellation_and_a_part_that_is_called_off_at_once_have_one_end(
    world: World,
) -> None:
    order_id, (first, _second) = await filled(world, 3)
    assert await does(world, disputes.dispute, first) == "disputed"

    def slowly(db) -> None:
        disputes.call_off(db, first, reason="wet", by="eric", channel="test", now=world.now)
        if db.dialect.name == "postgresql":
            db.execute(select(func.pg_sleep(0.5)))

    ending = asyncio.create_task(world.records.write(slowly))
    await asyncio.sleep(0.2)
    # So much is asked at once that PostgreSQL's records take another connection for it.
    crowd = [world.records.read(lambda db: None) for _one in range(20)]
    await asyncio.gather(*crowd, world.records.write(lambda db: hub_cancels(db, world)))
    await ending
    assert await world.state(order_id) == "cancelled"


def hub_cancels(db, world: World) -> None:
    """As the event's own transaction does it: it is ended with what it does."""
    lane = hub_inbox.lane("hub", "KW-7")
    gone = Arrived("hub", "m1", "order.cancelled", lane, b"{}")
    hub_inbox.keep(db, [(gone, False)], world.now)
    newest = select(hub_events.c.id).order_by(hub_events.c.id.desc()).limit(1)
    hub_orders.cancel(db, "hub", "KW-7", "e1", world.now)
    hub_inbox.ended(db, db.execute(newest).scalar_one(), "applied", "", world.now)
