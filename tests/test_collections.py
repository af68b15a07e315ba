"""A bill paid by phone, through the real clients to the pretended operators."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from bot.market import bills, books, collecting, ledger, payments, people, settling_by_hand
from bot.market.limits import USUAL
from bot.sandbox.switches import Switches
from bot.storage.schema import contacts, inbox, ledger_entries, outbox, tickets
from bot.storage.schema import payments as rows
from tests.server import AIRTEL, DEBTOR, Running, running
from tests.test_payout_loop import settled

WHO = {
    "mtn-momo": (DEBTOR, "63510", "Pay KW-1041"),
    "airtel-money": (AIRTEL, "63514", "Ishyura KW-1042"),
}
both_stores = pytest.mark.usefixtures("either_store")
AT_ONCE = {"ISOKO_COLLECTIONS__PROMPT_AFTER_S": "0"}


def nuisances(server: Running, **switches) -> None:
    sandbox = server.parts.sandbox
    sandbox.momo.switches = sandbox.airtel.switches = Switches(
        **{"settle_after_s": 0.1} | switches
    )  # fmt: skip


def at_operator(server: Running) -> list[dict]:
    sandbox = server.parts.sandbox
    return [*sandbox.momo.transfers(), *sandbox.airtel.transfers()]


async def read(server: Running, query):
    return await server.parts.market.records.read(lambda db: db.execute(query).scalars().all())


async def faults(server: Running) -> list:
    return (await server.parts.market.records.read(books.check)).faults


@asynccontextmanager
async def owing(tmp_path, provider: str = "mtn-momo", **settings):
    """A server, and the phone of somebody with one bill to pay by this operator."""
    async with running(tmp_path, **AT_ONCE | settings) as server:
        nuisances(server)
        number, network, _label = WHO[provider]
        if number == AIRTEL:

            def ask(db) -> None:
                bills.ask(
                    db, contact_id=people.by_msisdn(db, AIRTEL).id, order_code="KW-1042",
                    amount_rwf=25_000, why="", by="test", now=server.parts.engine._clock(),
                )  # fmt: skip

            await server.parts.market.records.write(ask)
        phone = server.phone(number)
        phone.network = network
        yield server, phone


async def says_yes(phone, label: str = WHO["mtn-momo"][2]) -> str:
    await phone.dials()
    await phone.types("3")
    await phone.picks(label)
    return await phone.types("1")


async def the_collection(server: Running) -> str:
    for _round in range(100):
        found = await read(server, select(rows.c.reference).where(rows.c.bill_id.is_not(None)))
        if found:
            return found[-1]
        await asyncio.sleep(0.02)
    raise AssertionError("nothing was asked")


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
@pytest.mark.parametrize("provider", WHO)
async def test_a_bill_is_paid_by_phone(tmp_path, postgres, provider: str, store: str) -> None:
    url = {"ISOKO_DATABASE_URL": postgres.new_database()} if store == "postgres" else {}
    async with owing(tmp_path, provider, **url) as (server, phone):
        said = await says_yes(phone, WHO[provider][2])
        assert phone.ended and "25,000 Frw" in said
        paid = await settled(server, await the_collection(server), "succeeded")
        assert paid.kind == "collection" and len(at_operator(server)) == 1
        told = [sms for sms in await server.inbox(phone.msisdn) if paid.proof_code in sms]
        assert len(told) == 1 and "25,000 Frw" in told[0] and paid.provider_txn_id in told[0]
        assert await faults(server) == []
        await phone.dials()
        menu = await phone.types("3")
        assert "Pay" not in menu.replace("Payments", "") and "Ishyura" not in menu
        await server.parts.market.records.read(lambda db: ledger.balance(db, ledger.HUB_FLOAT))
        receipt = await phone.picks("Check a receipt" if provider == "mtn-momo" else "Genzura inyemezabwishyu")  # fmt: skip
        assert receipt
        said = await phone.types(paid.proof_code)
        assert "25,000 Frw" in said and ("paid" in said or "bwishyuwe" in said)


async def test_s7_is_shown_as_written_and_two_keeps_the_money(tmp_path) -> None:
    async with owing(tmp_path) as (server, phone):
        await phone.dials()
        menu = await phone.types("3")
        assert "25,000" not in menu
        screen = await phone.picks("Pay KW-1041")
        assert phone.history[-1] not in ("1", "2")
        assert screen.split("\n")[:4] == [
            "Pay 25,000 Frw for order KW-1041?",
            "Enter your PIN in the MoMo prompt. Never give it to anyone.",
            "1 Confirm",
            "2 Cancel",
        ]
        assert "Pay KW-1041" in await phone.types("2")
        assert await read(server, select(rows.c.id).where(rows.c.bill_id.is_not(None))) == []


async def test_our_session_ends_before_the_prompt_opens(tmp_path) -> None:
    async with owing(tmp_path, ISOKO_COLLECTIONS__PROMPT_AFTER_S="1.5") as (server, phone):
        await says_yes(phone)
        assert phone.ended
        await asyncio.sleep(0.8)
        assert at_operator(server) == []
        (due,) = await read(server, select(outbox.c.due_at).where(outbox.c.kind == "collection"))
        (made,) = await read(server, select(rows.c.created_at).where(rows.c.bill_id.is_not(None)))
        assert due - made == timedelta(seconds=1.5)
        await settled(server, await the_collection(server), "succeeded")


async def test_on_redial_the_person_sees_the_true_state(tmp_path) -> None:
    async with owing(tmp_path) as (server, phone):
        nuisances(server, settle_after_s=60)
        await says_yes(phone)
        await settled(server, await the_collection(server), "sent")
        await phone.dials()
        menu = await phone.types("3")
        assert "Pay KW-1041" not in menu
        truth = await phone.picks("Your payment: KW-1041")
        assert truth.startswith(
            "We are checking the payment of order KW-1041. Do not pay again. You will get an SMS."
        )


async def test_two_calls_that_say_yes_at_once_are_asked_once(tmp_path) -> None:
    async with owing(tmp_path) as (server, phone):
        other = server.phone(DEBTOR)
        for one in (phone, other):
            await one.dials()
            await one.types("3")
            await one.picks("Pay KW-1041")
        said = await asyncio.gather(phone.types("1"), other.types("1"))
        await phone.sends()
        assert phone.last[4:] == said[0]
        await settled(server, await the_collection(server), "succeeded")
        assert len(at_operator(server)) == 1 and await faults(server) == []


async def test_a_prompt_that_is_refused_leaves_the_bill_to_pay(tmp_path) -> None:
    async with owing(tmp_path) as (server, phone):
        wallet = update(contacts).where(contacts.c.msisdn == DEBTOR)
        await server.parts.market.records.write(
            lambda db: db.execute(wallet.values(wallet="+46733123451"))
        )
        await says_yes(phone)
        failed = await settled(server, await the_collection(server), "failed")
        assert failed.reason == "APPROVAL_REJECTED"
        assert any("did not go through" in sms for sms in await server.inbox(DEBTOR))
        await server.parts.market.records.write(lambda db: db.execute(wallet.values(wallet=DEBTOR)))
        await says_yes(phone)
        again = await settled(server, await the_collection(server), "succeeded")
        assert again.reference != failed.reference and await faults(server) == []


@both_stores
@pytest.mark.parametrize("provider", WHO)
async def test_M01_M02_a_forged_callback_only_makes_us_ask(tmp_path, provider: str) -> None:
    async with owing(tmp_path, provider) as (server, phone):
        nuisances(server, settle_after_s=60)
        await says_yes(phone, WHO[provider][2])
        sent = await settled(server, await the_collection(server), "sent")
        path = f"/payments/{provider}/callback/"
        body = {"externalId": "KW-1042", "amount": "25000", "status": "SUCCESSFUL",
                "transaction": {"id": sent.reference, "status_code": "TS"}}  # fmt: skip
        for token in (sent.callback_token, "nobody"):
            for send in (server.client.post, server.client.put):
                async with send(path + token, json=body) as answer:
                    assert answer.status == 200
        await asyncio.sleep(0.3)
        records = server.parts.market.records
        after = await records.read(lambda db: payments.by_reference(db, sent.reference))
        assert after.state == "sent" and await read(server, select(inbox.c.id)) != []


@both_stores
@pytest.mark.parametrize("provider", WHO)
async def test_M04_another_amount_is_flagged_and_ended_by_two_people(
    tmp_path, provider: str
) -> None:
    async with owing(tmp_path, provider) as (server, phone):
        nuisances(server, amount_altered=True)
        await says_yes(phone, WHO[provider][2])
        flagged = await settled(server, await the_collection(server), "flagged")
        assert "the operator says 26000" in flagged.reason
        records, now = server.parts.market.records, server.parts.engine._clock()
        assert await records.read(lambda db: ledger.balance(db, ledger.SUSPENSE)) == -26_000
        query = select(tickets.c.id).where(tickets.c.category == "payment_flagged")
        assert len(await read(server, query)) == 1
        done = await records.write(lambda db: settling_by_hand.settle(
            db, flagged.reference, "succeeded", reason="paid", by="amina", second="eric",
            now=now, rules=USUAL))  # fmt: skip
        assert done == "settled" and await faults(server) == []
        assert await records.read(lambda db: ledger.balance(db, ledger.SUSPENSE)) == 0


@both_stores
async def test_M06_M08_callbacks_by_the_hundred_or_none_are_one_posting(tmp_path) -> None:
    async with owing(tmp_path) as (server, phone):
        nuisances(server, settle_after_s=0.5, lost_callback=True)
        await says_yes(phone)
        sent = await settled(server, await the_collection(server), "sent")
        url = f"/payments/mtn-momo/callback/{sent.callback_token}"

        async def call_back() -> int:
            async with server.client.put(url, json={"status": "SUCCESSFUL"}) as response:
                return response.status

        for _flood in range(5):
            assert set(await asyncio.gather(*(call_back() for _ in range(100)))) == {200}
        await settled(server, sent.reference, "succeeded")
        cause = ledger_entries.c.cause.like(f"payment:{sent.reference}:%")
        assert len(await read(server, select(ledger_entries.c.id).where(cause))) == 1
        assert len([s for s in await server.inbox(DEBTOR) if "you paid" in s]) == 1


@both_stores
async def test_M09_a_time_out_after_the_operator_took_it_is_unknown_then_true(tmp_path) -> None:
    async with owing(tmp_path, ISOKO_MOMO__TIMEOUT_S="0.3") as (server, phone):
        nuisances(server, hang_s=1.0, lost_callback=True)
        await says_yes(phone)
        unknown = await settled(server, await the_collection(server), "unknown", "succeeded")
        nuisances(server)
        paid = await settled(server, unknown.reference, "succeeded")
        assert paid.reference == unknown.reference and len(at_operator(server)) == 1


@both_stores
@pytest.mark.parametrize("provider", WHO)
async def test_M16_a_refund_gives_back_what_was_paid_and_no_more(tmp_path, provider: str) -> None:
    async with owing(tmp_path, provider) as (server, phone):
        await says_yes(phone, WHO[provider][2])
        paid = await settled(server, await the_collection(server), "succeeded")
        records, now = server.parts.market.records, server.parts.engine._clock()

        async def give_back():
            return await records.write(lambda db: collecting.refund(db, paid.reference, now))

        outcome, made = await give_back()
        assert outcome == "refunding" and (await give_back())[0] == "before"
        server.parts.sender.wake()
        # Airtel tells nothing of a refund: two people look in its portal.
        end = "succeeded" if provider == "mtn-momo" else "flagged"
        done = await settled(server, made.reference, end)
        if end == "flagged":
            assert "Airtel does not tell" in done.reason
            await records.write(lambda db: settling_by_hand.settle(
                db, made.reference, "succeeded", reason="portal", by="a", second="b", now=now, rules=USUAL))  # fmt: skip
        floats = await records.read(lambda db: ledger.balance(db, ledger.HUB_FLOAT))
        assert floats == -240_000 and await faults(server) == []
        sandbox = server.parts.sandbox
        held = {"mtn-momo": sandbox.momo.float_rwf() + sandbox.momo.collected_rwf(),
                "airtel-money": sandbox.airtel.float_rwf()}  # fmt: skip
        assert held[provider] == 500_000_000


async def test_who_has_no_bill_sees_none(server: Running) -> None:
    phone = server.phone()
    await phone.dials()
    assert "Ishyura" not in await phone.types("3")
    count = select(func.count()).select_from(bills.bills)
    assert await read(server, count) == [1]
