"""The pretended MoMo is as strict as the real one, and calls back as it does, or as it must not."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.sandbox.momo_access import API_KEY, API_USER, KEYS
from bot.sandbox.server import Sandbox, start_sandbox

TRANSFER = "/disbursement/v1_0/transfer"
BODY = {
    "amount": "42000",
    "currency": "RWF",
    "externalId": "payout-77",
    "payee": {"partyIdType": "MSISDN", "partyId": "250788123456"},
    "payerMessage": "Isoko payout 77",
    "payeeNote": "payout 77",
}


@dataclass
class Caller:
    """A client that sends exactly what a test says."""

    http: aiohttp.ClientSession
    url: str
    user: str = API_USER
    key: str = API_KEY
    environment: str = "mtnrwanda"
    tokens: dict[str, str] = field(default_factory=dict)

    async def call(self, method: str, path: str, **more: Any) -> tuple[int, bytes]:
        async with self.http.request(method, f"{self.url}{path}", **more) as response:
            return response.status, await response.read()

    async def headers(self, product: str = "disbursement", **changes: str) -> dict[str, str]:
        """The headers of a right call, with changes."""
        if product not in self.tokens:
            basic = aiohttp.encode_basic_auth(self.user, self.key)
            keys = {"Authorization": basic, "Ocp-Apim-Subscription-Key": KEYS[product]}
            async with self.http.post(f"{self.url}/{product}/token/", headers=keys) as response:
                self.tokens[product] = (await response.json())["access_token"]
        right = {
            "Authorization": f"Bearer {self.tokens[product]}",
            "Ocp-Apim-Subscription-Key": KEYS[product],
            "X-Target-Environment": self.environment,
            "X-Reference-Id": str(uuid.uuid4()),
        }
        named = {name.replace("_", "-"): value for name, value in changes.items()}
        return {**right, **named}

    async def transfer(self, body: object = BODY, **changes: str) -> tuple[int, bytes]:
        return await self.call("POST", TRANSFER, json=body, headers=await self.headers(**changes))

    async def switch(self, **switches: object) -> int:
        return (await self.call("POST", "/sandbox/switches", json=switches))[0]

    async def state(self) -> dict:
        async with self.http.get(f"{self.url}/sandbox/state.json") as response:
            return await response.json()


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
    """A door that operators call back to."""

    url: str = ""
    calls: list[tuple[str, dict]] = field(default_factory=list)

    async def receive(self, request: web.Request) -> web.Response:
        self.calls.append((request.method, await request.json()))
        # A refusal: the real one does not try again either.
        return web.Response(status=500)


@pytest.fixture
async def called() -> AsyncIterator[Called]:
    door, app = Called(), web.Application()
    app.router.add_route("*", "/cb", door.receive)
    async with TestServer(app) as server:
        door.url = str(server.make_url("/cb"))
        yield door


async def test_a_right_transfer_is_202_with_an_empty_body(caller: Caller) -> None:
    assert await caller.transfer() == (202, b"")


WRONG_HEADERS = [
    ({"Ocp_Apim_Subscription_Key": "wrong"}, 401),
    ({"Ocp_Apim_Subscription_Key": KEYS["collection"]}, 401),
    ({"Authorization": "Bearer wrong"}, 401),
    ({"Authorization": ""}, 401),
    ({"X_Target_Environment": "sandbox"}, 500),
    ({"X_Target_Environment": "mtnuganda"}, 500),
    ({"X_Reference_Id": "payout-77"}, 400),
    ({"X_Reference_Id": str(uuid.uuid1())}, 400),
    ({"X_Reference_Id": uuid.uuid4().hex}, 400),
]


@pytest.mark.parametrize(("changes", "status"), WRONG_HEADERS)
async def test_a_wrong_header_is_refused(changes: dict, status: int, caller: Caller) -> None:
    assert (await caller.transfer(**changes))[0] == status
    assert (await caller.state())["counts"]["transfers"] == 0


WRONG_BODIES = [
    ({"amount": 42000}, 400),
    ({"amount": "42000.50"}, 400),
    ({"amount": "0"}, 400),
    ({"amount": "-5"}, 400),
    ({"currency": "EUR"}, 500),
    ({"payee": {"partyIdType": "MSISDN", "partyId": "+250788123456"}}, 400),
    ({"payee": {"partyIdType": "MSISDN", "partyId": 250788123456}}, 400),
    ({"payee": {"partyIdType": "EMAIL", "partyId": "a@example.rw"}}, 400),
    ({"payee": None}, 400),
    ({"payeeNote": "ikawa y'umuhinzi"}, 400),
    ({"payeeNote": "a" * 161}, 400),
    ({"payeeNote": ""}, 202),
]


@pytest.mark.parametrize(("changes", "status"), WRONG_BODIES)
async def test_a_wrong_body_is_refused(changes: dict, status: int, caller: Caller) -> None:
    assert (await caller.transfer({**BODY, **changes}))[0] == status


@pytest.mark.parametrize("body", [None, [], "text", 3])
async def test_a_body_that_is_no_object_is_refused(body: object, caller: Caller) -> None:
    assert (await caller.transfer(body))[0] == 400


async def test_a_reference_works_once_even_with_an_equal_body_at_once(caller: Caller) -> None:
    reference = str(uuid.uuid4())
    await caller.headers()
    calls = [caller.transfer(X_Reference_Id=reference) for _ in range(8)]
    calls.append(caller.transfer(X_Reference_Id=reference.upper()))
    statuses = [status for status, _ in await asyncio.gather(*calls)]
    assert sorted(statuses) == [202] + [409] * 8


async def test_a_transfer_is_seen_only_through_its_own_product(caller: Caller) -> None:
    headers = await caller.headers()
    await caller.call("POST", TRANSFER, json=BODY, headers=headers)
    reference = headers["X-Reference-Id"]
    other = await caller.headers("collection")
    assert (await caller.call("GET", f"{TRANSFER}/{reference}", headers=headers))[0] == 200
    path = f"/collection/v1_0/requesttopay/{reference}"
    assert (await caller.call("GET", path, headers=other))[0] == 404
    crossed = {**headers, "Ocp-Apim-Subscription-Key": KEYS["collection"]}
    assert (await caller.call("GET", path, headers=crossed))[0] == 401


async def test_a_provisioned_user_pays_in_euro_and_is_called_at_its_own_host(
    caller: Caller,
) -> None:
    user, key = str(uuid.uuid4()), {"Ocp-Apim-Subscription-Key": KEYS["disbursement"]}
    headers = {**key, "X-Reference-Id": user}
    host = {"providerCallbackHost": "shop.example.rw"}
    assert await caller.call("POST", "/v1_0/apiuser", json=host, headers=headers) == (201, b"")
    assert (await caller.call("POST", "/v1_0/apiuser", json=host, headers=headers))[0] == 409
    made = f"{caller.url}/v1_0/apiuser/{user}/apikey"
    async with caller.http.post(made, headers=key) as response:
        assert response.status == 201
        api_key = (await response.json())["apiKey"]
    mine = Caller(caller.http, caller.url, user, api_key, "sandbox")
    euro = {**BODY, "currency": "EUR"}
    assert (await mine.transfer(BODY))[0] == 500
    assert (await mine.transfer(euro, X_Callback_Url="https://other.example.rw/cb"))[0] == 500
    assert (await mine.transfer(euro, X_Callback_Url="https://shop.example.rw/cb"))[0] == 202


async def test_the_float_goes_down_by_what_was_paid(caller: Caller) -> None:
    await caller.switch(settle_after_s=0)
    before = (await caller.state())["float_rwf"]
    await caller.transfer()
    await caller.transfer({**BODY, "payee": {"partyIdType": "MSISDN", "partyId": "46733123457"}})
    headers = await caller.headers()
    path = "/disbursement/v1_0/account/balance"
    async with caller.http.get(caller.url + path, headers=headers) as response:
        expected = {"availableBalance": str(before - 42_000), "currency": "RWF"}
        assert await response.json() == expected


ACTIVE = [("250788123456", 200), ("46733123450", 404), ("46733123451", 200), ("46733123455", 503)]


@pytest.mark.parametrize(("number", "status"), ACTIVE)
async def test_account_holders_are_steered_by_number(
    number: str, status: int, caller: Caller
) -> None:
    path = f"/disbursement/v1_0/accountholder/msisdn/{number}/active"
    got, body = await caller.call("GET", path, headers=await caller.headers())
    assert got == status
    if status == 200:
        assert (b"true" in body) == (number != "46733123451")


async def test_money_is_collected_too(caller: Caller) -> None:
    await caller.switch(settle_after_s=0)
    body = {name: value for name, value in BODY.items() if name != "payee"}
    headers = await caller.headers("collection")
    path = "/collection/v1_0/requesttopay"
    asked = {**body, "payer": BODY["payee"]}
    assert (await caller.call("POST", path, json=asked, headers=headers))[0] == 202
    url = f"{caller.url}{path}/{headers['X-Reference-Id']}"
    async with caller.http.get(url, headers=headers) as response:
        told = await response.json()
    assert (told["status"], told["payer"]) == ("SUCCESSFUL", BODY["payee"])


CALLBACKS = [
    ({}, ["POST"]),
    ({"put_callback": True}, ["PUT"]),
    ({"lost_callback": True}, []),
    ({"callback_twice": True}, ["POST", "POST"]),
    ({"late_s": 60}, []),
    ({"settle_after_s": 60}, []),
]


@pytest.mark.parametrize(("switches", "methods"), CALLBACKS)
async def test_a_callback_comes_once_unless_a_nuisance_is_on(
    switches: dict, methods: list[str], caller: Caller, called: Called
) -> None:
    await caller.switch(**{"settle_after_s": 0.05} | switches)
    await caller.transfer(X_Callback_Url=called.url)
    await asyncio.sleep(0.3)
    assert [method for method, _ in called.calls] == methods
    assert all(body["status"] == "SUCCESSFUL" for _, body in called.calls)


async def test_a_callback_may_come_before_our_202(caller: Caller, called: Called) -> None:
    await caller.switch(callback_before_202=True)
    await caller.transfer(X_Callback_Url=called.url)
    assert [body["status"] for _, body in called.calls] == ["SUCCESSFUL"]


async def test_a_number_that_never_ends_never_calls_back(caller: Caller, called: Called) -> None:
    await caller.switch(settle_after_s=0)
    ongoing = {**BODY, "payee": {"partyIdType": "MSISDN", "partyId": "46733123453"}}
    await caller.transfer(ongoing, X_Callback_Url=called.url)
    await asyncio.sleep(0.1)
    assert called.calls == []


async def test_a_token_ends_when_it_ends_whatever_it_said(caller: Caller) -> None:
    await caller.switch(token_ttl_s=0.05)
    assert (await caller.transfer())[0] == 202
    await asyncio.sleep(0.1)
    assert (await caller.transfer())[0] == 401


@pytest.mark.parametrize("switches", [{"no_such": 1}, {"hang_s": "long"}, [], {"hang_s": None}])
async def test_a_switch_that_is_none_is_refused(switches: object, caller: Caller) -> None:
    status, _ = await caller.call("POST", "/sandbox/switches", json=switches)
    assert status == 400
    assert (await caller.state())["switches"]["hang_s"] == 0


async def test_the_state_shows_no_full_number(caller: Caller) -> None:
    await caller.transfer()
    [shown] = (await caller.state())["transfers"]
    assert shown["amount_rwf"] == 42_000
    assert "250788123456" not in str(shown)


@pytest.mark.parametrize("torn", ["", '["transfer", "half'])
async def test_the_operator_remembers_when_we_are_killed(
    torn: str, tmp_path: Path, called: Called
) -> None:
    """Another operator on the same file, the first never told to stop, and a torn line."""
    file = tmp_path / "sandbox.jsonl"
    first = await start_sandbox("127.0.0.1", 0, file)
    async with aiohttp.ClientSession() as http:
        caller, reference = Caller(http, first.url), str(uuid.uuid4())
        await caller.switch(settle_after_s=0.4, lost_callback=True)
        await caller.transfer(X_Reference_Id=reference, X_Callback_Url=called.url)
        with file.open("a") as written:
            written.write(torn)
        second = await start_sandbox("127.0.0.1", 0, file)
        again = Caller(http, second.url)
        assert (await again.transfer(X_Reference_Id=reference))[0] == 409
        assert (await again.transfer())[0] == 202
        third = await start_sandbox("127.0.0.1", 0, file)
        assert len(third.momo.transfers()) == 2
        await third.stop()
        await asyncio.sleep(0.6)
        assert [body["status"] for _, body in called.calls] == ["SUCCESSFUL"]
        await first.stop()
        await second.stop()
