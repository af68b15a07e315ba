"""MTN's client: its wire, its token, its own numbers, and answers from things in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.payments.mtn_momo import MtnMomo
from bot.payments.provider import Outcome
from bot.sandbox.server import Sandbox
from bot.sandbox.switches import Switches
from tests.payments.operators import FARMER, fixture, momo, payout
from tests.payments.scripted import Scripted, answering, scripted_server

NUMBERS = fixture("momo_sandbox_msisdns")["transfer"]


@pytest.fixture
async def scripted() -> AsyncIterator[tuple[Scripted, str]]:
    """A scripted server and its address."""
    async with scripted_server("/disbursement/token/") as one:
        yield one


async def test_the_request_is_as_documented(scripted, http: aiohttp.ClientSession) -> None:
    script, url = scripted
    order = payout()
    client = momo(url, http, callback_url="https://shop.example.rw/cb")
    assert (await client.ask(order)).outcome is Outcome.ACCEPTED
    method, headers, body = script.asked[0]
    assert method == "POST"
    assert headers["X-Reference-Id"] == order.reference
    assert headers["X-Target-Environment"] == "mtnrwanda"
    assert headers["Ocp-Apim-Subscription-Key"] == "demo-momo-key"
    assert headers["X-Callback-Url"] == "https://shop.example.rw/cb/token"
    sent, documented = json.loads(body), fixture("momo_transfer_request")
    assert sent.keys() == documented.keys()
    assert (sent["amount"], sent["payee"]) == (documented["amount"], documented["payee"])
    assert sent["payerMessage"].replace(" ", "").isalnum()


# What MTN answers to asking; only its own words about this payment are a refusal.
ASKED = [
    (202, None, Outcome.ACCEPTED),
    (409, fixture("momo_error_409"), Outcome.UNKNOWN),
    (400, {"code": "RESOURCE_ALREADY_EXIST"}, Outcome.UNKNOWN),
    (400, {"code": "VALIDATION_ERROR"}, Outcome.REFUSED),
    (500, fixture("momo_error_500_currency"), Outcome.REFUSED),
    (500, fixture("momo_error_500_callback_host"), Outcome.REFUSED),
    (500, fixture("momo_error_500_environment"), Outcome.REFUSED),
    (500, {"code": "INTERNAL_PROCESSING_ERROR"}, Outcome.UNKNOWN),
    (500, None, Outcome.UNKNOWN),
    (500, {"code": None}, Outcome.UNKNOWN),
    (503, {"code": "SERVICE_UNAVAILABLE"}, Outcome.UNKNOWN),
    (429, None, Outcome.UNKNOWN),
    (401, {"statusCode": 401}, Outcome.UNKNOWN),
    (403, None, Outcome.UNKNOWN),
    (400, None, Outcome.UNKNOWN),
    (200, ["a list"], Outcome.UNKNOWN),
    (201, None, Outcome.UNKNOWN),
]


@pytest.mark.parametrize(("status", "body", "outcome"), ASKED)
async def test_only_mtn_s_own_word_about_a_payment_is_a_refusal(
    status: int, body: object, outcome: Outcome, scripted, http: aiohttp.ClientSession
) -> None:
    script, url = scripted
    script.answer = answering(status, body)
    assert (await momo(url, http).ask(payout())).outcome is outcome


LOOKED_UP = [
    ("momo_transfer_status_successful", Outcome.SUCCEEDED, "", 42_000, FARMER),
    ("momo_transfer_status_failed", Outcome.REFUSED, "NOT_ENOUGH_FUNDS", 42_000, FARMER),
    ("momo_requesttopay_status_created", Outcome.PENDING, "", 5_000, ""),
    ("momo_requesttopay_status_pending", Outcome.PENDING, "", 5_000, ""),
    ("momo_requesttopay_status_failed_reason_object", Outcome.REFUSED, "PAYER_NOT_FOUND", 5000, ""),
    (
        "momo_requesttopay_status_failed_reason_string",
        Outcome.REFUSED,
        "COULD_NOT_PERFORM_TRANSACTION",
        5_000,
        "",
    ),
]


@pytest.mark.parametrize(("name", "outcome", "reason", "amount_rwf", "payee"), LOOKED_UP)
async def test_documented_states_are_read(
    name: str, outcome: Outcome, reason: str, amount_rwf: int, payee: str, scripted, http
) -> None:
    script, url = scripted
    script.answer = answering(200, fixture(name))
    answer = await momo(url, http).look_up(payout().reference)
    told = (answer.outcome, answer.reason, answer.amount_rwf, answer.payee_msisdn)
    assert told == (outcome, reason, amount_rwf, payee)


AMOUNTS = [("42000", 42_000), ("42000.00", 42_000), (42_000, 42_000), ("42000.50", None)]
AMOUNTS += [(text, None) for text in ("-1", "42,000", "", "1e5", "٤٢", None, True, [], "9" * 40)]


@pytest.mark.parametrize(("amount", "amount_rwf"), AMOUNTS)
async def test_an_amount_is_whole_francs_or_none(
    amount: object, amount_rwf: int | None, scripted, http
) -> None:
    script, url = scripted
    body = fixture("momo_transfer_status_successful") | {"amount": amount}
    script.answer = answering(200, body)
    answer = await momo(url, http).look_up(payout().reference)
    assert (answer.outcome, answer.amount_rwf) == (Outcome.SUCCEEDED, amount_rwf)


@pytest.mark.parametrize("text", ["", "not json", "<html>", "[" * 100_000, "null", "3"])
async def test_an_unreadable_body_is_unknown(text: str, scripted, http) -> None:
    script, url = scripted
    script.answer = answering(200, text=text)
    order = payout()
    assert (await momo(url, http).ask(order)).outcome is Outcome.UNKNOWN
    assert (await momo(url, http).look_up(order.reference)).outcome is Outcome.UNKNOWN


async def test_a_redirect_is_not_followed_with_our_keys(scripted, http) -> None:
    script, url = scripted

    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect(f"{url}/captive")

    script.answer = elsewhere
    assert (await momo(url, http).ask(payout())).outcome is Outcome.UNKNOWN
    assert len(script.asked) == 1


@pytest.mark.parametrize(
    "token", [{}, [], None, {"access_token": "a\r\nX: y"}, {"access_token": "a", "expires_in": []}]
)
async def test_a_token_that_is_none_is_unknown_and_nothing_is_asked(
    token: object, scripted, http
) -> None:
    script, url = scripted
    script.token = token
    assert (await momo(url, http).ask(payout())).outcome is Outcome.UNKNOWN
    assert script.asked == []


async def test_wrong_keys_are_unknown_not_a_refusal(sandbox: Sandbox, http) -> None:
    for wrong in ({"api_key": "x"}, {"subscription_key": "x"}, {"api_user": "x"}):
        assert (await momo(sandbox.url, http, **wrong).ask(payout())).outcome is Outcome.UNKNOWN
    assert sandbox.momo.transfers() == []


async def test_a_token_that_ends_mid_batch_is_renewed_once_for_all(scripted, http) -> None:
    """Refusals that come in late must not fetch again what others fetched meanwhile."""
    script, url = scripted
    served = 0

    async def refuse_the_old(request: web.Request) -> web.Response:
        nonlocal served
        if request.headers["Authorization"] == "Bearer old":
            served += 1
            await asyncio.sleep(0.02 * served)
            return web.json_response({"statusCode": 401}, status=401)
        return web.Response(status=202)

    script.answer = refuse_the_old
    client = momo(url, http, timeout_s=5)
    script.token = {"access_token": "old", "expires_in": 3600}
    batch = [asyncio.create_task(client.ask(payout())) for _ in range(10)]
    while not served:
        await asyncio.sleep(0.001)
    script.token = {"access_token": "new", "expires_in": 3600}
    answers = await asyncio.gather(*batch)
    assert {answer.outcome for answer in answers} == {Outcome.ACCEPTED}
    assert script.tokens_asked == 2


async def test_many_first_calls_share_one_token(sandbox: Sandbox, http) -> None:
    client = momo(sandbox.url, http, timeout_s=5)
    await asyncio.gather(*(client.ask(payout()) for _ in range(20)))
    assert sandbox.momo.tokens_given == 1
    sandbox.momo.forget_tokens()
    answers = await asyncio.gather(*(client.ask(payout()) for _ in range(20)))
    assert {answer.outcome for answer in answers} == {Outcome.ACCEPTED}
    assert sandbox.momo.tokens_given == 2


async def test_a_token_is_renewed_a_minute_early(scripted, http, monkeypatch) -> None:
    script, url = scripted
    client, now_s = momo(url, http), 1000.0
    clock = SimpleNamespace(monotonic=lambda: now_s)
    monkeypatch.setattr("bot.payments.shared_token.time", clock)
    for now_s, tokens in ((1000.0, 1), (1000.0 + 3539, 1), (1000.0 + 3541, 2)):  # noqa: B007
        await client.ask(payout())
        assert script.tokens_asked == tokens


# These wait, or have another name on the wire; the others fail with the table's own word.
STEERED = {
    "ONGOING": (Outcome.PENDING, ""),
    "DELAYED": (Outcome.PENDING, ""),
    "REJECTED": (Outcome.REFUSED, "APPROVAL_REJECTED"),
}


@pytest.mark.parametrize(("number", "result"), NUMBERS.items())
@pytest.mark.parametrize("string_reason", [True, False])
async def test_every_sandbox_number_ends_as_its_table_says(
    number: str, result: str, string_reason: bool, sandbox: Sandbox, http
) -> None:
    sandbox.momo.switches = Switches(settle_after_s=0, string_reason=string_reason)
    client: MtnMomo = momo(sandbox.url, http)
    order = payout(f"+{number}")
    assert (await client.ask(order)).outcome is Outcome.ACCEPTED
    answer = await client.look_up(order.reference)
    expected = STEERED.get(result, (Outcome.REFUSED, result))
    assert (answer.outcome, answer.reason) == expected


@pytest.mark.parametrize(
    ("name", "status"),
    [("momo_callback_successful", "SUCCESSFUL"), ("momo_callback_failed", "FAILED")],
)
async def test_documented_callbacks_are_read(name: str, status: str, http) -> None:
    body = json.dumps(fixture(name)).encode()
    hint = momo("http://unused", http).read_callback({}, body)
    assert (hint.external_id, hint.status) == ("order-1042", status)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["status", "reason", "amount", "currency", "payee", "externalId"]),
        json_values,
    )
)
def test_no_callback_body_raises(body: dict) -> None:
    client = MtnMomo.__new__(MtnMomo)
    hint = client.read_callback({}, json.dumps(body).encode())
    assert len(hint.external_id) <= 40
