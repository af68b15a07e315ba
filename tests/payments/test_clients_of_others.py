"""Clients of the operators' published APIs that others wrote speak to our pretended operators.

Their authors read the operators' pages and tried the real ones: what they send must be taken,
and what we answer must be what they read. So our own client's cases do not rest on our reading.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import airtelmoney
import momo_api
import pytest

from bot.payments.airtel_signing import callback_hash, is_rightly_hashed, wire_json
from bot.sandbox.airtel_access import CALLBACK_SECRET, CLIENT_ID, CLIENT_SECRET, PIN
from bot.sandbox.momo_access import API_KEY, API_USER, KEYS
from bot.sandbox.server import Sandbox

MTN_FARMER, AIRTEL_FARMER = "250788123456", "733123456"


def _mtn(sandbox: Sandbox, product: type[Any]) -> Any:
    config = momo_api.Config.collection(KEYS[product.PRODUCT_PATH], API_USER, API_KEY)
    return product(config, sandbox.url, "mtnrwanda")


def _airtel(sandbox: Sandbox) -> airtelmoney.AirtelMoney:
    return airtelmoney.AirtelMoney(
        CLIENT_ID, CLIENT_SECRET, base_url=sandbox.url, country="RW", currency="RWF"
    )


def _collects_from_mtn_and_gives_back(sandbox: Sandbox) -> None:
    collections = _mtn(sandbox, momo_api.CollectionApi)
    payouts = _mtn(sandbox, momo_api.DisbursementApi)
    assert collections.check_account_holder(MTN_FARMER)
    ours = collections.quick_pay("1000", MTN_FARMER, "KW-1042", "RWF")
    paid = collections.get_payment_status(ours)
    assert paid.is_successful() and (paid.amount, paid.payer) == ("1000", MTN_FARMER)
    with pytest.raises(momo_api.ConflictException):
        collections.quick_pay("1000", MTN_FARMER, "KW-1042", "RWF", ours)
    asked = momo_api.RefundRequest("1000", "RWF", "KW-1042", ours)
    assert payouts.get_refund_status(payouts.refund(asked)).is_successful()


def _pays_out_by_mtn_and_is_refused(sandbox: Sandbox) -> None:
    payouts = _mtn(sandbox, momo_api.DisbursementApi)
    before = int(payouts.get_balance().available_balance)
    asked = momo_api.TransferRequest("900", "RWF", "KW-1042", MTN_FARMER)
    assert payouts.get_transfer_status(payouts.transfer(asked)).payee == MTN_FARMER
    assert int(payouts.get_balance().available_balance) == before - 900
    with pytest.raises(momo_api.ResourceNotFoundException):
        payouts.get_transfer_status(str(uuid.uuid4()))
    collections = _mtn(sandbox, momo_api.CollectionApi)
    refused = collections.get_payment_status(
        collections.quick_pay("1000", "46733123451", "KW-1042", "RWF")
    )
    assert refused.is_failed() and refused.reason.code == "APPROVAL_REJECTED"


def _collects_by_airtel_and_gives_back(sandbox: Sandbox) -> None:
    client, ours = _airtel(sandbox), uuid.uuid4().hex
    asked = {"reference": "KW 1042", "msisdn": AIRTEL_FARMER, "amount": 1000}
    taken = client.collection.payment(transaction_id=ours, **asked)
    assert taken["status"]["response_code"] == "DP00800001006"
    paid = client.collection.enquiry(ours)["data"]["transaction"]
    assert (paid["id"], paid["status"]) == (ours, "TS")
    for wrong in ({"transaction_id": ours}, {"sign": False}, {"msisdn": f"250{AIRTEL_FARMER}"}):
        with pytest.raises(airtelmoney.AirtelAPIError):
            client.collection.payment(**{**asked, **wrong})
    client.collection.refund(paid["airtel_money_id"])


def _pays_out_by_airtel(sandbox: Sandbox) -> None:
    client, ours = _airtel(sandbox), uuid.uuid4().hex
    assert client.kyc.user_enquiry(AIRTEL_FARMER)["data"]["registration"]["status"] == "Y"
    before = int(client.account.balance()["data"]["balance"])
    asked = {"msisdn": AIRTEL_FARMER, "amount": 900, "reference": "KW 1042"}
    # It writes to the signed version of this address and signs nothing: as the real one, no.
    with pytest.raises(airtelmoney.AirtelAPIError, match="DP00900001016"):
        client.disbursement.payment(pin=PIN, transaction_id=ours, **asked)
    signed = airtelmoney.sign_payload(
        client.get_encryption_key(),
        {
            "payee": {"msisdn": AIRTEL_FARMER, "currency": "RWF"},
            "reference": "KW 1042",
            "pin": airtelmoney.encrypt_pin(client.get_encryption_key(), PIN),
            "transaction": {"amount": 900, "id": ours, "type": "B2C"},
        },
    )
    client.request(
        "POST",
        "/standard/v2/disbursements/",
        raw_body=signed.payload,
        headers=signed.headers,
        include_country_currency=True,
    )
    assert client.disbursement.enquiry(ours)["data"]["transaction"]["status"] == "TS"
    assert int(client.account.balance()["data"]["balance"]) == before - 900


@pytest.mark.parametrize(
    "case",
    [
        _collects_from_mtn_and_gives_back,
        _pays_out_by_mtn_and_is_refused,
        _collects_by_airtel_and_gives_back,
        _pays_out_by_airtel,
    ],
)
async def test_a_client_that_is_not_ours(sandbox: Sandbox, case: Any) -> None:
    await asyncio.to_thread(case, sandbox)


def test_a_callback_that_ours_takes_is_taken_by_theirs() -> None:
    told = {"id": "abc", "message": "Paid", "status_code": "TS", "airtel_money_id": "CI1"}
    callback = {"transaction": told, "hash": callback_hash(wire_json(told), CALLBACK_SECRET)}
    check = airtelmoney.resources.CollectionAPI.verify_callback_hash
    for one, right in ((callback, True), ({**callback, "transaction": {**told, "id": "b"}}, False)):
        assert is_rightly_hashed(one, CALLBACK_SECRET) is check(one, CALLBACK_SECRET) is right
