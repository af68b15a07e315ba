"""A seller asks a local buyer to pay by phone: the prompt, its end, and the money passed on."""

import asyncio
import re
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select, update

from bot.market import (
    Actor,
    books,
    buyers,
    collecting,
    ledger,
    outages,
    payments,
    people,
    sales,
    settlement,
    settling_by_hand,
    taking_off,
)
from bot.market.limits import USUAL
from bot.market.sales import passed_on
from bot.payments.provider import Answer, Outcome
from bot.sandbox.switches import Switches
from bot.storage.schema import contacts, outbox, tickets
from bot.storage.schema import payments as rows
from bot.storage.schema import sales as sale_rows
from tests.patience import patient_s
from tests.phone import PIN
from tests.server import AIRTEL, CRAFTS, DEBTOR, TEA, Running, running
from tests.telegram.door import ALINE, Chat, link, said
from tests.test_outage import NOBODY
from tests.test_payout_loop import settled

BUYER, AIRTEL_BUYER = "+250788777001", "+250738777002"
REFUSES, SILENT = "+250788999051", "+250788999053"

# Nobody waits here for a session of their own to end.
selling = partial(running, ISOKO_COLLECTIONS__PROMPT_AFTER_S="0")


def nuisances(server: Running, **switches) -> None:
    sandbox = server.parts.sandbox
    sandbox.momo.switches = sandbox.airtel.switches = Switches(
        **{"settle_after_s": 0.1} | switches
    )  # fmt: skip


async def read(server: Running, query) -> list:
    return await server.parts.market.records.read(lambda db: db.execute(query).scalars().all())


async def faults(server: Running) -> list:
    return (await server.parts.market.records.read(books.check)).faults


async def to_the_menu(phone) -> str:
    await phone.dials()
    await phone.types("3")
    return await phone.picks("Buyers pay me")


async def asks(phone, buyer: str = BUYER, francs: str = "12,000", goods: str = "honey") -> str:
    """The seller asks; what the last screen says."""
    await to_the_menu(phone)
    await phone.picks("Ask a buyer to pay")
    return await phone.types("0" + buyer[4:], francs, goods, PIN)


async def one(server: Running, direction: str = "collection"):
    """The newest payment of a sale, once it is there."""
    query = select(rows.c.reference).where(
        rows.c.sale_id.is_not(None), rows.c.direction == direction
    )
    async with asyncio.timeout(patient_s(10)):
        while not (found := await read(server, query.order_by(rows.c.id))):
            await asyncio.sleep(0.02)
    return found[-1]


async def count(server: Running, table) -> int:
    return (await read(server, select(func.count()).select_from(table)))[0]


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
@pytest.mark.parametrize("buyer", [BUYER, AIRTEL_BUYER])
async def test_a_buyer_pays_and_the_seller_has_the_money(
    tmp_path, postgres, buyer: str, store: str
) -> None:
    url = {"ISOKO_DATABASE_URL": postgres.new_database()} if store == "postgres" else {}
    async with selling(tmp_path, **url) as server:
        nuisances(server)
        before = await server.parts.market.records.read(books.check)
        phone = server.phone(CRAFTS)
        shown = await asks(phone, buyer)
        assert shown.startswith("S-1: ") and "12,000 Frw" in shown
        paid = await settled(server, await one(server), "succeeded")
        out = await settled(server, await one(server, "payout"), "succeeded")
        assert (paid.payee_msisdn, out.payee_msisdn) == (buyer, CRAFTS)
        assert (paid.amount_rwf, out.amount_rwf, out.order_code) == (12_000, 12_000, "S-1")
        after = await server.parts.market.records.read(books.check)
        assert after.faults == []
        assert after.balances[ledger.SALES] == before.balances[ledger.SALES]
        assert after.balances["farmer_payable"] == before.balances["farmer_payable"]
        to_buyer = await server.inbox(buyer)
        assert len(to_buyer) == 2 and paid.proof_code in to_buyer[1]
        assert all("12,000 Frw" in sms and "honey" in sms for sms in to_buyer)
        told = await server.inbox(CRAFTS)
        assert len([sms for sms in told if paid.proof_code in sms and buyer[-3:] in sms]) == 1
        assert len([sms for sms in told if out.proof_code in sms]) == 1
        menu = await to_the_menu(phone)
        assert "S-1: paid" in menu and "12,000" not in menu
        assert "the money is with you" in await phone.picks("S-1: paid")


