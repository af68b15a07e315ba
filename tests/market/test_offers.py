"""Offers: the database decides who is first, on both stores."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import String, insert, select, update

from bot.i18n import load_catalogues
from bot.market import Actor, offers, people
from bot.market.lives import OFFER_LIFE, PAYMENT_LIFE, Forbidden, advance
from bot.market.orders import NewOrder, create_order, make_offer
from bot.market.share import DoesNotAddUp, Line
from bot.storage.records import Records
from bot.storage.schema import audit, offer_events, orders, stocks
from bot.storage.schema import offers as rows

ZONE = "Africa/Kigali"
LINES = (Line("transport", "RwandAir", 900), Line("marketplace", "Tmall", 1100))


def order_of(now: datetime, packs: int, code: str = "KW-1") -> NewOrder:
    days = timedelta(days=9)
    return NewOrder(code, "COF-ROAST", packs, 500, 12_000, 14_000, LINES, "Ruli", now + days)


def farmer(db, number: int, now: datetime) -> int:
    return people.register(
        db, msisdn=f"+25078800{number:04}", names="Farmer", district="Gakenke", language="rw",
        role="farmer", crop="coffee", pin_hash="x", channel="test", now=now,
    ).id  # fmt: skip


def actor(contact_id: int, key: str = "k") -> Actor:
    return Actor(f"contact:{contact_id}", "test", f"{key}{contact_id}", contact_id)


async def offered(records: Records, now: datetime, farmers: int, packs: int, each: int) -> list:
    load_catalogues()

    def write(db):
        order_id = create_order(db, order_of(now, packs), now)
        found = []
        for number in range(farmers):
            contact_id = farmer(db, number, now)
            answer_by = now + timedelta(days=2)
            offer_id = make_offer(db, order_id, contact_id, each, answer_by, "*384*801#", now, ZONE)
            found.append((contact_id, offer_id))
        return found

    return await records.write(write)


async def test_B01_of_many_who_accept_the_last_packs_exactly_enough_win(
    records: Records, now: datetime
) -> None:
    for race in range(8):
        pairs = await offered(records, now, 6, 200, 100)
        answers = await asyncio.gather(
            *(
                records.write(
                    lambda db, c=contact, o=offer: offers.accept(db, actor(c), o, 1, 100, now, ZONE)
                )
                for contact, offer in pairs
            )
        )
        outcomes = sorted(answer.outcome for answer in answers)
        assert outcomes == ["accepted"] * 2 + ["taken"] * 4
        # Out of the way of the next one's code, and of each other's.
        aside = {"code": orders.c.id.cast(String) + f"x{race}", "packs_accepted": 0}
        await records.write(lambda db, aside=aside: db.execute(update(orders).values(aside)))
        await records.write(forget_people)


def forget_people(db) -> None:
    from bot.storage.schema import contacts

    db.execute(update(contacts).values(msisdn=None))


async def test_never_more_than_the_stock(records: Records, now: datetime) -> None:
    ((contact, offer),) = await offered(records, now, 1, 200, 200)
    stock = {"contact_id": contact, "product": "COF-ROAST", "available_g": 40_000}
    await records.write(lambda db: db.execute(insert(stocks).values(stock)))
    too_much = await records.write(
        lambda db: offers.accept(db, actor(contact), offer, 1, 200, now, ZONE)
    )
    assert too_much.outcome == "no_stock"
    fits = await records.write(
        lambda db: offers.accept(db, actor(contact), offer, 1, 80, now, ZONE)
    )
    assert fits.outcome == "part_accepted" and fits.offer.packs_accepted == 80
    left = await records.read(lambda db: db.execute(select(orders.c.packs_accepted)).scalar())
    assert left == 80


async def test_B04_a_changed_offer_is_not_accepted(records: Records, now: datetime) -> None:
    ((contact, offer),) = await offered(records, now, 1, 10, 10)
    answer = await records.write(
        lambda db: offers.accept(db, actor(contact), offer, 7, 10, now, ZONE)
    )
    assert answer.outcome == "changed" and answer.offer.state == "offered"


async def test_B05_another_persons_offer_is_not_there(records: Records, now: datetime) -> None:
    (mine, theirs) = await offered(records, now, 2, 10, 5)
    answer = await records.write(
        lambda db: offers.accept(db, actor(mine[0]), theirs[1], 1, 5, now, ZONE)
    )
    assert answer == offers.Answered("gone", None)
    lines = await records.read(lambda db: db.execute(select(audit.c.actor, audit.c.subject)).all())
    assert lines == [(f"contact:{mine[0]}", f"offer {theirs[1]}")]
    missing = await records.write(
        lambda db: offers.accept(db, actor(mine[0]), 999_999, 1, 5, now, ZONE)
    )
    assert missing == answer
    assert await records.read(lambda db: offers.by_id(db, theirs[1], mine[0])) is None


async def test_too_late_gets_the_truth_and_changes_nothing(records: Records, now: datetime) -> None:
    ((contact, offer),) = await offered(records, now, 1, 10, 10)
    later = now + timedelta(days=3)
    answer = await records.write(
        lambda db: offers.accept(db, actor(contact), offer, 1, 10, later, ZONE)
    )
    assert answer.outcome == "too_late"
    assert await records.write(lambda db: offers.expire_due(db, later)) == 1
    assert await records.write(lambda db: offers.expire_due(db, later)) == 0


async def test_twice_is_once(records: Records, now: datetime) -> None:
    ((contact, offer),) = await offered(records, now, 1, 10, 10)
    first = await records.write(
        lambda db: offers.accept(db, actor(contact), offer, 1, 10, now, ZONE)
    )
    again = await records.write(
        lambda db: offers.accept(db, actor(contact, "z"), offer, 1, 10, now, ZONE)
    )
    assert (first.outcome, again.outcome) == ("accepted", "already")
    events = await records.read(lambda db: db.execute(select(offer_events)).all())
    assert len(events) == 1


async def test_what_is_written_of_a_change_stays(records: Records, now: datetime) -> None:
    ((contact, offer),) = await offered(records, now, 1, 10, 10)
    await records.write(lambda db: offers.decline(db, actor(contact), offer, 1, now))
    with pytest.raises(Exception, match="append-only"):
        await records.write(lambda db: db.execute(update(offer_events).values(by="nobody")))


async def test_an_order_that_does_not_add_up_is_not_kept(records: Records, now: datetime) -> None:
    wrong = NewOrder("KW-2", "COF-ROAST", 1, 500, 12_000, 14_001, LINES, "Ruli", now)
    with pytest.raises(DoesNotAddUp):
        await records.write(lambda db: create_order(db, wrong, now))


async def test_what_is_to_be_delivered_is_first_however_old(
    records: Records, now: datetime
) -> None:
    load_catalogues()
    states = ["accepted", "disputed", *["confirmed"] * 12]

    def write(db, states: list[str], first: int = 1) -> list[int]:
        contact = people.by_msisdn(db, "+250788000001")
        contact_id = contact.id if contact else farmer(db, 1, now)
        found = [contact_id]
        for number, state in enumerate(states, first):
            order_id = create_order(db, order_of(now, 5, f"KW-{number}"), now)
            until = now + timedelta(days=2)
            found.append(make_offer(db, order_id, contact_id, 5, until, "*384*801#", now, ZONE))
            moved = {"state": state, "packs_accepted": 5}
            db.execute(update(rows).where(rows.c.id == found[-1]).values(moved))
        return found

    contact_id, oldest, second, *paid = await records.write(lambda db: write(db, states))
    mine = await records.read(lambda db: offers.mine(db, contact_id))
    assert [one.id for one in mine] == [oldest, second, *paid[::-1][:7]]
    # Of a co-operative that has more in hand none is left out, up to what has a number to press.
    _same, *more = await records.write(lambda db: write(db, ["handed_over"] * 20, 100))
    mine = await records.read(lambda db: offers.mine(db, contact_id))
    assert [one.id for one in mine] == [oldest, *more[::-1], second]
    await records.write(lambda db: write(db, ["accepted"] * 80, 200))
    mine = await records.read(lambda db: offers.mine(db, contact_id))
    assert len(mine) == 90 and {one.state for one in mine[:81]} == {"accepted"}


def test_B07_the_table_is_the_only_way() -> None:
    assert advance(OFFER_LIFE, "offered", "accept") == "accepted"
    for state, trigger in (("offered", "pay"), ("accepted", "accept"), ("paid", "ship")):
        with pytest.raises(Forbidden):
            advance(OFFER_LIFE, state, trigger)
    with pytest.raises(Forbidden):
        advance(PAYMENT_LIFE, "succeeded", "fail")
