"""Airtel's client: its wire, its token, and what it makes of answers over HTTP."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from dataclasses import replace
from types import SimpleNamespace

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from bot.payments.airtel_collection import AirtelCollection
from bot.payments.airtel_line import national
from bot.payments.airtel_signing import (
    signature,
)
from bot.payments.provider import Outcome
from bot.sandbox.airtel_access import PIN
from bot.sandbox.server import Sandbox
from tests.payments.airtel_answers import (
    AIRTEL_FARMER,
    OUR_ID,
    TOKEN,
    asked,
)
from tests.payments.operators import airtel, airtel_config, fixture, payout
from tests.payments.scripted import answering


async def test_the_request_is_as_documented(scripted_airtel, http) -> None:
    script, url = scripted_airtel
    order = payout("+250728123456")
    script.answer = answering(200, asked("DP00900001001", True, order.reference))
    assert (await airtel(url, http).ask(order)).outcome is Outcome.ACCEPTED
    method, headers, body = script.asked[0]
    assert (method, script.paths[0]) == ("POST", "/standard/v1/disbursements/")
    assert (headers["X-Country"], headers["X-Currency"]) == ("RW", "RWF")
    assert (headers["Accept"], headers["Content-Type"]) == ("*/*", "application/json")
    assert headers["Authorization"] == "Bearer X7kP"
    assert "x-signature" not in {name.lower() for name in headers}
    sent, documented = json.loads(body), fixture("airtel_disbursement_request")
    assert sent["payee"] == documented["payee"]
    assert sent["transaction"] == documented["transaction"] | {"id": order.reference}
    assert sent.keys() == documented.keys() and sent["reference"] == "Isoko KW 1042"
    assert script.key.decrypt(b64decode(sent["pin"]), PKCS1v15()) == PIN.encode()
    login = json.loads(script.token_bodies[0])
    assert login.keys() == fixture("airtel_token_request").keys()
    assert login["grant_type"] == "client_credentials"


async def test_version_2_signs_the_very_bytes_it_sends(scripted_airtel, http) -> None:
    script, url = scripted_airtel
    await airtel(url, http, sign_messages=True).ask(payout())
    _, headers, body = script.asked[0]
    assert script.paths[0] == "/standard/v2/disbursements/"
    secret = script.key.decrypt(b64decode(headers["x-key"]), PKCS1v15())
    aes_key, iv = (b64decode(part) for part in secret.split(b":"))
    assert headers["x-signature"] == signature(body.encode(), aes_key, iv)


@pytest.mark.parametrize(
    ("msisdn", "wanted"),
    [(AIRTEL_FARMER, "738000004"), ("+250728123456", "728123456"), ("+256728123456", ""),
     ("0738000004", ""), ("+25073800000", ""), ("+2507380000044", ""), ("", "")],
)  # fmt: skip
def test_a_number_goes_without_country_code(msisdn: str, wanted: str) -> None:
    assert national(msisdn) == wanted


@pytest.mark.parametrize("change", [{"payee_msisdn": "+256728123456"}, {"currency": "USD"}])
async def test_what_airtel_rwanda_cannot_pay_never_leaves(
    change: dict, scripted_airtel, http
) -> None:
    script, url = scripted_airtel
    answer = await airtel(url, http).ask(replace(payout(), **change))
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, "NOT_FOR_AIRTEL")
    assert script.asked == [] and script.tokens_asked == 0


async def test_a_redirect_is_not_followed_with_our_pin(scripted_airtel, http) -> None:
    script, url = scripted_airtel

    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect(f"{url}/captive")

    script.answer = elsewhere
    assert (await airtel(url, http).ask(payout())).outcome is Outcome.UNKNOWN
    assert len(script.asked) == 1


@pytest.mark.parametrize(
    "token", [{}, [], None, {"access_token": "a\r\nX: y"}, {"access_token": "a", "expires_in": "x"},
              {"access_token": ""}, fixture("airtel_token_error")]
)  # fmt: skip
async def test_a_token_that_is_none_is_unknown_and_nothing_is_asked(
    token: object, scripted_airtel, http
) -> None:
    script, url = scripted_airtel
    script.token = token
    order = payout()
    assert (await airtel(url, http).ask(order)).outcome is Outcome.UNKNOWN
    assert (await airtel(url, http).look_up(order.reference)).outcome is Outcome.UNKNOWN
    assert script.asked == []


async def test_wrong_keys_are_unknown_not_a_refusal(sandbox: Sandbox, http) -> None:
    for wrong in ({"client_id": "x"}, {"client_secret": "x"}, {"country": "UG"}):
        assert (await airtel(sandbox.url, http, **wrong).ask(payout())).outcome is Outcome.UNKNOWN
    assert sandbox.airtel.transfers() == []


async def test_a_token_that_ends_mid_batch_is_renewed_once_for_all(scripted_airtel, http) -> None:
    """Refusals that come in late must not fetch again what others fetched meanwhile."""
    script, url = scripted_airtel
    served = 0

    async def refuse_the_old(request: web.Request) -> web.Response:
        nonlocal served
        if request.headers["Authorization"] == "Bearer old":
            served += 1
            await asyncio.sleep(0.02 * served)
            return web.json_response({"error": "invalid_token"}, status=401)
        body = await request.json()
        return web.json_response(asked("DP00900001001", True, body["transaction"]["id"]))

    script.answer = refuse_the_old
    client = airtel(url, http, timeout_s=5)
    script.token = {**TOKEN, "access_token": "old"}
    batch = [asyncio.create_task(client.ask(payout())) for _ in range(10)]
    while not served:
        await asyncio.sleep(0.001)
    script.token = {**TOKEN, "access_token": "new"}
    answers = await asyncio.gather(*batch)
    assert {answer.outcome for answer in answers} == {Outcome.ACCEPTED}
    assert script.tokens_asked == 2


async def test_a_token_of_three_minutes_in_text_is_renewed_after_two(
    scripted_airtel, http, monkeypatch
) -> None:
    script, url = scripted_airtel
    client, now_s = airtel(url, http), 1000.0
    clock = SimpleNamespace(monotonic=lambda: now_s)
    monkeypatch.setattr("bot.payments.shared_token.time", clock)
    for now_s, tokens in ((1000.0, 1), (1000.0 + 119, 1), (1000.0 + 121, 2)):  # noqa: B007
        await client.look_up(OUR_ID)
        assert script.tokens_asked == tokens


ASKED = [
    (200, fixture("airtel_payment_response_initiated"), Outcome.ACCEPTED, False),
    (200, fixture("airtel_payment_response_rejected_http200"), Outcome.REFUSED, False),
    (400, fixture("airtel_payment_response_400"), Outcome.REFUSED, False),
    # A duplicate says "failed" of the second call; the first may have paid.
    (400, fixture("airtel_disbursement_duplicate"), Outcome.UNKNOWN, False),
    (400, {"status": {"success": False, "result_code": "ESB000041"}}, Outcome.UNKNOWN, False),
    (200, asked("DP00900001001", True, "another"), Outcome.UNKNOWN, True),
    (200, asked("DP00900001007", False, "another"), Outcome.UNKNOWN, True),
    (200, asked("DP00900001001", True, status="TF"), Outcome.UNKNOWN, True),
    (200, asked("DP00900001001", False), Outcome.UNKNOWN, True),
    (200, asked("DP00900001007", True), Outcome.UNKNOWN, True),
    (403, asked("DP00900001016", False), Outcome.UNKNOWN, True),
    (200, {"status": {"success": True}}, Outcome.UNKNOWN, False),
    (200, {}, Outcome.UNKNOWN, False),
    (200, None, Outcome.UNKNOWN, False),
    (200, ["a list"], Outcome.UNKNOWN, False),
    (200, {"status": [], "data": []}, Outcome.UNKNOWN, False),
    (429, None, Outcome.UNKNOWN, False),
    (401, fixture("airtel_token_error"), Outcome.UNKNOWN, False),
    (403, None, Outcome.UNKNOWN, False),
    (500, None, Outcome.UNKNOWN, False),
]


@pytest.mark.parametrize(("status", "body", "outcome", "strange"), ASKED)
async def test_only_airtel_s_own_word_about_a_payment_is_a_refusal(
    status: int, body: object, outcome: Outcome, strange: bool, scripted_airtel, http
) -> None:
    script, url = scripted_airtel
    script.answer = answering(status, body)
    ours = _id_in(body) or OUR_ID
    answer = await airtel(url, http).ask(replace(payout(), reference=ours))
    assert (answer.outcome, answer.strange) == (outcome, strange)


def _id_in(body: object) -> str:
    """The id that a fixture names, so that it is an answer to us; "another" stays another's."""
    data = body.get("data") if isinstance(body, dict) else None
    found = data["transaction"]["id"] if isinstance(data, dict) and "transaction" in data else ""
    return "" if found == "another" else found