async def test_a_buyer_who_refuses_costs_nobody_anything(tmp_path) -> None:
    async with selling(tmp_path) as server:
        nuisances(server)
        before = (await server.parts.market.records.read(books.check)).balances
        phone = server.phone(CRAFTS)
        await asks(phone, REFUSES)
        failed = await settled(server, await one(server), "failed")
        told = [sms for sms in await server.inbox(CRAFTS) if "S-1" in sms]
        assert len(told) == 1 and "did not pay 12,000 Frw" in told[0]
        assert "refused on the phone" in told[0]
        assert any("ntibwakunze" in sms for sms in await server.inbox(REFUSES))
        assert await read(server, select(rows.c.id).where(rows.c.direction == "payout",
                                                          rows.c.sale_id.is_not(None))) == []  # fmt: skip
        now = await server.parts.market.records.read(books.check)
        assert now.balances == before and now.faults == []
        mine = tickets.c.about.like(f"%{failed.proof_code}")
        assert await read(server, select(tickets.c.id).where(mine)) == []
        await to_the_menu(phone)
        assert "did not pay" in await phone.picks("S-1: failed")


async def test_a_seller_does_not_hear_how_much_a_buyer_has(tmp_path) -> None:
    async with selling(tmp_path) as server:
        nuisances(server)
        await asks(server.phone(CRAFTS), SILENT)
        sent, now = await settled(server, await one(server), "sent"), server.parts.engine._clock()
        empty = Answer(Outcome.REFUSED, "NOT_ENOUGH_FUNDS")
        await server.parts.market.records.write(
            lambda db: settlement.record_answer(db, sent.reference, empty, now, rules=USUAL)
        )
        (told,) = [sms for sms in await server.inbox(CRAFTS) if "S-1" in sms]
        assert "did not pay" in told and "enough money" not in told
        (_asked, ended) = await server.inbox(SILENT)
        assert "Nta mafaranga ahagije" in ended


async def test_who_never_answers_is_unknown_and_both_ask_no_more(tmp_path) -> None:
    async with selling(tmp_path) as server:
        nuisances(server)
        phone = server.phone(CRAFTS)
        await asks(phone, SILENT)
        sent = await settled(server, await one(server), "sent")
        await to_the_menu(phone)
        assert "has not answered yet" in await phone.picks("S-1: buyer is asked")
        assert "asked already" in await asks(phone, SILENT, "5000")
        late = server.parts.engine._clock() + timedelta(minutes=40)
        # Old is what is unknown for long and was looked up often.
        for _time in range(5):
            await server.parts.market.records.write(
                lambda db: settlement.record_answer(
                    db, sent.reference, Answer(Outcome.PENDING), late, rules=USUAL
                )
            )
        unknown = select(tickets.c.id).where(tickets.c.category == "payment_unknown")
        assert len(await read(server, unknown)) == 1
        told = select(outbox.c.payload).where(outbox.c.dedupe_key.like("unknown:%"))
        (sms,) = await read(server, told)
        assert "do not know yet" in sms["text"] and await faults(server) == []
        assert await count(server, sale_rows) == 1


