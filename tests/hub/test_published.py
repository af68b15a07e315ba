"""What leaves is as it is published: every type of news, and every answer, by its own schema."""

import secrets
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from bot.hub.news_types import NEWS_DATA
from bot.hub.openapi import document
from bot.market import (
    bookings,
    hub_news,
    hub_orders,
    offers,
    payments,
    price_approval,
    settling_by_hand,
    staff_alerts,
    subscriptions,
)
from bot.market.bookings import NewBooking
from bot.market.hub_news import NEWS_TYPES
from bot.market.limits import USUAL
from bot.market.staff_alerts import Found, Manner
from bot.operations.session_news import ENDED, STARTED, SessionNews
from bot.payments.provider import Outcome
from bot.storage.records import Records
from bot.storage.schema import offers as offer_rows
from tests.hub.published import Published, everybody_is_told, told
from tests.hub.sender import Hub, event, order, signed
from tests.hub.test_allocation import World, actor, wanted
from tests.hub.test_bookings import BOOKING
from tests.hub.test_prices import PRICE
from tests.market.money import pay, settle
from tests.server import Running

OF_ORDERS = {
    "order.allocated", "order.partly_accepted", "order.accepted", "order.declined",
    "order.expired", "order.cancelled", "order.disputed", "order.resumed",
    "order.called_off", "shipment.handed_over",
    "shipment.shipped", "shipment.delivered", "payment.succeeded", "payment.failed",
    "payment.flagged", "payment.confirmed",
}  # fmt: skip
OF_VISITS = {
    "booking.accepted", "booking.declined", "booking.date_asked", "booking.expired",
    "booking.withdrawn",
}  # fmt: skip
OF_THE_SERVER = {"session.started", "session.ended", "alert.raised", "alert.cleared"}
AT_THE_DOOR = {"order.refused", "booking.refused", "price.refused", "price.shown", "test.ping"}


@pytest.fixture
async def world(records: Records, now: datetime) -> World:
    await everybody_is_told(records)
    return World(records, now)


async def as_published(records: Records, expected: set[str]) -> list[dict[str, Any]]:
    """What was told: of the `expected` types, all of them, and each as its schema says."""
    published, said = Published(document("http://127.0.0.1")), await told(records)
    assert {one["type"] for one in said} >= expected
    for one in said:
        assert published.wrong_with_news(one) == [], one
    return said


def test_every_type_that_may_be_told_is_published_and_looked_at_here() -> None:
    assert set(NEWS_DATA) == set(NEWS_TYPES)
    assert set(NEWS_TYPES) == OF_ORDERS | OF_VISITS | OF_THE_SERVER | AT_THE_DOOR


def test_what_is_not_published_is_found() -> None:
    published = Published(document("http://127.0.0.1"))
    data = {"order_id": "KW-1", "line": 1, "source": "hub", "code": "KW-1", "product": "MAIZE",
            "packs": 1, "packs_accepted": 0}  # fmt: skip
    good = {"type": "order.expired", "timestamp": "2026-11-24T09:00:00.000+00:00", "data": data}
    assert published.wrong_with_news(good) == []
    assert published.wrong_with_news({**good, "data": data | {"names": "Alice"}})
    assert published.wrong_with_news({**good, "data": data | {"packs": "1"}})
    assert published.wrong_with_news({**good, "timestamp": "2026-11-24T09:00:00"})


async def test_all_that_is_told_of_an_order(world: World) -> None:
    order_id = await sold_to_three(world)
    parts = await world.offers_of(order_id)
    await world.records.write(lambda db: carried_and_paid(db, parts, world.now))
    await not_sold(world)
    said = await as_published(world.records, OF_ORDERS)
    paid = {one["type"]: one["data"] for one in said if one["type"].startswith("payment.")}
    assert paid["payment.failed"]["amount_rwf"] == 30_000
    assert {one["part"] for one in paid.values()} == {f"P-{row[0]}" for row in parts}


async def sold_to_three(world: World) -> int:
    """An order of 60 packs that three farmers have accepted."""
    people = await world.farmers(3)
    order_id = await world.takes(wanted(60))
    await world.looks(order_id)
    for offer_id, contact, packs, _state in await world.offers_of(order_id):
        assert contact in people
        assert await world.accepts(contact, offer_id, packs) == "accepted"
    return order_id


