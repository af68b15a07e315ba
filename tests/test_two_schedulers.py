"""O-04: two servers with the same settings, each with its own sender, poller and schedules."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from bot.market import books
from bot.operations.housekeeping import Housekeeping
from bot.payments.mtn_momo import MtnMomo
from bot.sms.africastalking import AfricasTalkingSms
from bot.storage.schema import offer_events, offers, outbox
from bot.storage.schema import payments as rows
from tests import scaled
from tests.real_postgres import RealPostgres
from tests.real_valkey import RealValkey
from tests.server import Running, running
from tests.test_payout_loop import operator, pay

_PAYOUTS = 60


@pytest.fixture
async def two(tmp_path, postgres: RealPostgres, valkey: RealValkey, monkeypatch):
    """Two servers on one PostgreSQL and one Redis, looking for news all the time."""
    monkeypatch.setattr(scaled, "stores", scaled.Stores(postgres, valkey))
    # Few at a time, so that both have their part.
    async with running(tmp_path, ISOKO_OUTBOX__POLL_S="0.01", ISOKO_OUTBOX__BATCH="3") as first:
        assert first.second is not None
        yield first


def counted(monkeypatch, kind: type, name: str, of) -> Counter:
    """How often a method was called for each `of(argument)`, in whichever server."""
    seen, real = Counter(), getattr(kind, name)

    async def counting(self, what):
        seen[id(self), of(what)] += 1
        # Slow enough for the other server to look while it is under way.
        await asyncio.sleep(0.02)
        return await real(self, what)

    monkeypatch.setattr(kind, name, counting)
    return seen


async def states_of(server: Running, table) -> Counter:
    query = select(table.c.state)
    return Counter(await server.parts.market.records.read(lambda db: db.execute(query).scalars().all()))  # fmt: skip


async def test_O04_news_is_claimed_once_and_nobody_is_paid_twice(two: Running, monkeypatch) -> None:
    operator(two)
    asked = counted(monkeypatch, MtnMomo, "ask", lambda order: order.reference)
    told = counted(monkeypatch, AfricasTalkingSms, "send", lambda sms: (sms.to, sms.text))
    made = [await pay(two, 1_000 + number) for number in range(_PAYOUTS)]
    records = two.parts.market.records
    due = rows.c.look_up_at.is_not(None)
    for _round in range(200):
        # Both are woken at once, and whatever may be looked up is due for both.
        past = two.parts.engine._clock() - timedelta(seconds=1)
        await records.write(lambda db, at=past: db.execute(update(rows).where(due).values(look_up_at=at)))  # fmt: skip
        for one in (two, two.second):
            one.parts.sender.wake()
            one.parts.look_ups.wake()
        await asyncio.sleep(0.1)
        left = {"waiting"} & set(await states_of(two, outbox))
        if not left and set(await states_of(two, rows)) == {"succeeded"}:
            break
    ours = select(rows.c.state).where(rows.c.reference.in_([one.reference for one in made]))
    ends = await records.read(lambda db: list(db.execute(ours).scalars()))
    assert ends == ["succeeded"] * _PAYOUTS
    # Each was asked for by one server, once; and both had their part in it.
    assert Counter(ref for _by, ref in asked.elements()) == Counter(one.reference for one in made)
    assert len({by for by, _ref in asked}) == 2
    assert len(two.parts.sandbox.momo.transfers()) == _PAYOUTS
    # Every amount stands in one message.
    texts = [text for _by, (_to, text) in told.elements()]
    assert len(texts) == len(set(texts)) >= _PAYOUTS
    assert (await records.read(books.check)).faults == []
    tries = select(func.max(outbox.c.attempts))
    assert await records.read(lambda db: db.execute(tries).scalar()) == 1


async def test_O04_a_schedule_that_both_keep_is_kept_once(two: Running) -> None:
    """Offers that ran out: both servers find them at the same moment."""
    records = two.parts.market.records
    long_ago = two.parts.engine._clock() - timedelta(days=1)
    open_offers = offers.c.state == "offered"
    await records.write(lambda db: db.execute(update(offers).where(open_offers).values(answer_by=long_ago)))  # fmt: skip
    before = (await states_of(two, offers))["offered"]
    assert before > 0

    def keep(one: Running):
        return Housekeeping(one.parts.market, one.parts.sender.wake, timedelta(days=1)).keep()

    await asyncio.gather(*(keep(one) for one in (two, two.second) for _again in range(3)))
    assert (await states_of(two, offers))["expired"] == before
    expired = select(func.count()).select_from(offer_events)
    expired = expired.where(offer_events.c.to_state == "expired")
    assert await records.read(lambda db: db.execute(expired).scalar()) == before
