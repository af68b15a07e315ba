"""MTN's collection client: its wire, its codes, its refunds, its balances, whose wallet is active."""

from __future__ import annotations

import asyncio
import json
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.payments.collecting import CollectionOrder, RefundOrder
from bot.payments.momo_codes import read_asked, read_looked_up
from bot.payments.provider import Answer, Outcome
from bot.sandbox.server import Sandbox
from bot.sandbox.switches import Switches
from tests.payments.collectors import collection, given_back, momo_collection
from tests.payments.operators import FARMER, fixture
from tests.payments.scripted import answering

REASONS = fixture("momo_reason_codes")["transaction_reason"]
NUMBERS = fixture("momo_sandbox_msisdns")
PAID = fixture("momo_requesttopay_status_successful")
REFUND = RefundOrder(
    "6f6e2c0a-9b1e-4c57-8a53-0d1f7f1f0a02",
    fixture("momo_refund_request")["referenceIdToRefund"],
    "23503452",
    5_000,
    "1042",
)


async def test_a_prompt_is_as_documented(scripted_momo, http) -> None:
    script, url = scripted_momo
    order = CollectionOrder(str(uuid.uuid4()), 5_000, FARMER, "order-1042", "token")
    buyer = momo_collection(url, http, callback_url="https://shop.example.rw/cb")
    script.answer = answering(202)
    assert await buyer.collect(order) == Answer(Outcome.ACCEPTED)
    method, headers, body = script.asked[0]
    assert (method, script.paths) == ("POST", ["/collection/v1_0/requesttopay"])
    note = {"payeeNote": "Isoko order 1042"}
    assert json.loads(body) == fixture("momo_requesttopay_request") | note
    assert headers["X-Reference-Id"] == order.reference
    assert headers["X-Target-Environment"] == "mtnrwanda"
    assert headers["X-Callback-Url"] == "https://shop.example.rw/cb/token"


async def test_each_product_has_its_own_key_and_one_token(scripted_momo, http) -> None:
    script, url = scripted_momo
    buyer = momo_collection(url, http, timeout_s=5)
    asked = [buyer.collect(collection()) for _ in range(10)]
    await asyncio.gather(*asked, *(buyer.refund(REFUND) for _ in range(10)))
    assert script.tokens_asked == 2
    keys = {headers["Ocp-Apim-Subscription-Key"] for _, headers, _ in script.asked}
    assert keys == {"demo-momo-collection-key", "demo-momo-key"}


async def test_without_a_token_of_its_own_a_prompt_asks_for_no_callback(
    scripted_momo, http
) -> None:
    script, url = scripted_momo
    buyer = momo_collection(url, http, callback_url="https://shop.example.rw/cb")
    await buyer.collect(collection())
    assert "X-Callback-Url" not in script.asked[0][1]


async def test_a_refund_is_as_documented(scripted_momo, http) -> None:
    script, url = scripted_momo
    assert await momo_collection(url, http).refund(REFUND) == Answer(Outcome.ACCEPTED)
    sent, documented = json.loads(script.asked[0][2]), fixture("momo_refund_request")
    assert sent.keys() == documented.keys()
    for name in ("amount", "currency", "referenceIdToRefund"):
        assert sent[name] == documented[name]
    assert script.asked[0][1]["X-Reference-Id"] == REFUND.reference
    assert script.paths == ["/disbursement/v1_0/refund"]


CERTAIN = {
    "BAD_REQUEST", "INVALID_CALLBACK_URL_HOST", "INVALID_CURRENCY", "NOT_ALLOWED",
    "NOT_ALLOWED_TARGET_ENVIRONMENT", "PAYEE_NOT_FOUND", "PAYER_NOT_FOUND", "VALIDATION_ERROR",
}  # fmt: skip
UNDECIDED = {
    "INTERNAL_PROCESSING_ERROR", "RESOURCE_ALREADY_EXIST", "RESOURCE_NOT_FOUND",
    "SERVICE_UNAVAILABLE", "TRANSACTION_NOT_FOUND",
}  # fmt: skip