def carried_and_paid(db: Any, parts: list[tuple[int, int, int, str]], now: datetime) -> None:
    """One is paid and confirms it; one is refused by the operator; one is paid too little."""
    ends = (Outcome.SUCCEEDED, {}), (Outcome.REFUSED, {}), (Outcome.SUCCEEDED, {"amount_rwf": 1})
    for (offer_id, contact, _packs, _state), (outcome, other) in zip(parts, ends, strict=True):
        for trigger in ("hand_over", "ship", "deliver"):
            offers.move(db, actor(0, trigger), offer_id, trigger, now)
        payment = pay(db, contact, now, 30_000, offer_id=offer_id)
        settle(db, payment, now, outcome, **other)
        payments.confirm(db, actor(contact, "confirm"), payment.id, now)
    for trigger in ("dispute", "back_to_delivered", "dispute", "call_off"):
        key = f"{trigger}-{secrets.token_hex(4)}"
        offers.move(db, actor(0, key), parts[1][0], trigger, now)


async def not_sold(world: World) -> None:
    """One that everybody declines, one that is called off, one that nobody answers in time."""
    for number, end in enumerate(("declined", "cancelled", "expired"), 70):
        order_id = await world.takes(wanted(40, f"KW-{number}"))
        await world.looks(order_id)
        # Two are asked, and then the third.
        for _round in range(2 if end == "declined" else 0):
            for offer_id, contact, _packs, state in await world.offers_of(order_id):
                if state == "offered":
                    await world.declines(contact, offer_id)
            await world.looks(order_id)
        if end == "cancelled":
            key = f"hub-event:{number}"
            await world.records.write(
                lambda db, number=number, key=key: hub_orders.cancel(
                    db, "hub", f"KW-{number}", key, world.now
                )
            )
    late = world.now + timedelta(days=3)
    await world.records.write(lambda db: offers.expire_due(db, late))
    await world.looks(order_id, late)


async def test_a_payment_is_told_whatever_became_of_its_order(world: World) -> None:
    order_id = await sold_to_three(world)
    offer_id, contact, _packs, _state = (await world.offers_of(order_id))[0]

    def work(db: Any) -> None:
        payment = pay(db, contact, world.now, 30_000, offer_id=offer_id)
        offers.move(db, actor(0), offer_id, "dispute", world.now)
        settle(db, payment, world.now)

    await world.records.write(work)
    state = select(offer_rows.c.state).where(offer_rows.c.id == offer_id)
    assert await world.records.read(lambda db: db.execute(state).scalar()) == "disputed"
    last = (await told(world.records))[-1]
    assert (last["type"], last["data"]["amount_rwf"]) == ("payment.succeeded", 30_000)


async def test_what_a_farmer_confirms_is_told_as_what_moved(world: World) -> None:
    order_id = await sold_to_three(world)
    offer_id, contact, _packs, _state = (await world.offers_of(order_id))[0]

    def work(db: Any) -> None:
        for trigger in ("hand_over", "ship", "deliver"):
            offers.move(db, actor(0, trigger), offer_id, trigger, world.now)
        payment = pay(db, contact, world.now, 30_000, offer_id=offer_id)
        settle(db, payment, world.now, amount_rwf=29_000)
        done = settling_by_hand.settle(
            db, payment.reference, "succeeded", reason="letter", by="amina", second="eric",
            rules=USUAL, now=world.now,
        )  # fmt: skip
        assert done == "settled"
        assert payments.confirm(db, actor(contact, "yes"), payment.id, world.now) == "confirmed"

    await world.records.write(work)
    paid = [one for one in await told(world.records) if one["type"].startswith("payment.")]
    assert [(one["type"], one["data"]["amount_rwf"]) for one in paid] == [
        ("payment.flagged", 30_000),
        ("payment.succeeded", 29_000),
        ("payment.confirmed", 29_000),
    ]


async def test_all_that_is_told_of_a_visit(world: World) -> None:
    (host,) = await world.farmers(1)
    now, later = world.now, world.now + timedelta(days=9)

    def work(db: Any) -> None:
        made = []
        for number in range(5):
            new = NewBooking(f"VB-{number}", "coffee_farm", 4, later, 60_000, now + timedelta(1))
            made.append(bookings.request(db, host, new, "*384*801#", "Africa/Kigali", now))
        bookings.accept(db, actor(host), made[0], 1, now)
        bookings.decline(db, actor(host), made[1], 1, now)
        bookings.ask_date(db, actor(host), made[2], 1, later + timedelta(days=1), now)
        booking = bookings.by_id(db, made[3], host)
        assert booking is not None
        bookings.withdraw(db, actor(host), booking, now)
        assert bookings.expire_due(db, later) == 1

    await world.records.write(work)
    await as_published(world.records, OF_VISITS)


