"""What every collection client must make of an operator's behaviour, good and bad."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.payments.collecting import CollectionProvider
from bot.payments.provider import Answer, Outcome
from bot.sandbox.server import Sandbox
from bot.sandbox.switches import Switches
from tests.payments.collectors import BUYER, Collector, collection, given_back

# An operator that accepts without a body cannot lose it.
BODY_LOST = None
# What is wrong, what asking says, what looking up says, whether the balance is told.
CASES = {
    "nothing": ({}, Outcome.ACCEPTED, Outcome.SUCCEEDED, True),
    "not settled yet": ({"settle_after_s": 60}, Outcome.ACCEPTED, Outcome.PENDING, True),
    "down": ({"answer_503": True}, Outcome.UNKNOWN, Outcome.UNKNOWN, False),
    "html with 200": ({"html_200": True}, Outcome.UNKNOWN, Outcome.UNKNOWN, False),
    "hangs after taking it": ({"hang_s": 6}, Outcome.UNKNOWN, Outcome.SUCCEEDED, True),
    "cannot find it yet": ({"not_found_s": 60}, Outcome.ACCEPTED, Outcome.NOT_THERE, True),
    "out of reach": ({"outage": True}, Outcome.UNKNOWN, Outcome.UNKNOWN, False),
    "cut after taking it": ({"cut_answer": True}, Outcome.UNKNOWN, Outcome.UNKNOWN, False),
    "a token that never works": ({"token_ttl_s": 0}, Outcome.UNKNOWN, Outcome.UNKNOWN, False),
    "half a body": ({"cut_json": True}, BODY_LOST, Outcome.UNKNOWN, False),
    "a body byte by byte": ({"drip_s": 5}, BODY_LOST, Outcome.UNKNOWN, False),
    "a callback twice": ({"callback_twice": True}, Outcome.ACCEPTED, Outcome.SUCCEEDED, True),
    "a callback never": ({"lost_callback": True}, Outcome.ACCEPTED, Outcome.SUCCEEDED, True),
    "a callback before": ({"callback_before_202": True}, Outcome.ACCEPTED, Outcome.SUCCEEDED, True),
}


@pytest.mark.parametrize("case", CASES)
async def test_each_trouble_has_its_outcome_and_raises_nothing(
    case: str, collector: Collector, buyer: CollectionProvider, sandbox: Sandbox
) -> None:
    switches, asked, looked_up, tells_balance = CASES[case]
    collector.switch(sandbox, Switches(**{"settle_after_s": 0} | switches))
    if asked is BODY_LOST:
        asked = Outcome.UNKNOWN if collector.accepts_with_a_body else Outcome.ACCEPTED
    order = collection()
    assert (await buyer.collect(order)).outcome is asked
    assert (await buyer.look_up(order.reference)).outcome is looked_up
    assert (await buyer.balance_rwf() is not None) is tells_balance


async def test_a_paid_collection_tells_its_terms_and_transaction(
    collector: Collector, buyer: CollectionProvider
) -> None:
    order = collection()
    await buyer.collect(order)
    answer = await buyer.look_up(order.reference)
    assert answer.provider_txn_id
    expected = Answer(
        Outcome.SUCCEEDED,
        amount_rwf=9_000,
        currency="RWF",
        payer_msisdn=BUYER if collector.tells_payer else "",
        provider_txn_id=answer.provider_txn_id,
        untold=frozenset() if collector.tells_payer else frozenset({"payer_msisdn"}),
    )
    assert answer == expected


async def test_a_reference_asked_again_is_unknown_and_collects_once(
    collector: Collector, buyer: CollectionProvider, sandbox: Sandbox
) -> None:
    order, before_rwf = collection(), await buyer.balance_rwf()
    answers = await asyncio.gather(*(buyer.collect(order) for _ in range(6)))
    outcomes = sorted(answer.outcome for answer in answers)
    assert outcomes == [Outcome.ACCEPTED] + [Outcome.UNKNOWN] * 5
    assert await buyer.balance_rwf() == before_rwf + 9_000
    assert len(collector.pretended(sandbox).transfers()) == 1


async def test_money_is_given_back_once(
    collector: Collector, buyer: CollectionProvider, sandbox: Sandbox
) -> None:
    order, before_rwf = collection(), collector.held_rwf(sandbox)
    await buyer.collect(order)
    refund = given_back(order, await buyer.look_up(order.reference))
    assert collector.held_rwf(sandbox) == before_rwf + 9_000
    assert (await buyer.refund(refund)).outcome is Outcome.ACCEPTED
    assert (await buyer.refund(refund)).outcome is Outcome.UNKNOWN
    # The same collection, as if the first refund had been forgotten.
    await buyer.refund(replace(refund, reference=collection().reference))
    assert collector.held_rwf(sandbox) == before_rwf


@pytest.mark.parametrize("trouble", [{"answer_503": True}, {"outage": True}, {"cut_answer": True}])
async def test_a_refund_in_trouble_is_unknown(
    trouble: dict, collector: Collector, buyer: CollectionProvider, sandbox: Sandbox
) -> None:
    order = collection()
    await buyer.collect(order)
    refund = given_back(order, await buyer.look_up(order.reference))
    collector.switch(sandbox, Switches(settle_after_s=0, **trouble))
    assert (await buyer.refund(refund)).outcome is Outcome.UNKNOWN


async def test_a_prompt_nobody_answers_expires(
    collector: Collector, buyer: CollectionProvider
) -> None:
    number, reason = collector.expired
    order = collection(number)
    assert (await buyer.collect(order)).outcome is Outcome.ACCEPTED
    answer = await buyer.look_up(order.reference)
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, reason)


@pytest.mark.parametrize("number", ["", "0788123456", "250788123456", "+", "+25078812345/../x"])
async def test_a_number_that_is_none_is_refused_and_nothing_leaves(
    number: str, collector: Collector, buyer: CollectionProvider, sandbox: Sandbox
) -> None:
    assert (await buyer.collect(collection(number))).outcome is Outcome.REFUSED
    assert collector.pretended(sandbox).transfers() == []


async def test_an_amount_the_operator_altered_is_told_as_it_stands(
    collector: Collector, buyer: CollectionProvider, sandbox: Sandbox
) -> None:
    collector.switch(sandbox, Switches(settle_after_s=0, amount_altered=True))
    order = collection()
    await buyer.collect(order)
    assert (await buyer.look_up(order.reference)).amount_rwf == 10_000


async def test_a_reference_never_asked_is_not_there(buyer: CollectionProvider) -> None:
    assert (await buyer.look_up(collection().reference)).outcome is Outcome.NOT_THERE


async def test_a_token_that_ended_is_renewed_once_for_all(
    collector: Collector, buyer: CollectionProvider, sandbox: Sandbox
) -> None:
    pretended = collector.pretended(sandbox)
    for tokens in (1, 2):
        answers = await asyncio.gather(*(buyer.look_up(collection().reference) for _ in range(10)))
        assert {answer.outcome for answer in answers} == {Outcome.NOT_THERE}
        assert pretended.access.tokens_given == tokens
        pretended.forget_tokens()


async def test_an_operator_that_is_gone_is_unknown(collector: Collector, http) -> None:
    gone, order = collector.client("http://127.0.0.1:9", http), collection()
    assert (await gone.collect(order)).outcome is Outcome.UNKNOWN
    assert (await gone.look_up(order.reference)).outcome is Outcome.UNKNOWN
    refund = given_back(order, Answer(Outcome.SUCCEEDED, provider_txn_id="CI1"))
    assert (await gone.refund(refund)).outcome is Outcome.UNKNOWN
    assert await gone.balance_rwf() is None
