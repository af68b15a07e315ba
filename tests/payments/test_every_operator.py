"""What every payment client must make of an operator's behaviour, good and bad."""

from __future__ import annotations

import asyncio

import pytest

from bot.payments.provider import Answer, Outcome, PaymentProvider
from bot.sandbox.server import Sandbox
from bot.sandbox.switches import Switches
from tests.payments.operators import FARMER, Operator, payout

# An operator that accepts without a body cannot lose it.
BODY_LOST = None
# What is wrong, what asking says, what looking up says.
CASES = {
    "nothing": ({}, Outcome.ACCEPTED, Outcome.SUCCEEDED),
    "not settled yet": ({"settle_after_s": 60}, Outcome.ACCEPTED, Outcome.PENDING),
    "a state of no page": (
        {"settle_after_s": 60, "created_state": True},
        Outcome.ACCEPTED,
        Outcome.PENDING,
    ),
    "down": ({"answer_503": True}, Outcome.UNKNOWN, Outcome.UNKNOWN),
    "html with 200": ({"html_200": True}, Outcome.UNKNOWN, Outcome.UNKNOWN),
    "hangs after taking it": ({"hang_s": 6}, Outcome.UNKNOWN, Outcome.SUCCEEDED),
    "cannot find it yet": ({"not_found_s": 60}, Outcome.ACCEPTED, Outcome.NOT_THERE),
    "out of reach": ({"outage": True}, Outcome.UNKNOWN, Outcome.UNKNOWN),
    "cut after taking it": ({"cut_answer": True}, Outcome.UNKNOWN, Outcome.UNKNOWN),
    "a token that never works": ({"token_ttl_s": 0}, Outcome.UNKNOWN, Outcome.UNKNOWN),
    "half a body": ({"cut_json": True}, BODY_LOST, Outcome.UNKNOWN),
    "a body byte by byte": ({"drip_s": 5}, BODY_LOST, Outcome.UNKNOWN),
    "a callback twice": ({"callback_twice": True}, Outcome.ACCEPTED, Outcome.SUCCEEDED),
    "a callback never": ({"lost_callback": True}, Outcome.ACCEPTED, Outcome.SUCCEEDED),
    "a callback late": ({"late_s": 60}, Outcome.ACCEPTED, Outcome.SUCCEEDED),
    "a callback before": ({"callback_before_202": True}, Outcome.ACCEPTED, Outcome.SUCCEEDED),
    "a forged callback": (
        {"settle_after_s": 60, "forged_callback": True},
        Outcome.ACCEPTED,
        Outcome.PENDING,
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_each_trouble_has_its_outcome_and_raises_nothing(
    case: str, operator: Operator, client: PaymentProvider, sandbox: Sandbox
) -> None:
    switches, asked, looked_up = CASES[case]
    operator.switch(sandbox, Switches(**{"settle_after_s": 0} | switches))
    if asked is BODY_LOST:
        asked = Outcome.UNKNOWN if operator.accepts_with_a_body else Outcome.ACCEPTED
    order = payout()
    assert (await client.ask(order)).outcome is asked
    assert (await client.look_up(order.reference)).outcome is looked_up


@pytest.mark.parametrize(("switches", "down"), [
    ({"answer_503": True}, True), ({"html_200": True}, True), ({"outage": True}, True),
    ({"hang_s": 6}, True), ({"token_ttl_s": 0}, True), ({}, False), ({"settle_after_s": 60}, False),
    ({"not_found_s": 60}, False), ({"lost_callback": True}, False),
])  # fmt: skip
async def test_what_is_an_outage_and_what_is_an_answer(
    switches: dict, down: bool, operator: Operator, client: PaymentProvider, sandbox: Sandbox
) -> None:
    operator.switch(sandbox, Switches(**{"settle_after_s": 0} | switches))
    order = payout()
    assert (await client.ask(order)).down is down
    # What hangs only while it is taken can be looked up.
    assert (await client.look_up(order.reference)).down is (down and "hang_s" not in switches)


async def test_a_paid_payout_tells_its_terms_and_transaction(
    operator: Operator, client: PaymentProvider
) -> None:
    order = payout()
    await client.ask(order)
    answer = await client.look_up(order.reference)
    assert answer.provider_txn_id
    expected = Answer(
        Outcome.SUCCEEDED,
        "",
        42_000,
        "RWF",
        FARMER if operator.tells_payee else "",
        provider_txn_id=answer.provider_txn_id,
        untold=frozenset() if operator.tells_payee else frozenset({"payee_msisdn"}),
    )
    assert answer == expected


async def test_a_reference_asked_again_is_unknown_and_pays_once(
    operator: Operator, client: PaymentProvider, sandbox: Sandbox
) -> None:
    pretended = operator.pretended(sandbox)
    order, before = payout(), pretended.float_rwf()
    answers = await asyncio.gather(*(client.ask(order) for _ in range(6)))
    outcomes = sorted(answer.outcome for answer in answers)
    assert outcomes == [Outcome.ACCEPTED] + [Outcome.UNKNOWN] * 5
    assert before - pretended.float_rwf() == 42_000
    assert len(pretended.transfers()) == 1


async def test_an_amount_the_operator_altered_is_told_as_it_stands(
    operator: Operator, client: PaymentProvider, sandbox: Sandbox
) -> None:
    operator.switch(sandbox, Switches(settle_after_s=0, amount_altered=True))
    order = payout()
    await client.ask(order)
    assert (await client.look_up(order.reference)).amount_rwf == 43_000


async def test_a_reference_never_asked_is_not_there(client: PaymentProvider) -> None:
    assert (await client.look_up(payout().reference)).outcome is Outcome.NOT_THERE


@pytest.mark.parametrize("reason_form", [{"string_reason": True}, {"string_reason": False}])
async def test_a_float_that_has_run_out_is_a_refusal_with_its_reason(
    reason_form: dict, operator: Operator, client: PaymentProvider, sandbox: Sandbox
) -> None:
    operator.switch(sandbox, Switches(settle_after_s=0, **reason_form))
    first, second = payout(amount_rwf=500_000_000), payout(amount_rwf=1)
    await client.ask(first)
    await client.ask(second)
    assert (await client.look_up(first.reference)).outcome is Outcome.SUCCEEDED
    answer = await client.look_up(second.reference)
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, operator.no_funds)


async def test_a_token_that_ended_is_renewed_once_for_all(
    operator: Operator, sandbox: Sandbox, http
) -> None:
    client, pretended = operator.client(sandbox.url, http), operator.pretended(sandbox)
    await asyncio.gather(*(client.look_up(payout().reference) for _ in range(10)))
    assert pretended.access.tokens_given == 1
    pretended.forget_tokens()
    answers = await asyncio.gather(*(client.look_up(payout().reference) for _ in range(10)))
    assert {answer.outcome for answer in answers} == {Outcome.NOT_THERE}
    assert pretended.access.tokens_given == 2


async def test_an_operator_that_is_gone_is_unknown(operator: Operator, http) -> None:
    client = operator.client("http://127.0.0.1:9", http)
    order = payout()
    assert (await client.ask(order)).outcome is Outcome.UNKNOWN
    assert (await client.look_up(order.reference)).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("body", [b"", b"\xff", b"[1]", b"null", b'{"status": {}}', b"[" * 100_000])
def test_an_unreadable_callback_raises_nothing(client: PaymentProvider, body: bytes) -> None:
    assert client.read_callback({}, body).external_id == ""