@pytest.mark.parametrize("code", [*REASONS, "BAD_REQUEST"])
def test_every_documented_code_is_known_when_asking(code: str) -> None:
    at_400, at_500 = (read_asked(status, {"code": code}) for status in (400, 500))
    refused_at_500 = Outcome.REFUSED if code in CERTAIN else Outcome.UNKNOWN
    refused_at_400 = Outcome.UNKNOWN if code in UNDECIDED else Outcome.REFUSED
    out_of_service = code == "SERVICE_UNAVAILABLE"
    taken = code == "RESOURCE_ALREADY_EXIST"
    assert at_500 == Answer(refused_at_500, reason=code, down=out_of_service, taken=taken)
    assert at_400 == Answer(refused_at_400, reason=code, taken=taken)
    assert read_asked(409, {"code": code}).outcome is Outcome.UNKNOWN
    assert read_asked(200, {"code": code}).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("reason_of", [lambda code: code, lambda code: {"code": code}])
@pytest.mark.parametrize("code", REASONS)
def test_every_documented_reason_of_a_failure_is_read_in_either_form(code: str, reason_of) -> None:
    failed = PAID | {"status": "FAILED", "reason": reason_of(code)}
    answer = read_looked_up(200, failed, "payer")
    assert (answer.outcome, answer.reason, answer.strange) == (Outcome.REFUSED, code, False)


STRANGE = ["NO_SUCH_CODE", "not_allowed", {"code": "NO_SUCH_CODE"}, {"code": ["x"]}, ["x"], 7]


@pytest.mark.parametrize("reason", STRANGE)
@pytest.mark.parametrize("state", ["FAILED", "SUCCESSFUL"])
def test_an_end_that_no_page_explains_is_unknown_and_strange(state: str, reason: object) -> None:
    answer = read_looked_up(200, PAID | {"status": state, "reason": reason}, "payer")
    assert (answer.outcome, answer.strange) == (Outcome.UNKNOWN, True)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500, 503])
def test_an_asking_that_no_page_explains_is_unknown_and_strange(status: int) -> None:
    answer = read_asked(status, {"code": "NO_SUCH_CODE"})
    assert answer == Answer(Outcome.UNKNOWN, reason="NO_SUCH_CODE", strange=True)


LOOK_UPS = [
    (404, fixture("momo_error_404"), Outcome.NOT_THERE, False),
    (404, None, Outcome.UNKNOWN, False),
    (404, {"statusCode": 404, "message": "Resource not found"}, Outcome.UNKNOWN, False),
    (404, {"code": "NO_SUCH_CODE"}, Outcome.UNKNOWN, True),
    (500, {"code": "NO_SUCH_CODE"}, Outcome.UNKNOWN, True),
    (500, {"code": "NOT_ALLOWED"}, Outcome.UNKNOWN, False),
    (503, {"code": "SERVICE_UNAVAILABLE"}, Outcome.UNKNOWN, False),
]


@pytest.mark.parametrize(("status", "told", "outcome", "strange"), LOOK_UPS)
def test_only_mtn_s_own_404_says_that_a_payment_is_not_there(
    status: int, told: object, outcome: Outcome, strange: bool
) -> None:
    answer = read_looked_up(status, told, "payer")
    assert (answer.outcome, answer.strange) == (outcome, strange)


def test_a_success_with_the_reason_of_a_failure_is_believed_in_neither() -> None:
    answer = read_looked_up(200, PAID | {"reason": "NOT_ENOUGH_FUNDS"}, "payer")
    assert (answer.outcome, answer.strange) == (Outcome.UNKNOWN, True)


@pytest.mark.parametrize("state", ["ON_HOLD", "", None, {}, 3])
def test_a_state_that_no_page_names_is_not_decided_and_is_shown_to_staff(state: object) -> None:
    answer = read_looked_up(200, PAID | {"status": state}, "payer")
    assert (answer.outcome, answer.strange) == (Outcome.PENDING, True)


