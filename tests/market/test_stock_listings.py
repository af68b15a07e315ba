"""Offered stock: once for its cause, as the person saw it, and never promised beyond it."""

import asyncio
from datetime import date

import pytest
from sqlalchemy import func, select, update

from bot.market import offers, people, stock_listings
from bot.market.stock_listings import NewListing
from bot.storage.records import Records
from bot.storage.schema import audit, contacts, stocks
from bot.storage.schema import stock_listings as rows
from tests.market.test_offers import ZONE, actor, farmer, offered

ROASTED = NewListing("COF-ROAST", "A1", 100, 12_000, date(2026, 11, 1))
BASKETS = NewListing("CRAFT-AGASEKE", "", 12, 9_000, date(2026, 11, 1))


async def offer(records: Records, now, contact_id: int, new: NewListing = ROASTED, key: str = "k"):
    answered = await records.write(
        lambda db: stock_listings.offer(db, actor(contact_id, key), new, now)
    )
    return answered.listing


async def figure(records: Records) -> tuple[int, int] | None:
    query = select(stocks.c.available_g, stocks.c.promised_g)
    row = await records.read(lambda db: db.execute(query).first())
    return None if row is None else tuple(row)


async def test_the_same_cause_offers_once(records: Records, now) -> None:
    contact = await records.write(lambda db: farmer(db, 1, now))
    first, again = [await offer(records, now, contact) for _time in range(2)]
    assert first == again and first.units == 100
    assert await records.read(lambda db: stock_listings.mine(db, contact)) == [first]
    assert await figure(records) == (100_000, 0)
    lines = select(func.count()).select_from(audit).where(audit.c.action == "stock offered")
    assert await records.read(lambda db: db.execute(lines).scalar()) == 1


async def test_a_change_of_what_was_not_seen_changes_nothing(records: Records, now) -> None:
    contact = await records.write(lambda db: farmer(db, 1, now))
    one = await offer(records, now, contact)

    def edit(db, version: int, units: int):
        return stock_listings.edit(db, actor(contact), one.id, version, units, 11_000, now)

    assert (await records.write(lambda db: edit(db, 1, 50))).outcome == "edited"
    late = await records.write(lambda db: edit(db, 1, 70))
    assert (late.outcome, late.listing.units, late.listing.version) == ("changed", 50, 2)
    assert await figure(records) == (50_000, 0)


async def test_of_two_changes_at_once_one_wins(records: Records, now) -> None:
    contact = await records.write(lambda db: farmer(db, 1, now))
    one = await offer(records, now, contact)
    answers = await asyncio.gather(
        *(
            records.write(
                lambda db, n=n: stock_listings.edit(db, actor(contact), one.id, 1, n, 9, now)
            )
            for n in (10, 20, 30)
        )
    )
    assert sorted(a.outcome for a in answers) == ["changed", "changed", "edited"]


async def test_another_persons_listing_is_not_there(records: Records, now) -> None:
    mine, theirs = await records.write(lambda db: [farmer(db, n, now) for n in (1, 2)])
    one = await offer(records, now, theirs)
    answer = await records.write(
        lambda db: stock_listings.withdraw(db, actor(mine), one.id, 1, now)
    )
    assert answer == stock_listings.Answered("gone", None)
    assert (await records.read(lambda db: stock_listings.mine(db, theirs))) == [one]


async def test_never_more_is_accepted_than_is_offered(records: Records, now) -> None:
    ((contact, offer_id),) = await offered(records, now, 1, 400, 400)
    one = await offer(records, now, contact)

    def accept(db, packs: int):
        return offers.accept(db, actor(contact), offer_id, 1, packs, now, ZONE)

    assert (await records.write(lambda db: accept(db, 201))).outcome == "no_stock"
    assert (await records.write(lambda db: accept(db, 80))).outcome == "part_accepted"
    assert await figure(records) == (100_000, 40_000)
    # What is promised stays promised, whatever is offered from now on.
    less = await records.write(
        lambda db: stock_listings.edit(db, actor(contact), one.id, 1, 10, 12_000, now)
    )
    assert less.outcome == "edited" and await figure(records) == (40_000, 40_000)
    assert await records.read(lambda db: stock_listings.promised_kg(db, contact, "COF-ROAST")) == 40
    gone = await records.write(
        lambda db: stock_listings.withdraw(db, actor(contact), one.id, 2, now)
    )
    assert gone.outcome == "withdrawn" and await figure(records) is None


