"""`POST /hub/events`: only what the hub signed counts, and it counts once."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import func, select, update

from bot.hub.keeping import Keeping
from bot.hub.signing import sign
from bot.market import Actor, offers, people
from bot.operations.housekeeping import Housekeeping
from bot.storage import hub_inbox
from bot.storage.hub_inbox import Arrived
from bot.storage.records import Records
from bot.storage.schema import hub_events, hub_orders, metadata, orders, payments
from tests.hub.sender import SECRET, Hub, event, order, signature, signed
from tests.server import FARMER, HOST, Running, running

FIXTURES = Path(__file__).parent / "fixtures"
VECTORS = json.loads((FIXTURES / "signing_vectors.json").read_text())
THEIRS = VECTORS["standard_webhooks"]
OLD = "whsec_" + "b2xkLXNlY3JldC1vZi10aGUtaHViLW9ubHktaGVyZSE="


@pytest.fixture
async def hub(server: Running) -> Hub:
    return Hub(server)


async def kept(hub: Hub) -> int:
    count = select(func.count()).select_from(hub_events)
    return await hub.server.parts.market.records.read(lambda db: db.execute(count).scalar())


def wire(name: str) -> tuple[dict[str, str], bytes]:
    head, _, body = (FIXTURES / name).read_bytes().partition(b"\n\n")
    lines = head.decode().replace("\r", "").split("\n")[1:]
    headers = dict(line.split(": ", 1) for line in lines)
    return {name: value for name, value in headers.items() if name != "Host"}, body


@pytest.fixture
async def theirs(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running(tmp_path, ISOKO_MARKETPLACE__SECRETS=f"{THEIRS['secret']},{OLD}") as one:
        yield Hub(one)


@pytest.mark.parametrize(
    "name", ["standardwebhooks_order_created.http", "standardwebhooks_rotated_secret.http"]
)
async def test_the_fixtures_of_the_wire_are_taken_and_applied(theirs: Hub, name: str) -> None:
    headers, body = wire(name)
    with time_machine.travel(int(THEIRS["timestamp"]), tick=True):
        assert await theirs.posts(body, headers) == (202, {
            "id": THEIRS["id"], "kept": True, "known": False, "ignored": False,
        })  # fmt: skip
        await theirs.worked()
    rows = await theirs.server.parts.market.records.read(
        lambda db: db.execute(select(orders.c.product, orders.c.sale_price_rwf, orders.c.packs)
                              .join(hub_orders, hub_orders.c.order_id == orders.c.id)).all()
    )  # fmt: skip
    assert rows == [("POTATO", 5000, 1)]


def test_our_signature_is_that_of_the_vector() -> None:
    body = (FIXTURES / "standardwebhooks_order_created.body.json").read_text()
    at = datetime.fromtimestamp(int(THEIRS["timestamp"]), UTC)
    assert sign(THEIRS["id"], at, body, [THEIRS["secret"]]) == {
        "webhook-id": THEIRS["id"],
        "webhook-timestamp": THEIRS["timestamp"],
        "webhook-signature": THEIRS["signature"],
    }


async def test_the_older_secret_counts_while_the_hub_changes_over(theirs: Hub) -> None:
    body = event("order.created", order())
    assert (await theirs.posts(body, signed(body, secret=OLD)))[0] == 202
    assert (await theirs.posts(body, signed(body, secret=SECRET)))[0] == 401


BODY = event("order.created", order())


def spoilt(**changes: str) -> dict[str, str]:
    return {**signed(BODY, "msg_1"), **{k.replace("_", "-"): v for k, v in changes.items()}}


@pytest.mark.parametrize(
    ("why", "body", "headers"),
    [
        ("altered body", BODY.replace(b'"qty": 40', b'"qty": 90'), spoilt()),
        ("a space more", BODY + b" ", spoilt()),
        ("another id", BODY, spoilt(webhook_id="msg_2")),
        ("another moment", BODY, spoilt(webhook_timestamp=str(int(time.time()) - 9))),
        ("another secret", BODY, signed(BODY, secret=OLD)),
        ("an hour old", BODY, signed(BODY, at=time.time() - 3600)),
        ("an hour ahead", BODY, signed(BODY, at=time.time() + 3600)),
        ("no signature", BODY, {"Content-Type": "application/json"}),
        ("empty signature", BODY, spoilt(webhook_signature="")),
        ("not base64", BODY, spoilt(webhook_signature="v1,%%%")),
        ("no comma", BODY, spoilt(webhook_signature="v1")),
        ("another version", BODY, spoilt(webhook_signature="v2,AAAA")),
        ("half a second", BODY, spoilt(webhook_timestamp=f"{int(time.time())}.5")),
        ("not a number", BODY, spoilt(webhook_timestamp="nan")),
        ("not text", b"\xff\xfe", spoilt()),
    ],
)
async def test_W08_what_is_forged_replayed_later_or_altered_changes_nothing(
    hub: Hub, why: str, body: bytes, headers: dict[str, str]
) -> None:
    status, said = await hub.posts(body, headers)
    assert status == 401 and said["error"], why
    assert await kept(hub) == 0


async def test_the_same_event_again_is_taken_and_does_nothing(hub: Hub) -> None:
    body = event("order.created", order())
    assert (await hub.posts(body, signed(body, "msg_1")))[1]["known"] is False
    await hub.worked()
    assert (await hub.posts(body, signed(body, "msg_1")))[1]["known"] is True
    # The hub made a new message of the same order: it is the same order.
    assert await hub.says("order.created", order(), "msg_2") == 202
    await hub.worked()
    records = hub.server.parts.market.records
    count = select(func.count()).select_from(hub_orders)
    assert await records.read(lambda db: db.execute(count).scalar()) == 1
    other = event("order.created", order(qty=90))
    assert (await hub.posts(other, signed(other, "msg_1")))[0] == 409


@pytest.mark.parametrize(
    "data",
    [
        {"order_id": "KW-1"},
        order(qty=0),
        order(qty=2.5),
        order(order_id="'; DROP TABLE orders; --"),
        order(currency="EUR"),
        order(lines=[]),
        order(lines=[{"sku": "x", "qty": 1, "unit_price": "1e5"}]),
        order(lines=[{"sku": "x", "qty": 1, "unit_price": 16000}]),
        order(lines=[{"sku": "x", "qty": 1, "unit_price": "-16000"}]),
        order(answer_by="2026-12-01T10:00:00"),
    ],
)
async def test_what_is_no_event_is_said_to_be_none(hub: Hub, data: dict[str, Any]) -> None:
    body = event("order.created", data)
    status, said = await hub.posts(body, signed(body))
    assert (status, bool(said["error"])) == (422, True)
    assert await kept(hub) == 0


async def test_a_body_is_not_larger_than_it_may_be(hub: Hub) -> None:
    body = event("order.created", order(note="x" * 30_000))
    assert (await hub.posts(body, signed(body)))[0] == 413
    fits = event("order.created", order(note="x" * 20_000))
    assert (await hub.posts(fits, signed(fits)))[0] == 202


async def test_a_type_that_nobody_knows_is_kept_and_left(hub: Hub) -> None:
    body = event("stars.aligned", {})
    assert (await hub.posts(body, signed(body)))[1]["ignored"] is True
    await hub.worked()
    assert await kept(hub) == 1


async def test_a_cancelled_order_that_comes_after_its_cancellation_is_not_taken(hub: Hub) -> None:
    await hub.says("order.cancelled", {"order_id": "KW-2001"})
    await hub.says("order.created", order())
    for _turn in range(3):
        await hub.worked()
    assert (await hub.asks("KW-2001"))[0] == 404


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (order(lines=[{"sku": "NOTHING", "qty": 1, "unit_price": "5000"}]), "nothing is sold here"),
        (order(total="1"), "the lines make"),
        (order(lines=[{"sku": "RW-TEA-250G", "qty": 1, "unit_price": "0.50"}]), "no whole number"),
        (order(lines=[{"sku": "RW-TEA-250G", "qty": 1, "unit_price": "0"}]), "outside of what"),
        (order(answer_by="2020-01-01T00:00:00Z"), "over already"),
    ],
)
async def test_an_order_that_cannot_be_taken_says_why_and_leaves_nothing(
    hub: Hub, data: dict[str, Any], why: str
) -> None:
    assert await hub.says("order.created", data) == 202
    await hub.worked()
    row = await hub.server.parts.market.records.read(
        lambda db: db.execute(select(hub_events.c.state, hub_events.c.outcome)).one()
    )
    assert row.state == "refused" and why in row.outcome
    assert (await hub.asks("KW-2001"))[0] == 404


async def test_no_buyer_is_in_any_table_once_the_order_is_taken(hub: Hub) -> None:
    await hub.says("order.created", order(buyer={"phone": "+250781234567"}))
    await hub.says("stars.aligned", {"buyer": "+250781234567"})
    await hub.worked()
    assert (await hub.asks("KW-2001"))[0] == 200

    def all_of_it(db: Any) -> str:
        return repr([db.execute(select(one)).all() for one in metadata.sorted_tables])

    said = await hub.server.parts.market.records.read(all_of_it)
    assert "KW-2001" in said and "781234567" not in said


async def test_the_state_of_an_order_wants_the_secret_too(hub: Hub) -> None:
    await hub.says("order.created", order())
    await hub.worked()
    path = "/hub/orders/KW-2001"
    other = signed(b"/hub/orders/KW-2002")
    async with hub.server.client.get(path, headers=other) as response:
        assert response.status == 401
    async with hub.server.client.get(path) as response:
        assert response.status == 401


async def test_a_shipment_a_booking_and_a_price_are_applied(hub: Hub) -> None:
    booking = {"booking_id": "VB-9", "host": HOST, "experience": "coffee_farm", "guests": 2,
               "starts_at": "2030-01-01T09:00:00Z", "amount_rwf": 30_000}  # fmt: skip
    price = {"product": "COF-CHERRY", "kind": "observed", "amount_rwf": 710, "unit": "kg",
             "valid_on": "2026-11-25", "place": "Ruli", "district": "Gakenke"}  # fmt: skip
    assert await hub.says("booking.requested", booking) == 202
    assert await hub.says("price.published", price) == 202
    assert await hub.says("shipment.updated", {"order_id": "KW-2001", "stage": "shipped"}) == 202
    await hub.worked()
    rows = await hub.server.parts.market.records.read(
        lambda db: db.execute(select(hub_events.c.type, hub_events.c.state)).all()
    )
    assert sorted(rows) == [
        ("booking.requested", "applied"),
        ("price.published", "applied"),
        ("shipment.updated", "refused"),
    ]


async def test_what_the_hub_says_is_delivered_is_paid_by_housekeeping(hub: Hub) -> None:
    server = hub.server
    records, market = server.parts.market.records, server.parts.market

    def handed_over(db: Any) -> int:
        contact_id = people.by_msisdn(db, FARMER).id
        now = datetime.now(UTC)
        (offer,) = [one for one in offers.open_for(db, contact_id, now) if one.code == "KW-2001"]
        actor = Actor("person", "test", "accept-2001", contact_id)
        offers.accept(db, actor, offer.id, offer.version, offer.packs, now, market.hub.timezone)
        brings = Actor("person", "test", "bring-2001", contact_id)
        offers.move(db, brings, offer.id, "hand_over", now)
        return offer.id

    await hub.says("order.created", order())
    await hub.worked()
    offer_id = await records.write(handed_over)
    for stage in ("shipped", "delivered"):
        await hub.says("shipment.updated", {"order_id": "KW-2001", "stage": stage})
        await hub.worked()
    keep = Housekeeping(market, server.parts.sender.wake, timedelta(days=1))
    await keep.keep()
    await keep.keep()
    query = select(payments.c.amount_rwf).where(payments.c.offer_id == offer_id)
    paid = await records.read(lambda db: db.execute(query).scalars().all())
    mine = await records.read(
        lambda db: offers.by_id(db, offer_id, people.by_msisdn(db, FARMER).id)
    )
    assert paid == [mine.accepted_rwf] and paid[0] > 0


async def test_the_description_names_every_type_and_its_schema(hub: Hub) -> None:
    async with hub.server.client.get("/hub/openapi.json") as response:
        said = await response.json()
    assert said["openapi"] == "3.1.0"
    assert set(said["components"]["schemas"]) >= {
        "order.created",
        "order.cancelled",
        "OrderCreated",
    }
    assert "order.accepted" in said["webhooks"]
    for ref in re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(said)):
        assert ref in said["components"]["schemas"]


async def test_production_wants_a_secret_of_its_own() -> None:
    from bot.settings import SettingsError, load_settings

    with pytest.raises(SettingsError, match="ISOKO_MARKETPLACE__SECRETS must hold one"):
        load_settings({"ISOKO_MARKETPLACE__SECRETS": ""})
    with pytest.raises(SettingsError, match="not whsec_ and base64"):
        load_settings({"ISOKO_MARKETPLACE__SECRETS": "whsec_c2hvcnQ="})
    production = {"ISOKO_ENV": "production", "ISOKO_MARKETPLACE__ENABLED": "true"}
    with pytest.raises(SettingsError, match="ISOKO_MARKETPLACE__SECRETS must hold one"):
        load_settings(production)
    with pytest.raises(SettingsError, match="demo's own secret"):
        load_settings({**production, "ISOKO_MARKETPLACE__SECRETS": SECRET})


def test_the_helper_signs_as_the_vector_says() -> None:
    body = (FIXTURES / "standardwebhooks_order_created.body.json").read_bytes()
    said = signature(THEIRS["secret"], THEIRS["id"], THEIRS["timestamp"], body)
    assert said == THEIRS["signature"]


async def test_lanes_that_wait_for_later_take_no_place_from_others(records: Records, now) -> None:
    def arrived(number: int) -> Arrived:
        return Arrived("hub", f"e{number}", "order.created", f"hub:{number}", b"{}")

    def work(db) -> list[int]:
        for number in range(20):
            hub_inbox.keep(db, [(arrived(number), False)], now)
        later = update(hub_events).where(hub_events.c.event_id != "e19")
        db.execute(later.values(due_at=now + timedelta(minutes=1)))
        gone = Arrived("hub", "e20", "order.cancelled", "hub:3", b"{}")
        hub_inbox.keep(db, [(gone, False)], now)
        return [one.id for one in hub_inbox.next_ones(db, now, 16)]

    found = await records.write(work)
    # The one that is due; what follows a failed one in its own lane waits with it.
    assert len(found) == 1
    query = select(hub_events.c.event_id).where(hub_events.c.id == found[0])
    assert await records.read(lambda db: db.execute(query).scalar()) == "e19"


async def test_of_a_lot_each_is_kept_once_and_in_the_order_in_which_it_came(
    records: Records,
) -> None:
    keeping = Keeping(records)

    def arrived(number: int, body: bytes = b"{}") -> Arrived:
        return Arrived("hub", f"e{number}", "order.created", "hub:1", body)

    assert await keeping.keep(arrived(3)) == "kept"
    lot = [arrived(number) for number in (9, 3, 1, 9, 5)]
    again = arrived(1, b"another"), Arrived("shop", "e1", "order.created", "shop:1", b"{}")
    found = await asyncio.gather(*(keeping.keep(one) for one in (*lot, *again)))
    assert found == ["kept", "known", "kept", "known", "kept", "other", "kept"]
    query = select(hub_events.c.source, hub_events.c.event_id).order_by(hub_events.c.id)
    kept = await records.read(lambda db: [tuple(row) for row in db.execute(query)])
    assert kept == [("hub", "e3"), ("hub", "e9"), ("hub", "e1"), ("hub", "e5"), ("shop", "e1")]


async def test_one_event_that_cannot_be_stored_fails_alone(records: Records) -> None:
    keeping = Keeping(records)
    # PostgreSQL and SQLite both refuse an event of no type.
    bad = Arrived("hub", "bad", None, "hub:bad", b"{}")  # type: ignore[arg-type]
    good = [Arrived("hub", f"g{n}", "order.created", f"hub:{n}", b"{}") for n in range(5)]
    found = await asyncio.gather(
        *(keeping.keep(one) for one in (*good[:2], bad, *good[2:])), return_exceptions=True
    )
    assert [one for one in found if one == "kept"] == ["kept"] * 5
    assert isinstance(found[2], Exception)


async def test_who_asks_too_often_is_told_when_to_come_again(tmp_path: Path) -> None:
    async with running(tmp_path, ISOKO_MARKETPLACE__ASKS_PER_MINUTE="5") as server:
        path = "/hub/stock"
        get = server.client.get

        async def ask(headers: dict[str, str]) -> tuple[int, str]:
            async with get(path, headers=headers) as response:
                return response.status, response.headers.get("Retry-After", "")

        # Who cannot sign uses up nothing.
        assert {(await ask({}))[0] for _time in range(9)} == {401}
        answers = [await ask(signed(path.encode())) for _time in range(7)]
        served = 5 * (2 if server.second else 1)
        assert [status for status, _wait in answers[:5]] == [200] * 5
        assert served > 5 or [status for status, _wait in answers[5:]] == [429] * 2
        assert served > 5 or all(0 < int(wait) <= 12 for _status, wait in answers[5:])
        # Events have no part in it.
        assert await Hub(server).says("order.created", order("KW-3001")) == 202
        async with get("/hub/openapi.json") as response:
            asked = (await response.json())["paths"]["/hub/stock"]["get"]["responses"]
        assert "429" in asked