def test_a_gateway_s_refusal_of_our_key_is_unknown() -> None:
    told = fixture("momo_apim_error_401_bad_key")
    shut = Answer(Outcome.UNKNOWN, reason="HTTP 401", down=True)
    assert read_asked(401, told) == read_looked_up(401, told, "payer") == shut


@pytest.mark.parametrize(
    ("name", "outcome", "reason", "strange"),
    [
        ("successful", Outcome.SUCCEEDED, "", False),
        ("created", Outcome.PENDING, "", False),
        ("pending", Outcome.PENDING, "", False),
        ("failed_reason_object", Outcome.REFUSED, "PAYER_NOT_FOUND", False),
        ("failed_reason_string", Outcome.REFUSED, "COULD_NOT_PERFORM_TRANSACTION", False),
    ],
)
async def test_documented_states_are_read(
    name: str, outcome: Outcome, reason: str, strange: bool, scripted_momo, http
) -> None:
    script, url = scripted_momo
    script.answer = answering(200, fixture(f"momo_requesttopay_status_{name}"))
    answer = await momo_collection(url, http).look_up("a")
    assert (answer.outcome, answer.reason, answer.strange) == (outcome, reason, strange)
    told = (answer.amount_rwf, answer.currency, answer.payer_msisdn, answer.payee_msisdn)
    assert told == (5_000, "RWF", FARMER, "")
    assert script.paths == ["/collection/v1_0/requesttopay/a"]


# These wait, or have another name on the wire; the others fail with the table's own word.
STEERED = {
    "ONGOING (stays PENDING)": (Outcome.PENDING, ""),
    "DELAYED (PENDING, later SUCCESSFUL)": (Outcome.PENDING, ""),
    "REJECTED": (Outcome.REFUSED, "APPROVAL_REJECTED"),
}


@pytest.mark.parametrize(("number", "result"), NUMBERS["requesttopay"].items())
@pytest.mark.parametrize("string_reason", [True, False])
async def test_every_sandbox_number_ends_as_its_table_says(
    number: str, result: str, string_reason: bool, sandbox: Sandbox, http
) -> None:
    sandbox.momo.switches = Switches(settle_after_s=0, string_reason=string_reason)
    buyer, order = momo_collection(sandbox.url, http), collection(f"+{number}")
    assert (await buyer.collect(order)).outcome is Outcome.ACCEPTED
    answer = await buyer.look_up(order.reference)
    expected = STEERED.get(result, (Outcome.REFUSED, result))
    assert (answer.outcome, answer.reason, answer.strange) == (*expected, False)


async def test_a_refund_is_paid_from_the_payouts_balance_and_looked_up(
    sandbox: Sandbox, http
) -> None:
    buyer, order = momo_collection(sandbox.url, http), collection()
    await buyer.collect(order)
    before_rwf = await buyer.payout_balance_rwf()
    refund = given_back(order, await buyer.look_up(order.reference))
    assert (await buyer.look_up_refund(refund.reference)).outcome is Outcome.NOT_THERE
    await buyer.refund(refund)
    answer = await buyer.look_up_refund(refund.reference)
    assert (answer.outcome, answer.amount_rwf) == (Outcome.SUCCEEDED, 9_000)
    assert answer.payee_msisdn == order.payer_msisdn
    assert await buyer.payout_balance_rwf() == before_rwf - 9_000
    assert await buyer.balance_rwf() == 9_000


async def test_a_refund_of_what_was_never_paid_is_accepted_and_then_refused(
    sandbox: Sandbox, http
) -> None:
    buyer = momo_collection(sandbox.url, http)
    assert (await buyer.refund(REFUND)).outcome is Outcome.ACCEPTED
    answer = await buyer.look_up_refund(REFUND.reference)
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, "TRANSACTION_NOT_FOUND")


