"""Payouts through the real client to the pretended operator, with its nuisances."""

import asyncio
import re
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text, update

from bot.market import books, ledger, payments
from bot.market.limits import PayoutRefused
from bot.market.proof import is_valid, new_proof
from bot.payments.provider import Outcome, PayoutOrder
from bot.sandbox.switches import Switches
from bot.storage.schema import inbox, ledger_lines, tickets
from bot.storage.schema import payments as payment_rows
from tests.patience import patient_s
from tests.server import FARMER, Running, running


@pytest.fixture
def tmp_path(tmp_path: Path, either_store: str) -> Path:
    """Where a server stands: every test of this file that starts one does it on both stores."""
    return tmp_path


async def pay(
    server: Running, amount_rwf: int = 60_000, payee: str = FARMER, currency: str = "RWF"
):
    records = server.parts.market.records
    now = server.parts.engine._clock()
    payment = await records.write(
        lambda db: payments.pay_out(
            db, contact_id=1, offer_id=None, order_code="KW-77", amount_rwf=amount_rwf,
            provider="mtn-momo", payee_msisdn=payee, currency=currency, now=now,
        )
    )  # fmt: skip
    server.parts.sender.wake()
    return payment


async def settled(server: Running, reference: str, *states: str):
    """The payment once it is in one of `states`; look-ups are made due, so that no one waits."""
    records = server.parts.market.records
    for _round in range(100):
        await records.write(
            lambda db: db.execute(
                update(payment_rows)
                .where(
                    payment_rows.c.reference == reference, payment_rows.c.look_up_at.is_not(None)
                )
                .values(look_up_at=server.parts.engine._clock())
            )
        )
        server.parts.look_ups.wake()
        await asyncio.sleep(0.05)
        payment = await records.read(lambda db: payments.by_reference(db, reference))
        if payment.state in states:
            return payment
    raise AssertionError(f"still {payment.state}")


def operator(server: Running, **switches) -> None:
    server.parts.sandbox.momo.switches = Switches(**{"settle_after_s": 0.1} | switches)


async def count_at_operator(server: Running) -> int:
    return len(server.parts.sandbox.momo.transfers())


async def test_money_arrives_and_is_told_once(server: Running) -> None:
    operator(server)
    payment = await settled(server, (await pay(server)).reference, "succeeded")
    assert re.fullmatch(r"[0-9]{10}", payment.provider_txn_id)
    told = [text for text in await server.inbox(FARMER) if "KW-77" in text]
    assert len(told) == 1 and payment.proof_code in told[0] and "60,000 Frw" in told[0]
    assert (await server.parts.market.records.read(books.check)).faults == []


# How a callback alone and a look-up alone do it stands in test_callbacks_alone; here they race.
@pytest.mark.parametrize("nuisance", [{"callback_twice": True}, {"callback_before_202": True},
                                      {"created_state": True}, {"token_ttl_s": 0.2},
                                      {"not_found_s": 1.0}])  # fmt: skip
async def test_M06_M07_M08_no_nuisance_loses_or_doubles(server: Running, nuisance) -> None:
    operator(server, **nuisance)
    payment = await settled(server, (await pay(server)).reference, "succeeded")
    posted = f"payment:{payment.reference}:succeeded"
    query = text("SELECT count(*) FROM ledger_entries WHERE cause = :cause")
    records = server.parts.market.records
    assert await records.read(lambda db: db.execute(query, {"cause": posted}).scalar()) == 1
    assert await count_at_operator(server) == 1


async def test_M09_a_time_out_after_the_operator_took_it_is_unknown_then_true(tmp_path) -> None:
    async with running(tmp_path, ISOKO_MOMO__TIMEOUT_S="0.3") as server:
        operator(server, hang_s=1.0, lost_callback=True)
        payment = await pay(server)
        unknown = await settled(server, payment.reference, "unknown", "succeeded")
        operator(server)
        done = await settled(server, unknown.reference, "succeeded")
        assert done.reference == payment.reference and await count_at_operator(server) == 1


async def test_M10_asked_again_under_the_same_reference_nothing_is_paid_twice(
    server: Running,
) -> None:
    operator(server)
    payment = await pay(server)
    await settled(server, payment.reference, "succeeded")
    provider = server.parts.providers["mtn-momo"]
    again = PayoutOrder(payment.reference, "t", 60_000, "RWF", FARMER, "KW-77")
    answer = await provider.ask(again)
    assert answer.outcome is Outcome.UNKNOWN and answer.reason == "RESOURCE_ALREADY_EXIST"
    assert await count_at_operator(server) == 1


async def test_M10_a_reference_that_is_taken_at_the_first_asking_rings_and_a_look_up_decides(
    server: Running, monkeypatch
) -> None:
    operator(server)
    made = await settled(server, (await pay(server)).reference, "succeeded")
    # What can hardly be: the next payment is given a reference that the operator has already.
    other = "11111111-1111-4111-8111-111111111111"
    order = PayoutOrder(other, "t", 9_999, "RWF", FARMER, "KW-99")
    assert (await server.parts.providers["mtn-momo"].ask(order)).outcome is Outcome.ACCEPTED
    # Its own callback goes first: later it would have our payment looked up, and flagged, before
    # the operator has answered that the reference is taken.
    records, outcomes = server.parts.market.records, select(inbox.c.outcome)
    async with asyncio.timeout(patient_s(20)):
        while "orphan" not in await records.read(lambda db: db.execute(outcomes).scalars().all()):
            await asyncio.sleep(0.02)
    monkeypatch.setattr("bot.market.payments.uuid.uuid4", lambda: other)
    clash = await settled(server, (await pay(server)).reference, "flagged")
    assert "the operator says 9999" in clash.reason and clash.reference != made.reference
    query = select(tickets.c.text).where(tickets.c.category == "payment_unclear")
    texts = await records.read(lambda db: db.execute(query).scalars().all())
    assert len(texts) == 1 and "RESOURCE_ALREADY_EXIST" in texts[0]


