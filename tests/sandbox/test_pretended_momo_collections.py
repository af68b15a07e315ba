"""The pretended MoMo takes requests to pay and refunds as strictly as the real one."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.sandbox.server import Sandbox, start_sandbox
from tests.sandbox.test_pretended_momo import BODY, TRANSFER, Caller

PAY, REFUND = "/collection/v1_0/requesttopay", "/disbursement/v1_0/refund"
ASKED = {name: value for name, value in BODY.items() if name != "payee"} | {
    "amount": "5000",
    "payer": {"partyIdType": "MSISDN", "partyId": "250788123456"},
}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    running = await start_sandbox("127.0.0.1", 0)
    yield running
    await running.stop()


@pytest.fixture
async def caller(sandbox: Sandbox) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession() as http:
        caller = Caller(http, sandbox.url)
        await caller.switch(settle_after_s=0)
        yield caller


async def pay(caller: Caller, body: object = ASKED, **changes: str) -> tuple[int, bytes]:
    headers = await caller.headers("collection", **changes)
    return await caller.call("POST", PAY, json=body, headers=headers)


async def told(caller: Caller, path: str, product: str) -> tuple[int, dict]:
    status, body = await caller.call("GET", path, headers=await caller.headers(product))
    return status, json.loads(body)


async def refunded(caller: Caller, paid: str, amount: str = "5000", **changes: object) -> dict:
    """The end of a refund that was accepted."""
    reference = str(uuid.uuid4())
    body = refund_body(paid) | {"amount": amount} | changes
    headers = await caller.headers(X_Reference_Id=reference)
    assert await caller.call("POST", REFUND, json=body, headers=headers) == (202, b"")
    return (await told(caller, f"{REFUND}/{reference}", "disbursement"))[1]


def refund_body(paid: str) -> dict:
    return {
        name: ASKED[name] for name in ("currency", "externalId", "payerMessage", "payeeNote")
    } | {
        "amount": "5000",
        "referenceIdToRefund": paid,
    }


async def test_a_right_request_is_202_with_an_empty_body(caller: Caller) -> None:
    assert await pay(caller) == (202, b"")


WRONG_BODIES = [
    ({"amount": 5000}, 400),
    ({"amount": "5000.0"}, 400),
    ({"currency": "EUR"}, 500),
    ({"payer": {"partyIdType": "MSISDN", "partyId": "+250788123456"}}, 400),
    ({"payer": {"partyIdType": "msisdn", "partyId": "250788123456"}}, 400),
    ({"payer": None}, 400),
    ({"externalId": 1042}, 400),
    ({"payerMessage": "ikawa y'umuhinzi"}, 400),
]


@pytest.mark.parametrize(("changes", "status"), WRONG_BODIES)
async def test_a_wrong_body_is_refused(changes: dict, status: int, caller: Caller) -> None:
    assert (await pay(caller, ASKED | changes))[0] == status


async def test_a_payee_is_no_payer(caller: Caller) -> None:
    assert (await pay(caller, BODY))[0] == 400


async def test_a_reference_works_once_across_products(caller: Caller) -> None:
    reference = str(uuid.uuid4())
    await caller.headers("collection")
    answers = await asyncio.gather(*(pay(caller, X_Reference_Id=reference) for _ in range(5)))
    assert sorted(status for status, _ in answers) == [202] + [409] * 4
    assert (await caller.transfer(X_Reference_Id=reference))[0] == 409


async def test_collected_money_stands_apart_from_what_is_paid_out(caller: Caller) -> None:
    _, floated = await told(caller, "/disbursement/v1_0/account/balance", "disbursement")
    await pay(caller)
    await pay(caller, ASKED | {"payer": {"partyIdType": "MSISDN", "partyId": "46733123451"}})
    path = "/collection/v1_0/account/balance"
    expected = {"availableBalance": "5000", "currency": "RWF"}
    assert await told(caller, path, "collection") == (200, expected)
    assert await told(caller, f"{path}/RWF", "collection") == (200, expected)
    assert (await told(caller, f"{path}/EUR", "collection"))[1]["code"] == "INVALID_CURRENCY"
    again = await told(caller, "/disbursement/v1_0/account/balance", "disbursement")
    assert again == (200, floated)


async def test_a_refund_ends_paid_to_the_payer(caller: Caller) -> None:
    paid = str(uuid.uuid4())
    await pay(caller, X_Reference_Id=paid)
    end = await refunded(caller, paid)
    assert (end["status"], end["payee"]) == ("SUCCESSFUL", ASKED["payer"])
    assert end["financialTransactionId"]


async def test_no_more_is_given_back_than_was_paid(caller: Caller) -> None:
    paid = str(uuid.uuid4())
    await pay(caller, X_Reference_Id=paid)
    ends = [await refunded(caller, paid.upper(), amount) for amount in ("3000", "3000", "2000")]
    assert [end["status"] for end in ends] == ["SUCCESSFUL", "FAILED", "SUCCESSFUL"]
    assert ends[1]["reason"]["code"] == "NOT_ALLOWED"


async def test_what_was_not_paid_is_not_given_back(caller: Caller) -> None:
    rejected, payout = str(uuid.uuid4()), str(uuid.uuid4())
    number = {"partyIdType": "MSISDN", "partyId": "46733123451"}
    await pay(caller, ASKED | {"payer": number}, X_Reference_Id=rejected)
    await caller.transfer(X_Reference_Id=payout)
    for reference in (rejected, payout, str(uuid.uuid4())):
        end = await refunded(caller, reference)
        assert (end["status"], end["reason"]["code"]) == ("FAILED", "TRANSACTION_NOT_FOUND")
        assert "payee" not in end


WRONG_REFUNDS = [
    ({"referenceIdToRefund": "order-1042"}, 400),
    ({"referenceIdToRefund": None}, 400),
    ({"amount": 5000}, 400),
    ({"currency": "EUR"}, 500),
]


@pytest.mark.parametrize(("changes", "status"), WRONG_REFUNDS)
async def test_a_wrong_refund_is_refused(changes: dict, status: int, caller: Caller) -> None:
    body = refund_body(str(uuid.uuid4())) | changes
    got, _ = await caller.call("POST", REFUND, json=body, headers=await caller.headers())
    assert got == status


async def test_a_refund_is_no_transfer_and_stands_in_the_statement(caller: Caller) -> None:
    paid, reference = str(uuid.uuid4()), str(uuid.uuid4())
    await pay(caller, X_Reference_Id=paid)
    headers = await caller.headers(X_Reference_Id=reference)
    await caller.call("POST", REFUND, json=refund_body(paid), headers=headers)
    assert (await told(caller, f"{TRANSFER}/{reference}", "disbursement"))[0] == 404
    _, statement = await caller.call("GET", "/sandbox/mtn-momo/statement.csv")
    rows = [row.split(b",") for row in statement.splitlines()[1:]]
    assert sorted(row[0] for row in rows) == sorted(one.encode() for one in (paid, reference))


async def test_an_account_holder_s_type_is_in_lower_case(caller: Caller) -> None:
    root = "/collection/v1_0/accountholder"
    assert await told(caller, f"{root}/msisdn/250788123456/active", "collection") == (
        200,
        {"result": True},
    )
    assert (await told(caller, f"{root}/MSISDN/250788123456/active", "collection"))[0] == 400