async def test_what_was_handed_over_is_not_free_again(records: Records, now) -> None:
    ((contact, offer_id),) = await offered(records, now, 1, 400, 400)
    await offer(records, now, contact)
    await records.write(lambda db: offers.accept(db, actor(contact), offer_id, 1, 80, now, ZONE))
    await records.write(lambda db: offers.move(db, actor(contact, "h"), offer_id, "hand_over", now))
    assert await figure(records) == (60_000, 0)
    ((one),) = await records.read(lambda db: stock_listings.mine(db, contact))
    assert (one.units, one.version) == (60, 2)
    # Another lot is added: what has left is in neither.
    more = NewListing("COF-ROAST", "A2", 50, 12_000, date(2026, 11, 1))
    await offer(records, now, contact, more, "more")
    assert await figure(records) == (110_000, 0)


async def test_a_dispute_that_ends_takes_nothing_off_the_stock_again(records: Records, now) -> None:
    ((contact, offer_id),) = await offered(records, now, 1, 400, 400)
    await offer(records, now, contact)
    await records.write(lambda db: offers.accept(db, actor(contact), offer_id, 1, 80, now, ZONE))
    for trigger in ("hand_over", "dispute", "back_to_handed_over"):
        await records.write(
            lambda db, trigger=trigger: offers.move(
                db, actor(contact, trigger), offer_id, trigger, now
            )
        )
    assert await figure(records) == (60_000, 0)


async def test_who_has_handed_over_all_has_nothing_free(records: Records, now) -> None:
    ((contact, offer_id),) = await offered(records, now, 1, 200, 200)
    await offer(records, now, contact)
    await records.write(lambda db: offers.accept(db, actor(contact), offer_id, 1, 200, now, ZONE))
    await records.write(lambda db: offers.move(db, actor(contact, "h"), offer_id, "hand_over", now))
    assert await figure(records) == (0, 0)
    assert await records.read(lambda db: stock_listings.mine(db, contact)) == []


async def test_accepting_while_less_is_offered_never_promises_beyond_it(
    records: Records, now
) -> None:
    for race in range(6):
        ((contact, offer_id),) = await offered(records, now, 1, 200 + race, 200)
        await records.write(lambda db: None)
        one = await offer(records, now, contact, key=f"race{race}")
        await asyncio.gather(
            records.write(
                lambda db, c=contact, o=offer_id: offers.accept(db, actor(c), o, 1, 200, now, ZONE)
            ),
            records.write(
                lambda db, c=contact, i=one.id: stock_listings.edit(db, actor(c), i, 1, 60, 9, now)
            ),
        )
        accepted = await records.read(
            lambda db, o=offer_id, c=contact: offers.by_id(db, o, c).packs_accepted
        )
        # Either it was accepted first, and all of it is promised; or 60 kg do not make 200 packs.
        assert await figure(records) == ((100_000, 100_000) if accepted else (60_000, 0))
        await records.write(_forget)


def _forget(db) -> None:
    from bot.storage.schema import orders

    db.execute(stocks.delete())
    db.execute(update(orders).values(code=orders.c.code + "x"))
    db.execute(update(contacts).values(msisdn=None))


async def test_pieces_have_no_figure_in_grams(records: Records, now) -> None:
    contact = await records.write(lambda db: farmer(db, 1, now))
    assert (await offer(records, now, contact, BASKETS)).units == 12
    assert await figure(records) is None


async def test_who_must_be_called_first_offers_nothing(records: Records, now) -> None:
    contact = await records.write(lambda db: farmer(db, 1, now))
    waits = update(contacts).values(verify_since=now)
    await records.write(lambda db: db.execute(waits))
    answer = await records.write(lambda db: stock_listings.offer(db, actor(contact), ROASTED, now))
    assert answer == stock_listings.Answered("verify", None)


async def test_there_is_a_bound(records: Records, now) -> None:
    contact = await records.write(lambda db: farmer(db, 1, now))
    for n in range(stock_listings.OPEN_MAX):
        await offer(records, now, contact, key=f"{n}-")
    full = await records.write(
        lambda db: stock_listings.offer(db, actor(contact, "more"), ROASTED, now)
    )
    assert full == stock_listings.Answered("full", None)


async def test_who_leaves_offers_nothing(records: Records, now) -> None:
    contact = await records.write(lambda db: farmer(db, 1, now))
    await offer(records, now, contact)
    held = await records.read(lambda db: people.copy_of(db, contact))
    assert [row["units"] for row in held["stock_listings"]] == [100]
    await records.write(lambda db: people.erase(db, contact, now))
    assert await records.read(lambda db: db.execute(select(rows)).all()) == []


@pytest.mark.parametrize(("units", "price_rwf"), [(0, 700), (5, 0)])
async def test_the_database_refuses_nothing_for_nothing(records, now, units, price_rwf) -> None:
    contact = await records.write(lambda db: farmer(db, 1, now))
    bad = NewListing("COF-ROAST", "", units, price_rwf, date(2026, 11, 1))
    with pytest.raises(Exception, match="amounts_positive"):
        await records.write(lambda db: stock_listings.offer(db, actor(contact), bad, now))
