"""The pretended Airtel Money is as strict as its documents, and calls back as they say, or not."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.payments.airtel_signing import encrypted_pin, read_public_key, signed, wire_json
from bot.sandbox.airtel_access import CLIENT_ID, CLIENT_SECRET, PIN
from bot.sandbox.server import Sandbox, start_sandbox

FIXTURES = Path("tests/payments/fixtures")
PAY, ENQUIRE = "/standard/v1/disbursements/", "/standard/v1/disbursements"
PAYEE = {"msisdn": "728123456", "wallet_type": "NORMAL"}
TRANSACTION = {"amount": 42000, "id": "isoko-po-77", "type": "B2C"}
BODY = {"payee": PAYEE, "reference": "Payout 77", "transaction": TRANSACTION}
LOGIN = {
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_SECRET,
    "grant_type": "client_credentials",
}


def documented(name: str) -> dict:
    return json.loads((FIXTURES / f"airtel_{name}.json").read_text())


@dataclass
class Caller:
    """A client that sends exactly what a test says."""

    http: aiohttp.ClientSession
    url: str
    token: str = ""

    async def call(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        async with self.http.request(method, f"{self.url}{path}", **more) as response:
            text = await response.text()
            return response.status, json.loads(text) if text.startswith("{") else text

    async def headers(self, **changes: str) -> dict[str, str]:
        """The headers of a right call, with changes."""
        if not self.token:
            _, told = await self.call("POST", "/auth/oauth2/token", json=LOGIN)
            self.token = told["access_token"]
        right = {
            "Authorization": f"Bearer {self.token}",
            "X-Country": "RW",
            "X-Currency": "RWF",
            "Content-Type": "application/json",
        }
        return {**right, **{name.replace("_", "-"): value for name, value in changes.items()}}

    async def key(self):
        _, told = await self.call("GET", "/v1/rsa/encryption-keys", headers=await self.headers())
        return read_public_key(told["data"]["key"])

    async def pay(self, body: object = BODY, path: str = PAY, **changes: str) -> tuple[int, Any]:
        if isinstance(body, dict) and "pin" not in body:
            body = {**body, "pin": encrypted_pin(PIN, await self.key())}
        return await self.call("POST", path, json=body, headers=await self.headers(**changes))

    async def look(self, our_id: str = "isoko-po-77") -> tuple[int, Any]:
        return await self.call("GET", f"{ENQUIRE}/{our_id}", headers=await self.headers())

    async def switch(self, **switches: object) -> None:
        assert (await self.call("POST", "/sandbox/switches", json=switches))[0] == 200


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    running = await start_sandbox("127.0.0.1", 0)
    yield running
    await running.stop()


@pytest.fixture
async def caller(sandbox: Sandbox) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession() as http:
        yield Caller(http, sandbox.url)


@dataclass
class Called:
    """A door that the operator calls back to."""

    url: str = ""
    bodies: list[dict] = field(default_factory=list)

    async def receive(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        return web.Response(status=500)


@pytest.fixture
async def called(sandbox: Sandbox) -> AsyncIterator[Called]:
    door, app = Called(), web.Application()
    app.router.add_post("/cb", door.receive)
    async with TestServer(app) as server:
        sandbox.airtel.callback_url = str(server.make_url("/cb"))
        yield door


async def test_a_token_lasts_three_minutes_told_in_text(caller: Caller) -> None:
    status, told = await caller.call("POST", "/auth/oauth2/token", json=LOGIN)
    assert status == 200 and told.keys() == documented("token_response").keys()
    assert told["expires_in"] == "180"


@pytest.mark.parametrize("change", [{"client_id": "x"}, {"client_secret": ""}, {"grant_type": ""}])
async def test_a_wrong_login_is_refused_as_documented(change: dict, caller: Caller) -> None:
    answer = await caller.call("POST", "/auth/oauth2/token", json=LOGIN | change)
    assert answer == (401, documented("token_error"))


async def test_a_payout_is_answered_and_told_as_documented(caller: Caller) -> None:
    await caller.switch(settle_after_s=0)
    status, told = await caller.pay()
    page = documented("disbursement_response")
    assert status == 200 and told["status"] == page["status"]
    assert told["data"]["transaction"].keys() == page["data"]["transaction"].keys()
    _, seen = await caller.look()
    page = documented("enquiry_TS")
    assert seen["status"].keys() == page["status"].keys()
    assert seen["data"]["transaction"].keys() == page["data"]["transaction"].keys()
    assert seen["data"]["transaction"]["message"] == "Paid RWF 42000"


WRONG_HEADERS = [
    ({"Authorization": "Bearer wrong"}, 401),
    ({"Authorization": ""}, 401),
    ({"X_Country": "UG"}, 400),
    ({"X_Country": ""}, 400),
    ({"X_Currency": "UGX"}, 400),
]


@pytest.mark.parametrize(("changes", "status"), WRONG_HEADERS)
async def test_a_wrong_header_is_refused(
    changes: dict, status: int, caller: Caller, sandbox: Sandbox
) -> None:
    assert (await caller.pay(**changes))[0] == status
    assert sandbox.airtel.transfers() == []


WRONG_BODIES = [
    ({"payee": PAYEE | {"msisdn": "250728123456"}}, "DP00900001012"),
    ({"payee": PAYEE | {"msisdn": "+250728123456"}}, "DP00900001012"),
    ({"payee": PAYEE | {"msisdn": "0728123456"}}, "DP00900001012"),
    ({"payee": PAYEE | {"msisdn": 728123456}}, "DP00900001012"),
    ({"payee": None}, "DP00900001012"),
    ({"transaction": TRANSACTION | {"amount": "42000"}}, "DP00900001004"),
    ({"transaction": TRANSACTION | {"amount": 0}}, "DP00900001004"),
    ({"transaction": TRANSACTION | {"amount": True}}, "DP00900001004"),
    ({"transaction": TRANSACTION | {"amount": 1.5}}, "DP00900001004"),
    ({"transaction": TRANSACTION | {"type": "C2C"}}, "DP00900001005"),
    ({"pin": "2468"}, "DP00900001010"),
    ({"pin": b64encode(b"2468").decode()}, "DP00900001010"),
    ({"transaction": {}}, None),
    ({"transaction": []}, None),
    ({"transaction": TRANSACTION | {"id": 77}}, None),
    ({"reference": None}, None),
]


@pytest.mark.parametrize(("changes", "code"), WRONG_BODIES)
@pytest.mark.parametrize("refuse_with_200", [True, False])
async def test_a_wrong_body_is_refused(
    changes: dict, code: str | None, refuse_with_200: bool, caller: Caller, sandbox: Sandbox
) -> None:
    await caller.switch(refuse_with_200=refuse_with_200)
    status, told = await caller.pay(BODY | changes)
    assert told["status"].get("response_code") == code and told["status"]["success"] is False
    assert status == (200 if refuse_with_200 and code else 400)
    assert sandbox.airtel.transfers() == []


@pytest.mark.parametrize("body", [None, [], "text", 3])
async def test_a_body_that_is_no_object_is_refused(body: object, caller: Caller) -> None:
    assert (await caller.pay(body))[0] == 400


async def test_an_id_works_once_even_at_once(caller: Caller, sandbox: Sandbox) -> None:
    body = BODY | {"pin": encrypted_pin(PIN, await caller.key())}
    answers = await asyncio.gather(*(caller.pay(body) for _ in range(8)))
    assert sorted(status for status, _ in answers) == [200] + [400] * 7
    refused = next(told for status, told in answers if status == 400)
    assert refused == documented("disbursement_duplicate")
    assert len(sandbox.airtel.transfers()) == 1


async def test_version_2_wants_a_signature_over_the_very_bytes(caller: Caller) -> None:
    key = await caller.key()
    body = wire_json(BODY | {"pin": encrypted_pin(PIN, key)})
    right, path = signed(body, key), "/standard/v2/disbursements/"
    for headers, sent in (({}, body), (right, body + b" "), ({**right, "x-key": "AAAA"}, body)):
        all_headers = {**await caller.headers(), **headers}
        status, told = await caller.call("POST", path, data=sent, headers=all_headers)
        assert (status, told["status"]["response_code"]) == (400, "DP00900001016")
    all_headers = {**await caller.headers(), **right}
    assert (await caller.call("POST", path, data=body, headers=all_headers))[0] == 200


async def test_a_changed_key_still_reads_pins_but_no_signature(
    caller: Caller, sandbox: Sandbox
) -> None:
    key = await caller.key()
    body = BODY | {"pin": encrypted_pin(PIN, key)}
    sandbox.airtel.access.rotate_key()
    sent = wire_json(body)
    headers = {**await caller.headers(), **signed(sent, key)}
    path = "/standard/v2/disbursements/"
    _, told = await caller.call("POST", path, data=sent, headers=headers)
    assert told["status"]["response_code"] == "DP00900001016"
    assert (await caller.pay(body))[0] == 200


async def test_a_key_is_told_as_documented(caller: Caller) -> None:
    _, told = await caller.call("GET", "/v1/rsa/encryption-keys", headers=await caller.headers())
    page = documented("encryption_keys_response")
    assert told["data"].keys() == page["data"].keys()
    assert len(b64decode(told["data"]["key"])) == 162


STATES = [
    ({"settle_after_s": 60}, "728123456", "TIP", "DP00900001006"),
    ({"settle_after_s": 60, "ambiguous_state": True}, "728123456", "TA", "DP00900001000"),
    ({"settle_after_s": 0}, "728123456", "TS", "DP00900001001"),
    ({"settle_after_s": 0}, "730001008", "TF", "DP00900001008"),
    ({"settle_after_s": 0}, "730001029", "TE", "DP00900001029"),
    ({"settle_after_s": 0}, "730001000", "TA", "DP00900001000"),
]


@pytest.mark.parametrize(("switches", "msisdn", "state", "code"), STATES)
async def test_every_state_can_be_had(
    switches: dict, msisdn: str, state: str, code: str, caller: Caller
) -> None:
    await caller.switch(**switches)
    await caller.pay(BODY | {"payee": {"msisdn": msisdn}})
    _, told = await caller.look()
    assert (told["data"]["transaction"]["status"], told["status"]["response_code"]) == (state, code)


async def test_what_was_never_asked_is_not_found_in_either_product(caller: Caller) -> None:
    await caller.pay()
    status, told = await caller.look("isoko-po-78")
    assert (status, told["status"]["response_code"]) == (404, "DP00900001015")
    path = "/standard/v1/payments/isoko-po-77"
    _, told = await caller.call("GET", path, headers=await caller.headers())
    assert told["status"]["response_code"] == "DP00800001025"


async def test_people_and_balance_are_told_as_documented(caller: Caller) -> None:
    headers = await caller.headers()
    _, told = await caller.call("GET", "/standard/v1/users/728123456", headers=headers)
    assert told == documented("kyc_response")
    _, told = await caller.call("GET", "/standard/v1/users/balance", headers=headers)
    page = documented("balance_response")
    assert told["status"] == page["status"] and told["data"].keys() == page["data"].keys()
    assert (await caller.call("GET", "/standard/v1/users/250728123456", headers=headers))[0] == 404


CALLBACKS = [
    ({}, ["TS"]),
    ({"hash_whole": True}, ["TS"]),
    ({"lost_callback": True}, []),
    ({"callback_twice": True}, ["TS", "TS"]),
    ({"late_s": 60}, []),
    ({"settle_after_s": 60}, []),
    ({"settle_after_s": 60, "forged_callback": True}, ["TS"]),
]


@pytest.mark.parametrize(("switches", "states"), CALLBACKS)
async def test_a_callback_comes_once_unless_a_nuisance_is_on(
    switches: dict, states: list[str], caller: Caller, called: Called
) -> None:
    await caller.switch(**{"settle_after_s": 0.05} | switches)
    await caller.pay()
    await asyncio.sleep(0.25)
    assert [body["transaction"]["status_code"] for body in called.bodies] == states
    page = documented("callback_with_hash")
    assert all(body.keys() == page.keys() for body in called.bodies)


async def test_a_callback_may_come_before_our_answer_and_bear_no_hash(
    caller: Caller, called: Called
) -> None:
    await caller.switch(callback_before_202=True, callback_hash=False)
    await caller.pay()
    assert [body.keys() for body in called.bodies] == [documented("callback_plain").keys()]


async def test_the_state_shows_both_operators_and_no_full_number(caller: Caller) -> None:
    await caller.pay()
    _, state = await caller.call("GET", "/sandbox/state.json")
    [shown] = state["transfers"]
    assert (shown["operator"], shown["amount_rwf"]) == ("Airtel Money", 42_000)
    assert "728123456" not in str(state)


async def test_the_operator_remembers_when_we_are_killed(tmp_path: Path, called: Called) -> None:
    """Another operator on the same file, the first never told to stop."""
    file = tmp_path / "sandbox.jsonl"
    first = await start_sandbox("127.0.0.1", 0, file)
    async with aiohttp.ClientSession() as http:
        caller = Caller(http, first.url)
        await caller.switch(settle_after_s=0.2, lost_callback=True)
        await caller.pay()
        second = await start_sandbox("127.0.0.1", 0, file)
        again = Caller(http, second.url)
        assert (await again.pay())[1]["status"]["response_code"] == "DP00900001017"
        await asyncio.sleep(0.2)
        assert second.airtel.float_rwf() == 500_000_000 - 42_000
        await first.stop()
        await second.stop()
