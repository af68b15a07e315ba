"""Airtel's cryptography, by its vectors: signatures, PINs, keys and hashes."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from bot.payments.airtel_line import _held_s
from bot.payments.airtel_signing import (
    callback_hash,
    encrypted_pin,
    is_rightly_hashed,
    read_public_key,
    signature,
    signed,
    wire_json,
)
from bot.payments.provider import Outcome
from bot.sandbox.server import Sandbox
from tests.payments.operators import airtel, fixture, payout
from tests.payments.scripted import new_key

HASHES = fixture("airtel_callback_hash_vectors")


def test_a_signature_is_that_of_the_vector() -> None:
    vector = fixture("airtel_signing_vector")
    key, iv = b64decode(vector["aes_key_base64"]), b64decode(vector["iv_base64"])
    assert signature(vector["body"].encode(), key, iv) == vector["x-signature"]
    assert wire_json(json.loads(vector["body"])) == vector["body"].encode()
    assert wire_json(fixture("airtel_payment_request")) == vector["body"].encode()


def test_a_signature_is_new_every_time_and_its_key_is_as_documented() -> None:
    key, vector = new_key(), fixture("airtel_signing_vector")
    first, second = signed(b"{}", key.public_key()), signed(b"{}", key.public_key())
    assert first["x-signature"] != second["x-signature"]
    secret = key.decrypt(b64decode(first["x-key"]), PKCS1v15())
    assert len(secret) == len(vector["x-key_plaintext"]) == 69


def test_a_pin_is_encrypted_new_every_time() -> None:
    key = new_key()
    pins = [encrypted_pin("2468", key.public_key()) for _ in range(2)]
    assert pins[0] != pins[1]
    assert {key.decrypt(b64decode(pin), PKCS1v15()) for pin in pins} == {b"2468"}


@pytest.mark.parametrize("text", ["", "AAAA", "no base64 ", "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAL"])
def test_what_is_no_key_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="key"):
        read_public_key(text)


@pytest.mark.parametrize(
    "variant", ["variant_a_over_transaction_object", "variant_b_over_whole_payload_without_hash"]
)
def test_both_hashes_are_those_of_the_vectors(variant: str) -> None:
    vector = HASHES[variant]
    assert callback_hash(vector["message"].encode(), HASHES["secret"]) == vector["hash"]
    callback = fixture("airtel_callback_plain") | {"hash": vector["hash"]}
    assert is_rightly_hashed(callback, HASHES["secret"])
    assert not is_rightly_hashed(callback, "another key")
    altered = {**callback, "transaction": {**callback["transaction"], "status_code": "TF"}}
    assert not is_rightly_hashed(altered, HASHES["secret"])


@pytest.mark.parametrize("claimed", [None, "", 3, [], "ŷ", "\ud800", "x" * 44])
def test_a_hash_that_is_none_is_wrong(claimed: object) -> None:
    assert not is_rightly_hashed({"transaction": {}, "hash": claimed}, "secret")


async def test_a_key_that_airtel_changed_is_fetched_anew_and_the_payout_goes_once(
    sandbox: Sandbox, http
) -> None:
    client = airtel(sandbox.url, http, sign_messages=True)
    first, second = payout(), payout()
    assert (await client.ask(first)).outcome is Outcome.ACCEPTED
    sandbox.airtel.access.rotate_key()
    assert (await client.ask(second)).outcome is Outcome.ACCEPTED
    assert sandbox.airtel.access.keys_given == 2
    assert len(sandbox.airtel.transfers()) == 2


async def test_many_first_calls_share_one_key(sandbox: Sandbox, http) -> None:
    client = airtel(sandbox.url, http, timeout_s=5)
    answers = await asyncio.gather(*(client.ask(payout()) for _ in range(20)))
    assert {answer.outcome for answer in answers} == {Outcome.ACCEPTED}
    assert sandbox.airtel.access.keys_given == 1


@pytest.mark.parametrize(
    "told", [{}, [], 3, {"data": None}, {"data": {"key": None}}, {"data": {"key": "AAAA"}},
             {"data": [1]}]
)  # fmt: skip
async def test_a_key_that_is_none_is_unknown_and_nothing_is_asked(
    told, scripted_airtel, http
) -> None:
    script, url = scripted_airtel
    script.key_answer = told
    answer = await airtel(url, http).ask(payout())
    assert (answer.outcome, answer.reason) == (Outcome.UNKNOWN, "NoKey")
    assert script.asked == []


@pytest.mark.parametrize(
    ("valid_upto", "held_s"),
    [("31-12-2026 23:59:59", 3600), ("25-11-2026 09:30:00", 1800), ("24-11-2026 23:00:00", 60),
     ("01-01-2020 00:00:00", 60), ("2026-12-31", 60), ("None", 60), ("", 60)],
)  # fmt: skip
def test_a_key_is_held_an_hour_but_not_on_its_last_day(valid_upto: str, held_s: float) -> None:
    assert _held_s(valid_upto, datetime(2026, 11, 24, 9, tzinfo=UTC)) == held_s
