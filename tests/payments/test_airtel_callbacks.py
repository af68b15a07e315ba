"""What a callback of Airtel's claims, and whether it is genuine."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from aiohttp import web

from bot.payments.airtel_signing import (
    is_rightly_hashed,
)
from bot.payments.provider import CallbackHint
from bot.sandbox.airtel_access import CALLBACK_SECRET
from bot.sandbox.server import Sandbox
from bot.sandbox.switches import Switches
from tests.payments.airtel_answers import (
    OUR_ID,
)
from tests.payments.operators import airtel, fixture, payout
from tests.payments.scripted import scripted_server

HASHES = fixture("airtel_callback_hash_vectors")


GENUINE = CallbackHint(OUR_ID, "TS", OUR_ID)


async def test_documented_callbacks_are_read(http) -> None:
    client = airtel("http://unused", http, callback_secret=HASHES["secret"])
    plain = json.dumps(fixture("airtel_callback_plain")).encode()
    hashed = json.dumps(fixture("airtel_callback_with_hash"), indent=2).encode()
    assert client.read_callback({}, hashed) == GENUINE
    assert client.read_callback({}, plain) == replace(GENUINE, forged=True)
    without = airtel("http://unused", http, callback_secret="")
    assert without.read_callback({}, plain) == GENUINE
    failed = json.dumps(fixture("airtel_callback_failed")).encode()
    assert without.read_callback({}, failed).status == "TF"


@pytest.mark.parametrize(
    "body", [b'{"transaction":{"id":"\\ud800"},"hash":"\\ud800"}', b'{"transaction":[],"hash":""}',
             b'{"transaction":' + b'{"a":' * 900 + b"1" + b"}" * 900 + b',"hash":"x"}', b"null"]
)  # fmt: skip
def test_an_odd_callback_is_forged_and_raises_nothing(body: bytes, http) -> None:
    assert airtel("http://unused", http).read_callback({}, body).forged


@pytest.mark.parametrize("whole", [True, False])
async def test_the_pretended_operator_s_hash_is_right(whole: bool, sandbox: Sandbox, http) -> None:
    bodies: list[bytes] = []

    async def receive(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        return web.Response()

    async with scripted_server("/token") as (script, url):
        script.answer = receive
        sandbox.airtel.callback_url = f"{url}/cb"
        sandbox.airtel.switches = Switches(settle_after_s=0, hash_whole=whole)
        client, order = airtel(sandbox.url, http), payout()
        await client.ask(order)
        while not bodies:
            await asyncio.sleep(0.01)
    assert client.read_callback({}, bodies[0]) == CallbackHint(
        order.reference, "TS", order.reference
    )
    assert is_rightly_hashed(json.loads(bodies[0]), CALLBACK_SECRET)
