"""Guests' requests: the hub hears what the host answered, or that nobody did, and can ask."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.market import bookings, people, subscriptions, taking_off
from bot.operations.housekeeping import Housekeeping
from bot.storage.schema import audit, outbox
from tests.hub.published import everybody_is_told, told
from tests.hub.receiver import receiving
from tests.hub.sender import SECRET, Hub, signed
from tests.hub.test_outbound import SECRET as OURS
from tests.phone import PIN
from tests.server import FARMER, HOST, Running

BOOKING = {"booking_id": "VB-9", "host": HOST, "experience": "coffee_farm", "guests": 2,
           "starts_at": "2030-01-01T09:00:00Z", "amount_rwf": 30_000}  # fmt: skip
THEIRS = "01/01/2030, 11:00: abashyitsi 2"


@pytest.fixture
async def hub(server: Running) -> Hub:
    await everybody_is_told(server.parts.market.records)
    one = Hub(server)
    assert await one.says("booking.requested", BOOKING) == 202
    await one.worked()
    return one


async def news(hub: Hub) -> list[dict[str, Any]]:
    found = await told(hub.server.parts.market.records)
    return [one for one in found if one["type"].startswith("booking.")]


async def standing(hub: Hub, code: str = "VB-9") -> tuple[int, dict[str, Any]]:
    path = f"/hub/bookings/{code}"
    async with hub.server.client.get(path, headers=signed(path.encode())) as response:
        return response.status, await response.json()


async def host_presses(hub: Hub, *keys: str) -> None:
    phone = hub.server.phone(HOST)
    await phone.dials()
    await phone.types("6")
    await phone.picks(THEIRS)
    await phone.types(*keys)


@pytest.mark.parametrize(("keys", "state", "proposed"), [
    (("1", PIN), "accepted", None),
    (("2", "1"), "declined", None),
    (("3", "5/1/2030", "5"), "date_asked", "2030-01-05T09:00:00+00:00"),
])  # fmt: skip
async def test_the_hub_hears_what_the_host_answered(
    hub: Hub, keys: tuple[str, ...], state: str, proposed: str | None
) -> None:
    assert (await standing(hub))[1]["state"] == "requested" and await news(hub) == []
    await host_presses(hub, *keys)
    (one,) = await news(hub)
    assert one["type"] == f"booking.{state}"
    said = one["data"]
    assert (said["booking_id"], said["state"], said["proposed_at"]) == ("VB-9", state, proposed)
    assert (said["guests"], said["starts_at"]) == (2, "2030-01-01T09:00:00+00:00")
    assert await standing(hub) == (200, said)
    assert HOST[-9:] not in repr(one) and "Alice" not in repr(one)


async def test_the_answer_comes_back_signed(server: Running) -> None:
    records, now = server.parts.market.records, datetime.now(UTC)
    async with receiving() as receiver:
        wanted = ("booking.declined",)
        await records.write(lambda db: subscriptions.subscribe(db, receiver.url, wanted, now, OURS))
        one = Hub(server)
        await one.says("booking.requested", BOOKING)
        await one.worked()
        await host_presses(one, "2", "1")
        assert server.parts.hooks is not None
        await server.parts.hooks.carry_out_all()
        assert receiver.types == ["booking.declined"] and receiver.signed_by(0, OURS)


async def test_what_nobody_answers_is_over_and_the_hub_hears_it_once(hub: Hub) -> None:
    market = hub.server.parts.market
    late = datetime.now(UTC) + timedelta(days=2, minutes=1)

    async def keeps_house() -> int:
        return await market.records.write(lambda db: bookings.expire_due(db, late))

    assert await market.records.write(lambda db: bookings.expire_due(db, datetime.now(UTC))) == 0
    assert (await keeps_house(), await keeps_house()) == (1, 0)
    assert [one["type"] for one in await news(hub)] == ["booking.expired"]
    assert (await standing(hub))[1]["state"] == "expired"
    line = select(audit.c.actor).where(audit.c.action == "booking expired")
    assert await market.records.read(lambda db: list(db.execute(line).scalars())) == ["clock"]
    # Whoever dials reads that it is over, as with an order: no message is sent for it.
    messages = select(outbox.c.dedupe_key).where(outbox.c.kind == "sms")
    sent = await market.records.read(lambda db: list(db.execute(messages).scalars()))
    assert not [key for key in sent if "expire" in key]


async def test_house_is_kept_of_requests_too(hub: Hub) -> None:
    market = hub.server.parts.market
    past = datetime.now(UTC) - timedelta(seconds=1)
    table = bookings.rows
    await market.records.write(
        lambda db: db.execute(table.update().where(table.c.code == "VB-9").values(answer_by=past))
    )
    await Housekeeping(market, lambda: None, timedelta(days=90)).keep()
    assert (await standing(hub))[1]["state"] == "expired"
    assert [one["type"] for one in await news(hub)] == ["booking.expired"]


@pytest.mark.parametrize(("changes", "why"), [
    ({"host": FARMER}, "no host is registered"),
    ({"host": "+250788999999"}, "no host is registered"),
    ({"starts_at": "2020-01-01T09:00:00Z"}, "over already"),
    ({"answer_by": "2020-01-01T09:00:00Z"}, "over already"),
])  # fmt: skip
async def test_a_request_that_cannot_be_passed_on_is_told_with_the_reason(
    hub: Hub, changes: dict[str, Any], why: str
) -> None:
    await hub.says("booking.requested", {**BOOKING, "booking_id": "VB-10", **changes})
    await hub.worked()
    (one,) = await news(hub)
    assert (one["type"], one["data"]["booking_id"]) == ("booking.refused", "VB-10")
    assert why in one["data"]["reason"] and "788" not in repr(one["data"])
    assert (await standing(hub, "VB-10"))[0] == 404


async def test_the_same_request_again_is_no_refusal_and_another_under_its_id_is(hub: Hub) -> None:
    await host_presses(hub, "1", PIN)
    await hub.says("booking.requested", BOOKING)
    await hub.worked()
    assert [one["type"] for one in await news(hub)] == ["booking.accepted"]
    await hub.says("booking.requested", {**BOOKING, "guests": 30})
    await hub.worked()
    last = (await news(hub))[-1]
    assert last["type"] == "booking.refused" and "another booking" in last["data"]["reason"]
    assert (await standing(hub))[1] | {"answer_by": ""} == {
        "booking_id": "VB-9", "state": "accepted", "experience": "coffee_farm", "guests": 2,
        "starts_at": "2030-01-01T09:00:00+00:00", "amount_rwf": 30_000, "answer_by": "",
        "proposed_at": None,
    }  # fmt: skip


async def test_a_host_whose_number_is_anothers_now_is_asked_no_more_and_the_hub_hears(
    hub: Hub,
) -> None:
    records, now = hub.server.parts.market.records, datetime.now(UTC)

    def work(db: Any) -> None:
        host = people.by_msisdn(db, HOST)
        assert host is not None
        taking_off.take_off(db, host, "amina", "key-1", now)

    await records.write(work)
    withdrawn = {one["data"]["booking_id"] for one in await news(hub)}
    assert {one["type"] for one in await news(hub)} == {"booking.withdrawn"}
    assert withdrawn == {"VB-9", "VB-2001"}


async def test_who_asks_must_sign(hub: Hub) -> None:
    path = "/hub/bookings/VB-9"
    for headers in ({}, signed(b"/hub/bookings/VB-8"), signed(path.encode(), secret=OURS)):
        async with hub.server.client.get(path, headers=headers) as response:
            assert response.status == 401
    assert SECRET != OURS
