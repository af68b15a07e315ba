"""What farmers offer, as buyers see it: the goods and a district, checked photos, nobody's name."""

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from bot.dashboard.access import demo_supervisor
from bot.market import Actor, people, stock_listings, stock_photos, stock_shown, verifying
from bot.market.stock_listings import NewListing
from bot.storage.records import Records
from bot.storage.schema import contacts
from tests.hub.sender import signed
from tests.hub.test_allocation import farmer
from tests.server import FARMER, Running


def jpeg() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (40, 20), "brown").save(made, "JPEG")
    return made.getvalue()


def actor(contact_id: int, key: str) -> Actor:
    return Actor(f"contact:{contact_id}", "test", key, contact_id)


def offers_cherries(db: Any, contact_id: int, now: datetime, kg: int = 300) -> int:
    new = NewListing("COF-CHERRY", "A1", kg, 700, date(2026, 11, 20))
    made = stock_listings.offer(db, actor(contact_id, f"offer-{contact_id}-{kg}"), new, now)
    assert made.listing is not None
    return made.listing.id


def photographed(db: Any, contact_id: int, listing_id: int, now: datetime, key: str = "p") -> int:
    kept = stock_photos.keep(db, actor(contact_id, f"{key}{listing_id}"), listing_id, jpeg(), now)
    assert kept == "kept"
    return stock_photos.listed(db, "waiting")[-1].id


class Buyers:
    """The hub, which asks what there is."""

    def __init__(self, server: Running) -> None:
        self.server, self.records = server, server.parts.market.records

    async def gets(self, path: str, signs: str = "") -> tuple[int, Any, Any]:
        headers = signed((signs or path).encode())
        async with self.server.client.get(path, headers=headers) as response:
            body = await response.read()
            said = await response.json() if "json" in response.content_type else body
            return response.status, said, response.headers

    async def stock(self, query: str = "") -> list[dict[str, Any]]:
        status, said, _headers = await self.gets(f"/hub/stock{query}")
        assert status == 200
        return said["stock"]

    async def farmer_id(self) -> int:
        found = await self.records.read(lambda db: people.by_msisdn(db, FARMER))
        assert found is not None
        return found.id


@pytest.fixture
def buyers(server: Running) -> Buyers:
    return Buyers(server)


async def test_what_is_offered_is_seen_and_who_offers_it_is_not(buyers: Buyers) -> None:
    (one,) = await buyers.stock()
    assert one | {"harvested_on": ""} == {
        "id": one["id"], "product": "COF-CHERRY", "name": "Coffee cherries", "grade": "A1",
        "units": 300, "unit": "kg", "price_rwf": 700, "district": "Gakenke", "harvested_on": "",
        "photos": [],
    }  # fmt: skip
    assert await buyers.stock("?product=COF-CHERRY") == [one]
    assert await buyers.stock("?product=HONEY") == []


async def test_only_who_signs_the_very_path_is_answered(buyers: Buyers) -> None:
    for path, signs in (
        ("/hub/stock", "/hub/stock?limit=1"),
        ("/hub/stock?limit=100", "/hub/stock"),
        ("/hub/photos/1.jpg", "/hub/photos/2.jpg"),
    ):
        assert (await buyers.gets(path, signs))[0] == 401
        async with buyers.server.client.get(path) as response:
            assert response.status == 401


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "after=-1", "after=%D9%A3", "product=GOLD",
              "after=9999999999999999"]
)  # fmt: skip
async def test_a_query_that_makes_no_sense_is_refused(buyers: Buyers, query: str) -> None:
    status, said, _headers = await buyers.gets(f"/hub/stock?{query}")
    assert status == 422 and said["error"]