async def test_another_amount_is_flagged_and_what_really_came_is_passed_on(tmp_path) -> None:
    async with selling(tmp_path) as server:
        nuisances(server, amount_altered=True)
        phone, records = server.phone(CRAFTS), server.parts.market.records
        before = (await records.read(books.check)).balances
        await asks(phone)
        flagged = await settled(server, await one(server), "flagged")
        assert await records.read(lambda db: passed_on(db, flagged.sale_id)) is None
        assert await records.read(lambda db: ledger.balance(db, ledger.SUSPENSE)) == -13_000
        assert await faults(server) == []
        assert any("do not know yet" in sms for sms in await server.inbox(CRAFTS))
        nuisances(server)
        done = await records.write(lambda db: settling_by_hand.settle(
            db, flagged.reference, "succeeded", reason="MTN's letter", by="amina", second="eric",
            now=server.parts.engine._clock(), rules=USUAL))  # fmt: skip
        assert done == "settled"
        out = await settled(server, await one(server, "payout"), "succeeded")
        after = await records.read(books.check)
        assert out.amount_rwf == 13_000 and after.faults == []
        assert after.balances[ledger.SALES] == before[ledger.SALES]
        assert ledger.WRITE_OFF not in after.balances


async def test_a_hop_sent_again_and_callbacks_by_the_dozen_ask_once(tmp_path) -> None:
    async with selling(tmp_path) as server:
        nuisances(server, settle_after_s=0.5, lost_callback=True)
        phone = server.phone(CRAFTS)
        shown = await asks(phone)
        again = await asyncio.gather(*(phone.sends() for _ in range(3)))
        assert set(again) == {shown}
        sent = await settled(server, await one(server), "sent", "succeeded")
        url = f"/payments/mtn-momo/callback/{sent.callback_token}"

        async def call_back() -> int:
            async with server.client.put(url, json={"status": "SUCCESSFUL"}) as response:
                return response.status

        assert set(await asyncio.gather(*(call_back() for _ in range(24)))) == {200}
        await settled(server, sent.reference, "succeeded")
        await settled(server, await one(server, "payout"), "succeeded")
        asked = [t for t in server.parts.sandbox.momo.transfers() if t["externalId"] == "S-1"]
        assert sorted(t["product"] for t in asked) == ["collection", "disbursement"]
        assert await count(server, sale_rows) == 1 and await faults(server) == []


async def test_two_phones_that_ask_the_same_buyer_at_once_ask_once(tmp_path, postgres) -> None:
    async with selling(tmp_path, ISOKO_DATABASE_URL=postgres.new_database()) as server:
        nuisances(server, settle_after_s=60)
        phone, other = server.phone(CRAFTS), server.phone(CRAFTS)
        for each in (phone, other):
            await to_the_menu(each)
            await each.picks("Ask a buyer to pay")
            await each.types("0788777001", "12000", "honey")
        shown = await asyncio.gather(phone.types(PIN), other.types(PIN))
        assert sorted("asked already" in screen for screen in shown) == [False, True]
        assert await count(server, sale_rows) == 1


@pytest.mark.parametrize(
    ("setting", "value", "buyers", "refused"),
    [
        ("SALE_OPEN_MAX", "1", (SILENT, BUYER), "Too many buyers"),
        ("SALE_DAY_RWF", "20000", (BUYER, AIRTEL_BUYER), "in 24 hours"),
        ("SALE_DAY_MAX", "1", (REFUSES, BUYER), "in 24 hours"),
        ("BUYER_DAY_MAX", "1", (REFUSES, REFUSES), "cannot be asked any more today"),
    ],
)
async def test_the_limits_hold(tmp_path, setting: str, value: str, buyers, refused: str) -> None:
    async with selling(tmp_path, **{f"ISOKO_COLLECTIONS__{setting}": value}) as server:
        nuisances(server)
        phone = server.phone(CRAFTS)
        first, second = buyers
        await asks(phone, first)
        await settled(server, await one(server), "sent" if first == SILENT else "failed",
                      "succeeded")  # fmt: skip
        assert refused in await asks(phone, second)
        assert await count(server, sale_rows) == 1