BALANCES = [
    (200, fixture("momo_balance_response"), 1_500_000),
    (200, {"availableBalance": "10.00", "currency": "RWF"}, 10),
    (200, {"availableBalance": "10.5", "currency": "RWF"}, None),
    (200, {"availableBalance": "-10", "currency": "RWF"}, None),
    (200, {"availableBalance": "10", "currency": "EUR"}, None),
    (200, {"currency": "RWF"}, None),
    (200, [], None),
    (500, fixture("momo_balance_response"), None),
]


@pytest.mark.parametrize(("status", "told", "balance_rwf"), BALANCES)
async def test_a_balance_is_whole_francs_or_none(
    status: int, told: object, balance_rwf: int | None, scripted_momo, http
) -> None:
    script, url = scripted_momo
    script.answer = answering(status, told)
    buyer = momo_collection(url, http)
    assert await buyer.balance_rwf() == balance_rwf
    assert await buyer.payout_balance_rwf() == balance_rwf
    products = [path.split("/")[1] for path in script.paths]
    assert products == ["collection", "disbursement"]


ACTIVE = [
    (200, fixture("momo_accountholder_active_response"), True),
    (200, {"result": False}, False),
    (200, {"result": "false"}, None),
    (200, {}, None),
    (200, [True], None),
    (404, fixture("momo_error_404"), False),
    (404, {"statusCode": 404}, None),
    (500, {"code": "NOT_ALLOWED"}, None),
    (503, None, None),
]


@pytest.mark.parametrize(("status", "told", "active"), ACTIVE)
async def test_a_wallet_is_active_or_not_or_nobody_knows(
    status: int, told: object, active: bool | None, scripted_momo, http
) -> None:
    script, url = scripted_momo
    script.answer = answering(status, told)
    assert await momo_collection(url, http).is_active(FARMER) is active
    assert script.paths == ["/collection/v1_0/accountholder/msisdn/250788123456/active"]


async def test_a_wallet_of_no_number_is_asked_of_nobody(scripted_momo, http) -> None:
    script, url = scripted_momo
    assert await momo_collection(url, http).is_active("+250/../..") is False
    assert script.asked == []


HOLDERS = {"NOT_FOUND": False, "NOT_ACTIVE": False}


@pytest.mark.parametrize(("number", "result"), NUMBERS["accountholder_active"].items())
async def test_every_account_holder_number_is_steered(
    number: str, result: str, sandbox: Sandbox, http
) -> None:
    buyer = momo_collection(sandbox.url, http)
    assert await buyer.is_active(f"+{number}") is HOLDERS.get(result)
    assert await buyer.is_active(FARMER) is True


WRONG = [
    {"currency": "EUR"},
    {"target_environment": "sandbox"},
]


@pytest.mark.parametrize("changes", WRONG)
async def test_wrong_settings_are_a_refusal_that_collects_nothing(
    changes: dict, sandbox: Sandbox, http
) -> None:
    buyer = momo_collection(sandbox.url, http, **changes)
    assert (await buyer.collect(collection())).outcome is Outcome.REFUSED
    assert sandbox.momo.transfers() == []


async def test_wrong_keys_are_unknown_not_a_refusal(sandbox: Sandbox, http) -> None:
    for wrong in ({"api_key": "x"}, {"subscription_key": "x"}, {"api_user": "x"}):
        buyer = momo_collection(sandbox.url, http, **wrong)
        assert (await buyer.collect(collection())).outcome is Outcome.UNKNOWN
        assert await buyer.balance_rwf() is None
        assert await buyer.is_active(FARMER) is None
    assert sandbox.momo.transfers() == []


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = ["status", "reason", "amount", "currency", "payer", "payee", "code"]


@settings(deadline=None)
@given(
    st.sampled_from([200, 201, 400, 404, 500]),
    json_values | st.dictionaries(st.sampled_from(NAMES), json_values),
)
def test_no_answer_raises_or_decides_by_accident(status: int, data: object) -> None:
    answers = [read_asked(status, data), read_looked_up(status, data, "payer")]
    decided = {Outcome.SUCCEEDED, Outcome.REFUSED, Outcome.ACCEPTED}
    assert not decided & {answer.outcome for answer in answers}
