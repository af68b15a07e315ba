"""Money in through Airtel, given back, and the balance; and refusals of the pretended operator."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bot.payments.airtel_collection import AirtelCollection
from bot.payments.collecting import CollectionOrder, RefundOrder
from bot.payments.provider import Outcome
from bot.sandbox.server import Sandbox
from bot.sandbox.switches import Switches
from tests.payments.airtel_answers import (
    ACCEPTED,
    AIRTEL_FARMER,
    CODES,
    OUR_ID,
    UNDECIDED,
)
from tests.payments.operators import FARMER, airtel, airtel_config, fixture, payout
from tests.payments.scripted import answering


def collection(url: str, http, **changes: object) -> AirtelCollection:
    return AirtelCollection(replace(airtel_config(url), **changes), http)


def given_back(txn_id: str) -> RefundOrder:
    return RefundOrder("isoko-r-1", "isoko-c-1", txn_id, 9_000, "KW-1")


async def test_a_prompt_is_as_documented(scripted_airtel, http) -> None:
    script, url = scripted_airtel
    script.answer = answering(200, fixture("airtel_payment_response_initiated"))
    order = CollectionOrder(OUR_ID, 5000, "+250728123456", "1042")
    assert (await collection(url, http).collect(order)).outcome is Outcome.ACCEPTED
    sent = json.loads(script.asked[0][2])
    assert sent == fixture("airtel_payment_request") | {"reference": "Isoko 1042"}
    assert script.paths == ["/merchant/v1/payments/"] and script.keys_asked == 0


@pytest.mark.parametrize("signs", [True, False])
async def test_money_is_collected_and_given_back_once(signs: bool, sandbox: Sandbox, http) -> None:
    buyer = collection(sandbox.url, http, sign_messages=signs)
    before = await buyer.balance_rwf()
    order = CollectionOrder("isoko-c-1", 9_000, AIRTEL_FARMER, "KW-1")
    assert (await buyer.collect(order)).outcome is Outcome.ACCEPTED
    assert (await buyer.collect(order)).outcome is Outcome.UNKNOWN
    paid = await buyer.look_up(order.reference)
    assert (paid.outcome, paid.amount_rwf) == (Outcome.SUCCEEDED, 9_000)
    assert await buyer.balance_rwf() == before + 9_000
    assert (await buyer.refund(given_back(paid.provider_txn_id))).outcome is Outcome.ACCEPTED
    assert await buyer.balance_rwf() == before
    assert (await buyer.refund(given_back(paid.provider_txn_id))).outcome is Outcome.UNKNOWN


async def test_a_prompt_nobody_answers_expires(sandbox: Sandbox, http) -> None:
    buyer = collection(sandbox.url, http)
    order = CollectionOrder("isoko-c-2", 9_000, "+250730001029", "KW-1")
    assert (await buyer.collect(order)).outcome is Outcome.ACCEPTED
    answer = await buyer.look_up(order.reference)
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, "DP00800001029")


async def test_a_collection_that_cannot_be_is_refused_or_unknown(sandbox: Sandbox, http) -> None:
    foreign = CollectionOrder("isoko-c-3", 9_000, "+256728123456", "KW-1")
    assert (await collection(sandbox.url, http).collect(foreign)).outcome is Outcome.REFUSED
    gone, order = collection("http://127.0.0.1:9", http), CollectionOrder("i", 1, FARMER, "KW-1")
    assert (await gone.collect(order)).outcome is Outcome.UNKNOWN
    assert (await gone.look_up("i")).outcome is Outcome.UNKNOWN
    assert (await gone.refund(given_back("CI1"))).outcome is Outcome.UNKNOWN
    assert await gone.balance_rwf() is None


async def test_a_refund_is_as_documented(scripted_airtel, http) -> None:
    script, url = scripted_airtel
    script.answer = answering(200, fixture("airtel_refund_response"))
    answer = await collection(url, http).refund(given_back("CI260928.1016.L00012"))
    assert answer.outcome is Outcome.ACCEPTED
    assert json.loads(script.asked[0][2]) == fixture("airtel_refund_request")
    assert script.paths == ["/standard/v1/payments/refund"]


async def test_a_refund_of_what_has_no_id_of_airtels_asks_for_nothing(
    scripted_airtel, http
) -> None:
    script, url = scripted_airtel
    script.answer = answering(200, fixture("airtel_refund_response"))
    answer = await collection(url, http).refund(given_back(""))
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, "NO_AIRTEL_ID")
    assert script.paths == []


BALANCES = [
    (fixture("airtel_balance_response"), 1_500_000),
    ({"data": {"balance": "10.5", "currency": "RWF"}}, None),
    ({"data": {"balance": "10", "currency": "UGX"}}, None),
    ({"data": []}, None),
    ([], None),
]


@pytest.mark.parametrize(("told", "balance_rwf"), BALANCES)
async def test_a_balance_is_whole_francs_or_none(told, balance_rwf, scripted_airtel, http) -> None:
    script, url = scripted_airtel
    script.answer = answering(200, told)
    assert await collection(url, http).balance_rwf() == balance_rwf


STEERED = [code for code in CODES["disbursement"] if code not in UNDECIDED | ACCEPTED]


@pytest.mark.parametrize("refuse_with_200", [True, False])
@pytest.mark.parametrize("code", STEERED)
async def test_every_refusal_is_read_at_once_and_later(
    code: str, refuse_with_200: bool, sandbox: Sandbox, http
) -> None:
    client, order = airtel(sandbox.url, http), payout(f"+250730001{code[-3:]}")
    sandbox.airtel.switches = Switches(settle_after_s=0, refuse_with_200=refuse_with_200)
    answers = [await client.ask(order), await client.look_up(order.reference)]
    assert [(a.outcome, a.reason) for a in answers] == [(Outcome.REFUSED, code)] * 2


async def test_a_payout_that_stays_ambiguous_is_never_failed(sandbox: Sandbox, http) -> None:
    client, order = airtel(sandbox.url, http), payout("+250730001000")
    await client.ask(order)
    answer = await client.look_up(order.reference)
    assert (answer.outcome, answer.reason) == (Outcome.UNKNOWN, "DP00900001000")
