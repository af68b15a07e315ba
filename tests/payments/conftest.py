"""The pretended outside and an HTTP session, for tests of payment clients."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.payments.collecting import CollectionProvider
from bot.payments.provider import PaymentProvider
from bot.sandbox.server import Sandbox, start_sandbox
from bot.sandbox.switches import Switches
from tests.payments.airtel_answers import TOKEN
from tests.payments.collectors import COLLECTORS, Collector
from tests.payments.operators import OPERATORS, Operator
from tests.payments.scripted import Scripted, scripted_server


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client session."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """The pretended outside, settling at once."""
    running = await start_sandbox("127.0.0.1", 0)
    running.momo.switches = running.airtel.switches = Switches(settle_after_s=0)
    yield running
    await running.stop()


@pytest.fixture(params=OPERATORS, ids=lambda operator: operator.name)
def operator(request: pytest.FixtureRequest) -> Operator:
    """Each operator in turn."""
    return request.param


@pytest.fixture
def client(operator: Operator, sandbox: Sandbox, http: aiohttp.ClientSession) -> PaymentProvider:
    """The operator's client, speaking to the sandbox."""
    return operator.client(sandbox.url, http)


@pytest.fixture
async def scripted_airtel() -> AsyncIterator[tuple[Scripted, str]]:
    """A scripted Airtel and its address."""
    async with scripted_server("/auth/oauth2/token") as (script, url):
        script.token = TOKEN
        yield script, url


@pytest.fixture
async def scripted_momo() -> AsyncIterator[tuple[Scripted, str]]:
    """A scripted MTN with both its products, and its address."""
    async with scripted_server("/collection/token/", "/disbursement/token/") as one:
        yield one


@pytest.fixture(params=COLLECTORS, ids=lambda collector: collector.name)
def collector(request: pytest.FixtureRequest) -> Collector:
    """Each operator that collects, in turn."""
    return request.param


@pytest.fixture
def buyer(
    collector: Collector, sandbox: Sandbox, http: aiohttp.ClientSession
) -> CollectionProvider:
    """The operator's collection client, speaking to the sandbox."""
    return collector.client(sandbox.url, http)
