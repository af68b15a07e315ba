"""An answer in signs that cannot be read is unknown, whoever gives it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.payments.provider import Outcome
from tests.payments.airtel_answers import TOKEN
from tests.payments.collectors import COLLECTORS, Collector, collection
from tests.payments.operators import OPERATORS, Operator, fixture, payout
from tests.payments.scripted import Scripted, saying_type, scripted_server

TOKEN_PATHS = ("/auth/oauth2/token", "/collection/token/", "/disbursement/token/")
# Codecs that Python knows and that give no text, or none in this way; and no codec at all.
CHARSETS = ["hex", "rot13", "zlib", "idna", "undefined", "no-such"]


@pytest.fixture
async def script() -> AsyncIterator[tuple[Scripted, str]]:
    async with scripted_server(*TOKEN_PATHS) as (script, url):
        script.token = TOKEN | fixture("momo_token_response")
        yield script, url


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("operator", OPERATORS, ids=lambda one: one.name)
async def test_a_payout_answered_in_no_charset_is_unknown(
    charset: str, operator: Operator, script, http: aiohttp.ClientSession
) -> None:
    scripted, url = script
    scripted.answer = saying_type(f"application/json; charset={charset}", "<html>")
    client = operator.client(url, http)
    assert (await client.ask(payout())).outcome is Outcome.UNKNOWN
    looked_up = await client.look_up(payout().reference)
    assert looked_up.outcome is Outcome.UNKNOWN and len(scripted.asked) == 2


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("collector", COLLECTORS, ids=lambda one: one.name)
async def test_a_collection_answered_in_no_charset_is_unknown(
    charset: str, collector: Collector, script, http: aiohttp.ClientSession
) -> None:
    scripted, url = script
    scripted.answer = saying_type(f"application/json; charset={charset}", "<html>")
    client = collector.client(url, http)
    assert (await client.collect(collection())).outcome is Outcome.UNKNOWN
    assert (await client.look_up(collection().reference)).outcome is Outcome.UNKNOWN
    assert await client.balance_rwf() is None


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda one: one.name)
async def test_a_token_in_no_charset_is_unknown_and_nothing_is_asked(
    operator: Operator, script, http: aiohttp.ClientSession
) -> None:
    scripted, url = script
    scripted.token_type = "application/json; charset=hex"
    client = operator.client(url, http)
    for answer in (await client.ask(payout()), await client.look_up(payout().reference)):
        assert answer.outcome is Outcome.UNKNOWN and answer.turned_away
    assert scripted.asked == []