async def test_paid_at_once_is_accepted_until_a_look_up_says_it(scripted_airtel, http) -> None:
    script, url = scripted_airtel
    script.answer = answering(200, fixture("airtel_disbursement_response"))
    answer = await airtel(url, http).ask(replace(payout(), reference="isoko-po-77"))
    assert (answer.outcome, answer.provider_txn_id) == (Outcome.ACCEPTED, "CI260928.1017.H00077")


NOTHING_TOLD = frozenset({"amount_rwf", "currency", "payee_msisdn"})
LOOKED_UP = [
    ("TS", Outcome.SUCCEEDED, Outcome.SUCCEEDED, "", 5_000, frozenset({"payee_msisdn"})),
    ("TF", Outcome.REFUSED, Outcome.REFUSED, "DP00800001008", None, NOTHING_TOLD),
    ("TIP", Outcome.PENDING, Outcome.PENDING, "DP00800001006", None, frozenset()),
    ("TA", Outcome.UNKNOWN, Outcome.UNKNOWN, "DP00800001000", None, frozenset()),
    # Only a prompt expires; what an expired payout is, no page says.
    ("TE", Outcome.UNKNOWN, Outcome.REFUSED, None, None, None),
]


@pytest.mark.parametrize(
    ("state", "payout_is", "prompt_is", "reason", "amount", "untold"), LOOKED_UP
)
async def test_documented_states_are_read(
    state, payout_is, prompt_is, reason, amount, untold, scripted_airtel, http
) -> None:
    script, url = scripted_airtel
    script.answer = answering(200, fixture(f"airtel_enquiry_{state}"))
    answer = await airtel(url, http).look_up(OUR_ID)
    collection = AirtelCollection(airtel_config(url), http)
    assert (await collection.look_up(OUR_ID)).outcome is prompt_is
    assert script.paths == [
        f"/standard/v1/{kind}/{OUR_ID}" for kind in ("disbursements", "payments")
    ]
    assert answer.outcome is payout_is
    if reason is not None:
        assert (answer.reason, answer.amount_rwf, answer.untold) == (reason, amount, untold)
    assert answer.strange == (state == "TE")


@pytest.mark.parametrize("text", ["", "not json", "<html>", "[" * 100_000, "null", "3", '{"data":'])
async def test_an_unreadable_body_is_unknown(text: str, scripted_airtel, http) -> None:
    script, url = scripted_airtel
    script.answer = answering(200, text=text)
    order = payout()
    assert (await airtel(url, http).ask(order)).outcome is Outcome.UNKNOWN
    assert (await airtel(url, http).look_up(order.reference)).outcome is Outcome.UNKNOWN
