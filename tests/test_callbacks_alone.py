"""A payment that a callback alone settles, or a look-up alone; what calls back is kept as it came."""

import asyncio
import json
from contextlib import suppress

import pytest
from sqlalchemy import func, select

from bot.market import books, payments, settlement
from bot.storage.records import RecordsDown
from bot.storage.schema import inbox, ledger_entries
from bot.storage.schema import payments as rows
from tests.patience import patient_s
from tests.server import Running
from tests.test_payout_loop import count_at_operator, operator, pay

pytestmark = pytest.mark.usefixtures("either_store")


@pytest.fixture
def nobody_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first look-up by the schedule is due in twenty minutes: only who is called back asks."""
    monkeypatch.setattr(settlement, "LOOK_UP_AFTER_S", (1200,))


async def comes_to(server: Running, reference: str, state: str) -> payments.Payment:
    """The payment once it is in `state`; nothing is made due."""
    records, payment = server.parts.market.records, None
    for _round in range(int(patient_s(10) / 0.05)):
        # After a thousand calls at once PostgreSQL may be doubted for a moment; they are spooled.
        with suppress(RecordsDown):
            payment = await records.read(lambda db: payments.by_reference(db, reference))
            if payment.state == state:
                return payment
        await asyncio.sleep(0.05)
    raise AssertionError(f"still {payment}")


async def kept(server: Running) -> list:
    query = select(inbox.c.body, inbox.c.token, inbox.c.outcome).order_by(inbox.c.id)
    return await server.parts.market.records.read(lambda db: db.execute(query).all())


async def is_one_posting(server: Running, reference: str) -> bool:
    records = server.parts.market.records
    posted = ledger_entries.c.cause == f"payment:{reference}:succeeded"
    query = select(func.count()).where(posted)
    entries = await records.read(lambda db: db.execute(query).scalar())
    faults = (await records.read(books.check)).faults
    return (entries, faults, await count_at_operator(server)) == (1, [], 1)


@pytest.mark.parametrize(
    "nuisance",
    [{}, {"put_callback": True}, {"callback_twice": True}, {"callback_before_202": True}],
)
async def test_M03_M06_M07_a_callback_settles_by_itself(
    server: Running, nobody_polls: None, nuisance: dict
) -> None:
    operator(server, **nuisance)
    payment = await pay(server)
    await comes_to(server, payment.reference, "succeeded")
    assert await is_one_posting(server, payment.reference)
    (one,) = await kept(server)
    # As the operator sent it: extra fields, the amount as text, no reference of ours but the token.
    body = json.loads(one.body)
    assert body["status"] == "SUCCESSFUL" and body["amount"] == "60000"
    assert "financialTransactionId" in body and payment.reference not in one.body.decode()
    assert one.token == payment.callback_token and one.outcome.startswith("asked the operator")


async def test_M08_a_look_up_settles_by_itself_what_nothing_calls_back_for(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settlement, "LOOK_UP_AFTER_S", (0.3, 0.3))
    operator(server, lost_callback=True)
    payment = await pay(server)
    await comes_to(server, payment.reference, "succeeded")
    assert await is_one_posting(server, payment.reference) and await kept(server) == []


async def test_without_a_callback_and_without_a_poll_nothing_is_known(
    server: Running, nobody_polls: None
) -> None:
    """That the tests above prove something: what each leaves out is what settles the other's."""
    operator(server, lost_callback=True)
    payment = await pay(server)
    await comes_to(server, payment.reference, "sent")
    await asyncio.sleep(1.5)
    await comes_to(server, payment.reference, "sent")


BODIES = (
    b'{"externalId": 77, "amount": 60000, "status": "SUCCESSFUL", "new": {"deep": [1]}}',
    b'{"amount": "60000.00"}', b"<xml/>", b"", b"[1]", b'{"status": {}}', b"[" * 5000,
)  # fmt: skip


@pytest.mark.parametrize("by", ["post", "put"])
async def test_M03_whatever_its_body_a_callback_is_kept_whole_and_matched_by_its_token(
    server: Running, nobody_polls: None, by: str
) -> None:
    operator(server, lost_callback=True)
    sent = [await pay(server, 1_000 + number) for number in range(len(BODIES))]
    for payment in sent:
        await comes_to(server, payment.reference, "sent")
    await asyncio.sleep(0.2)
    for payment, body in zip(sent, BODIES, strict=True):
        url = f"/payments/mtn-momo/callback/{payment.callback_token}"
        async with getattr(server.client, by)(url, data=body) as answer:
            assert answer.status == 200
        await comes_to(server, payment.reference, "succeeded")
    rows = await kept(server)
    assert [(row.body, row.token) for row in rows] == [
        (body, payment.callback_token) for payment, body in zip(sent, BODIES, strict=True)
    ]
    assert all(row.outcome.startswith("asked the operator") for row in rows)


async def test_M03_what_names_an_order_but_bears_no_token_of_ours_is_kept_for_nobody(
    server: Running, nobody_polls: None
) -> None:
    """An order's code is short and said aloud: it is no reason to ask, and none to forget."""
    operator(server, lost_callback=True)
    payment = await pay(server)
    await comes_to(server, payment.reference, "sent")
    body = b'{"externalId": "KW-77", "status": "SUCCESSFUL"}'
    async with server.client.put("/payments/mtn-momo/callback/mislaid", data=body) as answer:
        assert answer.status == 200
    ((one_body, token, outcome),) = await kept(server)
    assert (one_body, token, outcome) == (body, "mislaid", "orphan")
    query = select(rows.c.look_ups).where(rows.c.reference == payment.reference)
    records = server.parts.market.records
    assert await records.read(lambda db: db.execute(query).scalar()) == 0