async def test_no_sellers_together_ring_a_phone_too_often(tmp_path) -> None:
    async with selling(tmp_path, ISOKO_COLLECTIONS__BUYER_DAY_MAX="1") as server:
        nuisances(server)
        await asks(server.phone(CRAFTS))
        phone = server.phone(DEBTOR)
        assert "cannot be asked any more today" in await asks(phone)
        assert await count(server, sale_rows) == 1


async def test_M16_typed_slips_ask_nobody(tmp_path) -> None:
    async with selling(tmp_path) as server:
        phone = server.phone(CRAFTS)
        await to_the_menu(phone)
        await phone.picks("Ask a buyer to pay")
        assert "Type a mobile number" in await phone.types("12")
        assert "your own number" in await phone.types(CRAFTS)
        await phone.types(BUYER)
        assert "At most 500,000 Frw" in await phone.types("600000")
        for typed in ("0.01", "2.5", "2,5", "-5", "1e3", "12 USD", "12.000.5"):
            assert "Type whole francs" in await phone.types(typed)
        await phone.types("12 000 frw")
        for typed in ("www.win.rw", "call 0788999111", "1 2 3 4 5", "x" * 25, "5"):
            assert "Type a few words" in await phone.types(typed)
        assert "2 kg honey, A1" in await phone.types("2 kg honey, A1")
        assert await count(server, sale_rows) == 0


async def test_whose_number_may_be_anothers_asks_nobody(tmp_path) -> None:
    async with selling(tmp_path) as server:
        records = server.parts.market.records

        async def verify(number: str, since) -> None:
            change = update(contacts).where(contacts.c.msisdn == number)
            await records.write(lambda db: db.execute(change.values(verify_since=since)))

        now = server.parts.engine._clock()
        await verify(TEA, now)
        phone = server.phone(CRAFTS)
        assert "cannot be asked" in await asks(phone, TEA)
        await verify(CRAFTS, now)
        assert "Ask a buyer" not in await to_the_menu(phone)
        assert await count(server, sale_rows) == 0


async def test_nobody_pays_a_seller_whom_no_operator_pays(tmp_path) -> None:
    keys = {"ISOKO_AIRTEL__CLIENT_ID": ""}
    async with selling(tmp_path, **keys) as server:
        mine, there = contacts.c.msisdn == CRAFTS, {"wallet": AIRTEL, "wallet_provider": ""}
        wallet = update(contacts).where(mine).values(there)
        await server.parts.market.records.write(lambda db: db.execute(wallet))
        phone = server.phone(CRAFTS)
        await to_the_menu(phone)
        await phone.picks("Ask a buyer to pay")
        assert "does not pay out" in await phone.types("0" + BUYER[4:])
        # Also where the number for money was changed while the PIN was typed.
        rules = server.parts.market.collections
        actor = Actor("ussd", "phone", "k", (await contact_of(server, CRAFTS)).id)
        asking, now = sales.Asking(BUYER, 5_000, "honey"), server.parts.engine._clock()
        asked = await server.parts.market.records.write(
            lambda db: sales.ask(db, actor, asking, rules, now)
        )
        assert asked.outcome == "wallet" and await count(server, sale_rows) == 0


async def test_the_prompt_leaves_behind_the_message_that_says_who_asks(tmp_path) -> None:
    async with running(tmp_path) as server:
        await asks(server.phone(CRAFTS))
        due = select(outbox.c.due_at).order_by(outbox.c.due_at)
        (sms,) = await read(server, due.where(outbox.c.dedupe_key.like("buyer-asked:%")))
        of_sale = outbox.c.dedupe_key == f"collection:{await one(server)}"
        (prompt,) = await read(server, due.where(of_sale))
        after_s = server.parts.market.collections.prompt_after_s
        assert after_s > 0 and prompt - sms >= timedelta(seconds=after_s)


