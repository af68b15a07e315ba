"""A payout through Airtel Money, from the farmer's phone to the books, and what may go wrong."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from bot import demo
from bot.demo_hub import DemoHub
from bot.market import books, payments, people, settlement, wallets
from bot.market.limits import USUAL
from bot.payments.airtel_signing import callback_hash, wire_json
from bot.payments.provider import Answer, Outcome
from bot.sandbox.airtel_access import CALLBACK_SECRET
from bot.sandbox.switches import Switches
from bot.storage.schema import inbox, tickets
from bot.storage.schema import payments as payment_rows
from tests.phone import Phone
from tests.server import AIRTEL, Running, running
from tests.test_payout_loop import settled


async def pay(server: Running, amount_rwf: int = 60_000, payee: str = AIRTEL) -> payments.Payment:
    """Owe the Airtel farmer some money, as the hub does."""
    now = datetime.now(UTC)

    def write(db):
        contact = people.by_msisdn(db, AIRTEL)
        return payments.pay_out(
            db, contact_id=contact.id, offer_id=None, order_code="KW-77", amount_rwf=amount_rwf,
            provider=wallets.provider_of(contact), payee_msisdn=payee, currency="RWF", now=now,
        )  # fmt: skip

    payment = await server.parts.market.records.write(write)
    server.parts.sender.wake()
    return payment


def operator(server: Running, **switches) -> None:
    server.parts.sandbox.airtel.switches = Switches(**{"settle_after_s": 0.1} | switches)


async def now_of(server: Running, reference: str) -> payments.Payment:
    read = server.parts.market.records.read
    return await read(lambda db: payments.by_reference(db, reference))


async def test_the_airtel_farmer_accepts_brings_is_paid_and_confirms(server: Running) -> None:
    operator(server)
    records, now = server.parts.market.records, datetime.now(UTC)

    def offer(db) -> None:
        order = demo._order("KW-1050", "COF-ROAST", 10, 500, 12_000, demo._COFFEE,
                            server.parts.market, now)  # fmt: skip
        farmer = people.by_msisdn(db, AIRTEL)
        demo._offer(db, order, farmer.id, server.parts.market, now)

    hub = DemoHub(server.parts.market, server.parts.sender.wake, demo.ON_ITS_WAY, step_s=0.1)
    await records.write(offer)
    phone = Phone(server.client, AIRTEL, "63514")
    await phone.dials()
    await phone.types("2", "1", "1", "73914")
    await phone.dials()
    await phone.types("2")
    await phone.picks("Komande zanjye")
    await phone.types(next(line[0] for line in phone.last.split("\n") if "KW-1050" in line))
    await phone.types("1", "2")
    work = asyncio.create_task(hub.run())
    told: list[str] = []
    for _round in range(100):
        await asyncio.sleep(0.1)
        told = [text for text in await server.inbox(AIRTEL) if "Airtel Money" in text]
        if told:
            break
    work.cancel()
    assert "120,000 Frw" in told[0] and "KW-1050" in told[0]
    [taken] = server.parts.sandbox.airtel.transfers()
    assert (taken["msisdn"], taken["amount_rwf"]) == ("738000004", 120_000)
    assert server.parts.sandbox.momo.transfers() == []
    await phone.dials()
    await phone.types("3")
    asks = await phone.picks("Emeza amafaranga ya KW-1050")
    assert "120,000 Frw" in asks and "Airtel Money" in asks
    assert "Byemejwe" in await phone.types("73914")
    assert (await records.read(books.check)).faults == []


@pytest.mark.parametrize("nuisance", [
    {}, {"lost_callback": True}, {"callback_twice": True}, {"late_s": 0.3},
    {"callback_before_202": True}, {"hash_whole": True}, {"callback_hash": False},
    {"forged_callback": True}, {"ambiguous_state": True}, {"not_found_s": 1.0},
    {"token_ttl_s": 0.2},
])  # fmt: skip
async def test_no_nuisance_loses_or_doubles(server: Running, nuisance: dict) -> None:
    operator(server, **nuisance)
    payment = await settled(server, (await pay(server)).reference, "succeeded")
    assert payment.provider == "airtel-money" and payment.provider_txn_id.startswith("CI")
    told = [text for text in await server.inbox(AIRTEL) if "KW-77" in text]
    assert len(told) == 1 and "60,000 Frw" in told[0] and "Airtel Money" in told[0]
    assert len(server.parts.sandbox.airtel.transfers()) == 1
    assert (await server.parts.market.records.read(books.check)).faults == []


@pytest.mark.parametrize("outside", [{"cut_answer": True}, {"html_200": True}, {"cut_json": True}])
async def test_taken_but_not_heard_is_unknown_then_true(server: Running, outside: dict) -> None:
    operator(server, **outside)
    payment = await settled(server, (await pay(server)).reference, "unknown")
    operator(server)
    await settled(server, payment.reference, "succeeded")
    assert len(server.parts.sandbox.airtel.transfers()) == 1


@pytest.mark.parametrize("outside", [{"outage": True}, {"answer_503": True}])
async def test_never_arrived_is_asked_again_under_the_same_reference(
    server: Running, outside: dict, monkeypatch
) -> None:
    operator(server, **outside)
    payment = await settled(server, (await pay(server)).reference, "unknown")
    operator(server)
    # A quarter of an hour later, what it never heard of is asked again.
    monkeypatch.setattr(settlement, "_NEVER_ARRIVED", timedelta())
    await settled(server, payment.reference, "succeeded")
    [taken] = server.parts.sandbox.airtel.transfers()
    assert taken["id"] == payment.reference


async def test_a_callback_makes_us_ask_at_once(server: Running) -> None:
    """Nobody makes the look-up due: five seconds would pass without the callback."""
    operator(server, settle_after_s=0.3)
    payment = await pay(server)
    for _round in range(40):
        await asyncio.sleep(0.05)
        payment = await now_of(server, payment.reference)
        if payment.state == "succeeded":
            break
    assert payment.state == "succeeded"


async def test_a_forged_callback_makes_us_do_nothing(server: Running) -> None:
    operator(server, settle_after_s=60)
    payment = await settled(server, (await pay(server)).reference, "sent")
    before = await due_at(server)
    inner = {"id": payment.reference, "message": "", "status_code": "TS", "airtel_money_id": "CI1"}
    wrong = callback_hash(wire_json(inner), "another key")
    for body in ({"transaction": inner}, {"transaction": inner, "hash": wrong}):
        async with server.client.post("/payments/airtel-money/callback/x", json=body) as answer:
            assert answer.status == 200
    assert await due_at(server) == before and await outcomes(server) == {"forged: TS"}
    right = callback_hash(wire_json(inner), CALLBACK_SECRET)
    genuine = {"transaction": inner, "hash": right}
    async with server.client.post("/payments/airtel-money/callback/x", json=genuine) as answer:
        assert answer.status == 200
    assert await outcomes(server) == {"forged: TS", "asked the operator: TS"}
    assert (await now_of(server, payment.reference)).state == "sent"


async def test_a_callback_about_another_operator_s_payment_is_an_orphan(server: Running) -> None:
    read = server.parts.market.records.read
    reference = await read(lambda db: db.execute(select(payment_rows.c.reference)).scalar())
    inner = {"id": reference, "status_code": "TS"}
    body = {"transaction": inner, "hash": callback_hash(wire_json(inner), CALLBACK_SECRET)}
    async with server.client.post("/payments/airtel-money/callback/x", json=body) as answer:
        assert answer.status == 200
    assert await outcomes(server) == {"orphan"}


async def due_at(server: Running) -> datetime:
    query = select(payment_rows.c.look_up_at).where(payment_rows.c.state == "sent")
    return await server.parts.market.records.read(lambda db: db.execute(query).scalar())


async def outcomes(server: Running) -> set[str]:
    query = select(inbox.c.outcome)
    read = server.parts.market.records.read
    return set(await read(lambda db: db.execute(query).scalars().all()))


async def test_another_amount_is_flagged_not_settled(server: Running) -> None:
    operator(server, amount_altered=True)
    payment = await settled(server, (await pay(server)).reference, "flagged")
    assert "the operator says 61000" in payment.reason


async def test_a_refusal_is_failed_with_its_reason(server: Running) -> None:
    operator(server)
    payment = await pay(server, payee="+250730001010")
    failed = await settled(server, payment.reference, "failed")
    assert failed.reason == "DP00900001010"


async def test_a_strange_answer_goes_to_staff_once_and_fails_nothing(server: Running) -> None:
    operator(server, settle_after_s=60)
    payment = await settled(server, (await pay(server)).reference, "sent")
    records, strange = (
        server.parts.market.records,
        Answer(Outcome.UNKNOWN, "DP00900009", strange=True),
    )
    for _time in range(3):
        after = await records.write(
            lambda db: settlement.record_answer(
                db, payment.reference, strange, datetime.now(UTC), rules=USUAL
            )
        )
        assert after.state == "sent"
    query = select(func.count(), func.max(tickets.c.text)).where(
        tickets.c.category == "payment_unclear"
    )
    assert tuple(await records.read(lambda db: db.execute(query).one())) == (1, "DP00900009")


async def test_a_term_told_wrong_is_flagged_and_one_left_out_is_not(server: Running) -> None:
    operator(server, settle_after_s=60)
    records = server.parts.market.records
    silent = Answer(Outcome.SUCCEEDED, untold=frozenset({"amount_rwf", "currency", "payee_msisdn"}))
    cases = [
        (silent, "succeeded"),
        (replace(silent, untold=frozenset({"currency", "payee_msisdn"})), "flagged"),
        (replace(silent, untold=frozenset({"amount_rwf", "payee_msisdn"}), currency="EUR"), "flagged"),
        (replace(silent, untold=frozenset({"amount_rwf", "currency"}), payee_msisdn="+2507"), "flagged"),
    ]  # fmt: skip
    for answer, state in cases:
        payment = await settled(server, (await pay(server)).reference, "sent")
        after = await records.write(
            lambda db, a=answer, p=payment: settlement.record_answer(
                db, p.reference, a, datetime.now(UTC), rules=USUAL
            )
        )
        assert after.state == state


async def test_without_airtel_its_payouts_wait_in_sight(tmp_path) -> None:
    async with running(tmp_path, ISOKO_AIRTEL__CLIENT_ID="") as server:
        assert list(server.parts.providers) == ["mtn-momo"]
        payment = await pay(server)
        await server.parts.sender.carry_out()
        assert (await now_of(server, payment.reference)).state == "created"
