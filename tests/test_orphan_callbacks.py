"""M-07: a callback whose payment these records do not have yet is not lost."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from bot import orphan_callbacks
from bot.orphan_callbacks import OrphanCallbacks
from bot.payments.airtel_signing import callback_hash, wire_json
from bot.sandbox.airtel_access import CALLBACK_SECRET
from bot.storage.schema import inbox, tickets
from bot.storage.schema import payments as rows
from tests.payments import test_airtel_payout
from tests.real_postgres import RealPostgres
from tests.server import Running, running
from tests.test_payout_loop import operator, pay, settled


@asynccontextmanager
async def serving(tmp_path, postgres: RealPostgres, store: str):
    url = {"ISOKO_DATABASE_URL": postgres.new_database()} if store == "postgres" else {}
    async with running(tmp_path, **url) as server:
        yield server


def sweeper(server: Running) -> OrphanCallbacks:
    parts = server.parts
    return OrphanCallbacks(parts.market.records, parts.providers, parts.look_ups.wake)


async def change(server: Running, **values) -> None:
    the_sent = update(rows).where(rows.c.state == "sent").values(values)
    await server.parts.market.records.write(lambda db: db.execute(the_sent))


async def outcomes(server: Running) -> list[str]:
    query = select(inbox.c.outcome).order_by(inbox.c.id)
    return list(await server.parts.market.records.read(lambda db: db.execute(query).scalars()))


async def calls_back(server: Running, provider: str, token: str, reference: str = "") -> None:
    body = {"externalId": "KW-77", "status": "SUCCESSFUL"}
    if provider == "airtel-money":
        inner = {"id": reference, "status_code": "TS"}
        body = {"transaction": inner, "hash": callback_hash(wire_json(inner), CALLBACK_SECRET)}
    path = f"/payments/{provider}/callback/{token}"
    async with server.client.post(path, json=body) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
@pytest.mark.parametrize("provider", ["mtn-momo", "airtel-money"])
async def test_M07_a_callback_before_its_payment_is_matched_when_that_appears(
    tmp_path, postgres: RealPostgres, store: str, provider: str
) -> None:
    async with serving(tmp_path, postgres, store) as server:
        airtel = provider == "airtel-money"
        switches = {"settle_after_s": 1.0, "lost_callback": True}
        (test_airtel_payout.operator if airtel else operator)(server, **switches)
        made = await (test_airtel_payout.pay if airtel else pay)(server)
        payment = await settled(server, made.reference, "sent")
        later = datetime.now(UTC) + timedelta(minutes=20)
        # As records that were restored, and are behind what the operator has.
        behind = {"reference": "behind", "callback_token": "behind", "look_up_at": later}
        await change(server, **behind)
        await calls_back(server, provider, payment.callback_token, payment.reference)
        assert await sweeper(server).sweep() == 0 and await outcomes(server) == ["orphan"]
        ours = {"reference": payment.reference, "callback_token": payment.callback_token}
        await change(server, **ours)
        assert await sweeper(server).sweep() == 1
        await settled(server, payment.reference, "succeeded")
        assert await outcomes(server) == ["asked the operator: its payment came later"]
        assert await sweeper(server).sweep() == 0


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
async def test_M07_what_no_payment_comes_for_in_a_day_is_told_to_staff_once(
    tmp_path, postgres: RealPostgres, store: str, monkeypatch
) -> None:
    monkeypatch.setattr(orphan_callbacks, "_AT_ONCE", 2)
    monkeypatch.setattr(orphan_callbacks, "_BATCHES", 2)
    async with serving(tmp_path, postgres, store) as server:
        records = server.parts.market.records
        for number in range(4):
            await calls_back(server, "mtn-momo", f"guess{number}")
        await calls_back(server, "airtel-money", "x", "nobody")
        await calls_back(server, "mtn-momo", "young")
        ids = await records.read(lambda db: list(db.execute(select(inbox.c.id)).scalars()))
        a_day_ago = datetime.now(UTC) - timedelta(hours=24, minutes=1)
        old = update(inbox).where(inbox.c.id < max(ids)).values(received_at=a_day_ago)
        await records.write(lambda db: db.execute(old))
        one = sweeper(server)
        await one.sweep()
        assert await outcomes(server) == ["unmatched"] * 4 + ["orphan"] * 2
        for _round in range(2):
            await one.sweep()
            assert await outcomes(server) == ["unmatched"] * 5 + ["orphan"]
            query = select(tickets.c.category, tickets.c.about).order_by(tickets.c.id)
            told = await records.read(lambda db, q=query: db.execute(q).all())
            assert told == [
                ("payment_unclear", "callbacks mtn-momo"),
                ("payment_unclear", "callbacks airtel-money"),
            ]


async def test_M02_of_many_strangers_only_what_may_name_a_payment_keeps_its_body(
    server: Running,
) -> None:
    for number in range(7):
        await calls_back(server, "mtn-momo", f"guess{number}")
    await calls_back(server, "airtel-money", "x", "may come")
    await calls_back(server, "airtel-money", "x", "n" * 5_000)
    query = select(func.length(inbox.c.body) > 0).order_by(inbox.c.id)
    kept = await server.parts.market.records.read(lambda db: db.execute(query).scalars().all())
    assert [bool(one) for one in kept] == [True] * 5 + [False, False, True, False]
    assert await outcomes(server) == ["orphan"] * 9