async def test_a_new_owner_of_a_number_hears_of_no_payment_of_the_one_before(tmp_path) -> None:
    async with selling(tmp_path) as server:
        nuisances(server)
        records, now = server.parts.market.records, server.parts.engine._clock()
        await asks(server.phone(CRAFTS), TEA)
        paid = await settled(server, await one(server), "succeeded")
        tea = await contact_of(server, TEA)
        await records.write(lambda db: taking_off.take_off(db, tea, "amina", "k", now))
        assert await read(server, select(sale_rows.c.buyer_msisdn)) == [""]
        assert await read(server, select(sale_rows.c.what_for)) == [""]
        kept = await records.read(lambda db: payments.by_reference(db, paid.reference))
        assert kept.payee_msisdn == "" and await faults(server) == []


async def test_who_leaves_without_a_number_takes_nothing_of_others_along(tmp_path) -> None:
    async with selling(tmp_path) as server:
        nuisances(server)
        records = server.parts.market.records
        await asks(server.phone(CRAFTS))
        await settled(server, await one(server), "succeeded")
        await records.write(lambda db: db.execute(update(sale_rows).values(buyer_msisdn="")))
        await records.write(lambda db: buyers.forget(db, 0, ""))
        assert await read(server, select(sale_rows.c.what_for)) == ["honey"]


async def contact_of(server: Running, msisdn: str) -> people.Contact:
    return await server.parts.market.records.read(lambda db: people.by_msisdn(db, msisdn))


async def test_what_is_paid_goes_nowhere_but_to_the_seller(tmp_path) -> None:
    """It is never given back by the hub; a changed number and the day's limit hold it for two."""
    async with selling(tmp_path, ISOKO_PAYOUTS__PERSON_DAY_RWF="15000") as server:
        nuisances(server)
        phone, records = server.phone(CRAFTS), server.parts.market.records
        await asks(phone)
        paid = await settled(server, await one(server), "succeeded")
        now = server.parts.engine._clock()
        outcome, _ = await records.write(lambda db: collecting.refund(db, paid.reference, now))
        assert outcome == "passed_on"
        await asks(phone, AIRTEL_BUYER)
        async with asyncio.timeout(patient_s(20)):
            while len(await read(server, select(rows.c.id).where(
                rows.c.sale_id.is_not(None), rows.c.state == "succeeded",
                rows.c.direction == "collection"))) < 2:  # fmt: skip
                await asyncio.sleep(0.05)
                await settled(server, await one(server), "succeeded")
        held = await records.read(lambda db: payments.by_reference(db, reference_of(db)))
        assert (held.held, held.state) == ("limit of the day", "created")
        assert "Our staff check it" in await truth(phone, "S-2: paid")
        assert await faults(server) == []


async def test_who_asks_in_the_chat_has_the_end_in_the_chat(tmp_path) -> None:
    async with selling(tmp_path) as server:
        nuisances(server)
        await link(server, CRAFTS)
        server.parts.sandbox.telegram.chats.of_person({"id": ALINE}).started = True
        chat = Chat(server)
        await chat.types("/menu")
        for button in ("Payments", "Buyers pay me", "Ask a buyer to pay"):
            await chat.presses(button)
        for typed in ("0788777001", "12000", "honey", PIN):
            await chat.types(typed)
        await server.write_transcripts()
        await settled(server, await one(server), "succeeded")
        await settled(server, await one(server, "payout"), "succeeded")
        texts = [call["args"].get("text", "") for call in await said(server)]
        paid = [text for text in texts if re.search(r"paid 12,000\sFrw \(S-1\)", text)]
        assert len(paid) == 1
        assert not any("S-1" in sms for sms in await server.inbox(CRAFTS))


def reference_of(db) -> str:
    query = select(rows.c.reference).where(rows.c.direction == "payout", rows.c.sale_id == 2)
    return db.execute(query).scalar_one()


async def truth(phone, label: str) -> str:
    await to_the_menu(phone)
    return await phone.picks(label)