async def test_M04_another_amount_is_flagged_not_settled(server: Running) -> None:
    operator(server, amount_altered=True)
    payment = await settled(server, (await pay(server)).reference, "flagged")
    assert "the operator says 61000" in payment.reason
    records = server.parts.market.records
    assert await records.read(lambda db: ledger.balance(db, ledger.SUSPENSE)) == 61_000
    assert (await records.read(books.check)).faults == []
    query = select(func.count()).where(tickets.c.category == "payment_flagged")
    assert await server.parts.market.records.read(lambda db: db.execute(query).scalar()) == 1


@pytest.mark.parametrize("as_text", [True, False])
async def test_M12_a_refusal_is_failed_with_its_reason(server: Running, as_text: bool) -> None:
    operator(server, string_reason=as_text)
    payment = await pay(server, payee="+46733123457")
    failed = await settled(server, payment.reference, "failed")
    assert failed.reason == "PAYEE_NOT_FOUND"


async def test_M01_M02_a_forged_callback_only_makes_us_ask(server: Running) -> None:
    operator(server, settle_after_s=60.0)
    payment = await pay(server)
    await settled(server, payment.reference, "sent")
    body = {"externalId": "KW-77", "amount": "60000", "currency": "RWF", "status": "SUCCESSFUL"}
    for token in (payment.callback_token, "nobody", "x" * 300):
        for send in (server.client.post, server.client.put):
            async with send(f"/payments/mtn-momo/callback/{token}", json=body) as answer:
                assert answer.status == 200
    await asyncio.sleep(0.3)
    records = server.parts.market.records
    after = await records.read(lambda db: payments.by_reference(db, payment.reference))
    assert after.state == "sent"
    rows = await records.read(lambda db: db.execute(select(inbox.c.outcome)).scalars().all())
    assert sorted(row.split(":")[0] for row in rows) == ["asked the operator", "orphan", "orphan"]


async def test_M13_a_token_that_ends_mid_batch_is_fetched_once(server: Running) -> None:
    operator(server)
    provider = server.parts.providers["mtn-momo"]
    await provider.look_up("00000000-0000-4000-8000-00000000abcd")
    momo = server.parts.sandbox.momo
    momo._tokens.clear()
    before = momo.tokens_given
    await asyncio.gather(
        *(provider.look_up("00000000-0000-4000-8000-00000000abcd") for _one in range(20))
    )
    assert momo.tokens_given - before == 1


async def test_M16_an_amount_or_a_currency_that_may_not_be_is_refused(server: Running) -> None:
    for amount in (0, -5, 0.01, 2.5, 5.0, True, 5_000_001):
        with pytest.raises(PayoutRefused, match=r"positive whole|over the largest"):
            await pay(server, amount)
    for currency in ("USD", "rwf", ""):
        with pytest.raises(PayoutRefused, match="not the hub's currency"):
            await pay(server, currency=currency)
    count = select(func.count()).where(payment_rows.c.order_code == "KW-77")
    assert await server.parts.market.records.read(lambda db: db.execute(count).scalar()) == 0


async def test_B06_the_ledger_takes_no_change_and_no_entry_that_is_off(server: Running) -> None:
    records, now = server.parts.market.records, server.parts.engine._clock()
    with pytest.raises(ValueError, match="sum to zero"):
        await records.write(lambda db: ledger.post(db, "x", [("a", 5), ("b", -4)], now))
    with pytest.raises(Exception, match="append-only"):
        await records.write(lambda db: db.execute(update(ledger_lines).values(amount_rwf=1)))
    with pytest.raises(Exception, match=r"CHECK|check"):
        await records.write(
            lambda db: db.execute(
                insert(ledger_lines).values(entry_id=999, account="a", amount_rwf=0)
            )
        )


def test_a_proof_code_shows_every_slip() -> None:
    code = new_proof()
    assert is_valid(code.lower())
    for place, sign in enumerate(code):
        other = "3" if sign != "3" else "4"
        assert not is_valid(code[:place] + other + code[place + 1 :])
    swapped = [
        code[:p] + code[p + 1] + code[p] + code[p + 2 :] for p in range(6) if code[p] != code[p + 1]
    ]
    assert not any(map(is_valid, swapped))


async def test_the_whole_loop_accept_bring_be_paid_confirm(tmp_path) -> None:
    from bot.demo_hub import DemoHub

    async with running(tmp_path) as server:
        operator(server)
        hub = DemoHub(server.parts.market, server.parts.sender.wake, step_s=0.1)
        phone = server.phone()
        await phone.dials()
        await phone.types("2", "1", "1", "73914")
        await phone.dials()
        await phone.types("2", "1", "1", "1", "2")
        work = asyncio.create_task(hub.run())
        for _round in range(100):
            await asyncio.sleep(0.1)
            server.parts.look_ups.wake()
            if any("2,400,000" in text and "MoMo" in text for text in await server.inbox(FARMER)):
                break
        work.cancel()
        await phone.dials()
        await phone.types("3")
        asks = await phone.picks("Emeza amafaranga ya KW-1042")
        assert "2,400,000 Frw" in asks
        assert "Byemejwe" in await phone.types("73914")
