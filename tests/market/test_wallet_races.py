"""A number for money is changed while a payout is made: it goes to the new one, by two people."""

import asyncio

from sqlalchemy import func, select, text

from bot.market import Actor, delivered, leaving, wallet_changes
from bot.market.limits import USUAL
from bot.storage.records import Records
from bot.storage.schema import contacts
from tests.market.test_leaving_sellers import answered, passed_on, sold
from tests.market.test_wallet_changes import NEW
from tests.sweep import cast

_MEANWHILE_S = 0.5


async def at_once(records: Records, first, then) -> list:
    """`then` begins while `first` is done and not committed; what came of each."""

    def slowly(db):
        came = first(db)
        if db.dialect.name == "postgresql":
            db.execute(text(f"SELECT pg_sleep({_MEANWHILE_S})"))
        return came

    slow = asyncio.create_task(records.write(slowly))
    await asyncio.sleep(_MEANWHILE_S / 2)
    # So much is asked at once that another connection is taken for it.
    others = [records.read(count) for _ in range(4)]
    came = await asyncio.gather(slow, records.write(then), *others)
    return came[:2]


def count(db) -> int:
    return db.execute(select(func.count(contacts.c.id))).scalar_one()


def wallet(db) -> str:
    return db.execute(select(contacts.c.wallet)).scalar_one()


def changes(db, contact_id: int, now) -> str:
    actor = Actor(f"contact:{contact_id}", "ussd", "key-1", contact_id)
    return wallet_changes.change(db, actor, NEW, "", now)


async def test_what_was_delivered_goes_to_the_number_that_is_changed_now(records, now) -> None:
    def work(db) -> tuple[int, int]:
        contact_id = cast.farmer(db, "x", now)
        return contact_id, cast.delivered(db, contact_id, now)

    contact_id, offer_id = await records.write(work)
    said, out = await at_once(
        records,
        lambda db: changes(db, contact_id, now),
        lambda db: delivered.pay(db, offer_id, "RWF", USUAL, now),
    )
    assert (said, out.payee_msisdn, out.held) == ("changed", NEW, "number changed")


async def test_what_a_buyer_pays_goes_to_the_number_that_is_changed_now(records, now) -> None:
    asked = await records.write(lambda db: sold(db, now))
    said, _paid = await at_once(
        records,
        lambda db: changes(db, asked.contact_id, now),
        lambda db: answered(db, asked, now),
    )
    out = await records.read(passed_on)
    assert (said, out.payee_msisdn, out.held) == ("changed", NEW, "number changed")


async def test_a_buyer_pays_while_the_seller_leaves(records, now) -> None:
    asked = await records.write(lambda db: sold(db, now))
    await at_once(
        records,
        lambda db: answered(db, asked, now),
        lambda db: leaving.leave(db, asked.contact_id, "contact", "k", now),
    )
    out = await records.read(passed_on)
    assert (out.state, out.payee_msisdn, out.held) == ("created", cast.FARMER, "")
    assert await records.read(wallet) == cast.FARMER