async def test_a_buyer_whom_nobody_could_ask_is_not_said_to_be_asked(tmp_path) -> None:
    """The line fell behind the seller's PIN: it waits, and goes on by itself."""
    async with running(tmp_path, ISOKO_COLLECTIONS__PROMPT_AFTER_S="60") as server:
        phone, records = server.phone(CRAFTS), server.parts.market.records
        await asks(phone)
        reference, now = await one(server), server.parts.engine._clock()
        assert "has not answered yet" in await truth(phone, "S-1: buyer is asked")

        def fall(db) -> None:
            asked = payments.must_have(db, reference)
            outages.note(db, asked, NOBODY, outages.OutageRules(failures=1), now)

        await records.write(fall)
        said = await truth(phone, "S-1: waiting")
        assert "MoMo does not work now" in said and "goes on by itself" in said
        await records.write(lambda db: payments.count_ask(
            db, payments.must_have(db, reference), now))  # fmt: skip
        assert "has not answered yet" in await truth(phone, "S-1: buyer is asked")


async def test_the_books_see_what_is_not_passed_on_or_passed_on_unpaid(tmp_path) -> None:
    async with selling(tmp_path) as server:
        nuisances(server)
        await asks(server.phone(CRAFTS))
        await settled(server, await one(server), "succeeded")
        out = await one(server, "payout")
        await settled(server, out, "succeeded")
        mine = rows.c.reference == out
        for change, wrong in (({"sale_id": None}, "not passed on"), ({"sale_id": 1}, "")):
            await server.parts.market.records.write(
                lambda db, to=change: db.execute(update(rows).where(mine).values(to))
            )
            assert [wrong in fault.what for fault in await faults(server)] == [True] * bool(wrong)
        prompt = (rows.c.direction == "collection") & (rows.c.sale_id == 1)
        await server.parts.market.records.write(
            lambda db: db.execute(update(rows).where(prompt).values(state="flagged"))
        )
        assert any("has not paid as much" in fault.what for fault in await faults(server))


async def test_who_leaves_is_named_nowhere(tmp_path) -> None:
    async with selling(tmp_path) as server:
        nuisances(server)
        records, now = server.parts.market.records, server.parts.engine._clock()
        await asks(server.phone(CRAFTS), TEA)
        paid = await settled(server, await one(server), "succeeded")
        tea = await records.read(lambda db: people.by_msisdn(db, TEA))
        held = await records.read(lambda db: people.copy_of(db, tea.id))
        assert [one["what_for"] for one in held["asked_to_pay"]] == ["honey"]
        await records.write(lambda db: people.erase(db, tea.id, now))
        assert await read(server, select(sale_rows.c.buyer_msisdn)) == [""]
        kept = await records.read(lambda db: payments.by_reference(db, paid.reference))
        assert kept.payee_msisdn == "" and await faults(server) == []


async def test_a_seller_who_left_meanwhile_is_owed_what_came(tmp_path) -> None:
    async with selling(tmp_path) as server:
        nuisances(server, settle_after_s=60)
        records, now = server.parts.market.records, server.parts.engine._clock()
        await asks(server.phone(CRAFTS))
        sent = await settled(server, await one(server), "sent")
        await records.write(lambda db: people.erase(db, sent.contact_id, now))
        told = Answer(
            Outcome.SUCCEEDED, amount_rwf=12_000, currency="RWF", payer_msisdn=BUYER,
            provider_txn_id="1", fee_rwf=0,
        )  # fmt: skip
        await records.write(
            lambda db: settlement.record_answer(db, sent.reference, told, now, rules=USUAL)
        )
        out = await settled(server, await one(server, "payout"), "flagged")
        assert out.payee_msisdn == "" and await faults(server) == []
        owed = await records.read(lambda db: ledger.balance(db, ledger.payable(sent.contact_id)))
        assert owed == -12_000
        assert await read(server, select(outbox.c.id).where(outbox.c.kind == "refund")) == []