async def test_pages_follow_each_other_and_end(buyers: Buyers) -> None:
    contact_id, now = await buyers.farmer_id(), datetime.now(UTC)

    def work(db: Any) -> list[int]:
        return [offers_cherries(db, contact_id, now, kg) for kg in (10, 20, 30, 40)]

    made, seen = await buyers.records.write(work), []
    path = "/hub/stock?limit=2&product=COF-CHERRY"
    for _page in range(3):
        status, said, _headers = await buyers.gets(path)
        assert status == 200 and len(said["stock"]) <= 2
        seen += [one["id"] for one in said["stock"]]
        path = said["next"]
    assert path is None and seen[1:] == made and seen == sorted(set(seen))
    assert (await buyers.gets("/hub/stock?limit=5"))[1]["next"] is None


async def test_a_photo_is_seen_from_its_approval_until_its_goods_are_gone(buyers: Buyers) -> None:
    contact_id, now = await buyers.farmer_id(), datetime.now(UTC)
    (offered,) = await buyers.stock()
    write = buyers.records.write
    first, second = [
        await write(lambda db, key=key: photographed(db, contact_id, offered["id"], now, key))
        for key in ("a", "b")
    ]
    assert await buyers.stock() == [offered]
    assert [(await buyers.gets(f"/hub/photos/{n}.jpg"))[0] for n in (first, second)] == [404, 404]
    by = demo_supervisor.NAME
    await write(lambda db: demo_supervisor.demo_link(db, now))
    for number, shown in ((first, True), (second, False)):
        assert await write(
            lambda db, number=number, shown=shown: stock_photos.decide(
                db, number, by, shown=shown, now=now
            )
        ) == ("shown" if shown else "refused")
    (seen,) = await buyers.stock()
    assert seen["photos"] == [f"/hub/photos/{first}.jpg"]
    status, picture, headers = await buyers.gets(seen["photos"][0])
    assert status == 200 and picture.startswith(b"\xff\xd8")
    assert headers["Content-Type"] == "image/jpeg" and headers["Cache-Control"].endswith("no-store")
    # T-18: as a page of its own it runs nothing, and is saved rather than shown.
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"] == "attachment"
    assert (await buyers.gets(f"/hub/photos/{second}.jpg"))[0] == 404
    await write(
        lambda db: stock_listings.withdraw(db, actor(contact_id, "gone"), offered["id"], 1, now)
    )
    assert await buyers.stock() == []
    assert (await buyers.gets(f"/hub/photos/{first}.jpg"))[0] == 404


async def test_nothing_of_a_number_that_is_being_checked_or_of_who_has_left(
    records: Records, now: datetime
) -> None:
    def work(db: Any) -> list[list[int]]:
        ids = [farmer(db, number, now) for number in range(3)]
        for contact_id in ids:
            offers_cherries(db, contact_id, now)
        districts = [one.district for one in stock_shown.page(db, 0, 9)]
        assert districts == ["Gakenke"] * 3
        number = db.execute(select(contacts.c.msisdn).where(contacts.c.id == ids[0])).scalar()
        verifying.report_sim(db, number, "operator", now)
        checked = [one.id for one in stock_shown.page(db, 0, 9)]
        people.erase(db, ids[1], now + timedelta(hours=1))
        return [checked, [one.id for one in stock_shown.page(db, 0, 9)]]

    checked, left = await records.write(work)
    assert len(checked) == 2 and len(left) == 1


async def test_a_photo_is_of_its_own_listing(records: Records, now: datetime) -> None:
    def work(db: Any) -> tuple[bytes | None, bytes | None]:
        ids = [farmer(db, number, now) for number in range(2)]
        listings = [offers_cherries(db, contact_id, now) for contact_id in ids]
        shown, waits = (
            photographed(db, contact_id, listing, now)
            for contact_id, listing in zip(ids, listings, strict=True)
        )
        table = stock_photos.rows
        db.execute(table.update().where(table.c.id == shown).values(state="shown"))
        assert [one.photos for one in stock_shown.page(db, 0, 9)] == [(shown,), ()]
        return stock_shown.picture(db, shown), stock_shown.picture(db, waits)

    shown, waits = await records.write(work)
    assert shown == jpeg() and waits is None