async def test_all_that_is_told_of_calls_and_alerts(records: Records, now: datetime) -> None:
    await everybody_is_told(records)
    calls = SessionNews(records, "secret-of-the-test")
    for kind, language in ((STARTED, ""), (ENDED, "fr")):
        call = SimpleNamespace(
            key="at:1", started_at=1.0, gateway="africastalking", language=language, hops=3
        )
        calls.add(kind, call)  # type: ignore[arg-type]
    await calls.flush()
    at_once = Manner(timedelta(0), timedelta(0))
    for found in ([Found("gateway_silent", "africastalking", 25)], []):
        for _twice in range(2):
            await records.write(
                lambda db, found=found: staff_alerts.note(
                    db, list(staff_alerts.RULES), found, at_once, now
                )
            )
    await as_published(records, OF_THE_SERVER)


async def test_all_that_is_told_of_what_comes_by_the_door(server: Running) -> None:
    hub, records, now = Hub(server), server.parts.market.records, datetime.now(UTC)
    await everybody_is_told(records)
    await hub.says("order.created", order("KW-2002", total="1"))
    await hub.says("order.cancelled", {"order_id": "KW-2003"})
    await hub.says("shipment.updated", {"order_id": "KW-2003", "stage": "shipped"})
    await hub.says("booking.requested", BOOKING | {"host": "+250788999999"})
    for changes in ({}, {"product": "GOLD"}, {"valid_on": "2026-02-30"}, {"place": "Ruli"}):
        await hub.says("price.published", PRICE | changes)
    await hub.worked()
    waiting = await records.read(lambda db: price_approval.waiting(db, "rw"))
    for row, shown in zip(waiting, (True, False), strict=True):
        await records.write(
            lambda db, row=row, shown=shown: price_approval.decide(
                db, "rw", row["id"], "amina", now, shown=shown, why="Alice said so"
            )
        )
    await pinged(records, now)
    said = await as_published(records, AT_THE_DOOR)
    assert [one["type"] for one in said].count("order.refused") == 3
    refused = [one["data"]["reason"] for one in said if one["type"] == "price.refused"]
    assert refused[-1] == "staff refused it" and len(refused) == 3


async def pinged(records: Records, now: datetime) -> None:
    """As `isoko hub test` does."""
    (one,) = await records.read(lambda db: subscriptions.all_of_them(db, now))
    await records.write(
        lambda db: hub_news.put(db, one.id, "test.ping", "tabc", "abc", {"test": True}, now)
    )


async def test_the_same_price_again_is_no_refusal_and_another_is(server: Running) -> None:
    hub, records = Hub(server), server.parts.market.records
    await everybody_is_told(records, ("price.refused",))
    for changes in ({}, {}, {"amount_rwf": 999}):
        await hub.says("price.published", PRICE | changes)
        await hub.worked()
    (one,) = await told(records)
    assert one["data"]["amount_rwf"] == 999 and "another price" in one["data"]["reason"]


async def test_every_answer_is_as_it_is_published(server: Running) -> None:
    hub, published = Hub(server), await Published.of(server)
    await hub.says("order.created", order())
    await hub.says("booking.requested", BOOKING)
    await hub.worked()
    for path, route in (
        ("/hub/orders/KW-2001", "/hub/orders/{order_id}"),
        ("/hub/bookings/VB-9", "/hub/bookings/{booking_id}"),
        ("/hub/stock", "/hub/stock"),
    ):
        async with server.client.get(path, headers=signed(path.encode())) as response:
            assert response.status == 200
            assert published.wrong_with_answer(route, await response.json()) == []
        async with server.client.get(path) as response:
            assert response.status == 401
            assert published.wrong_with_answer(route, await response.json(), "401") == []
    body = event("order.created", order())
    kept = published.document["paths"]["/hub/events"]["post"]["responses"]
    for status, headers in ((202, signed(body)), (401, {})):
        found, said = await hub.posts(body, headers)
        schema = kept[str(status)]["content"]["application/json"]["schema"]
        assert found == status and published.wrong(said, schema) == []
