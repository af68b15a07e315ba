"""A payment that its operator turns away is tried again soon, shown meanwhile, and paid once."""

import asyncio
from datetime import timedelta

import pytest

from bot.market import outages, payments, retries, settlement
from bot.payments.provider import Answer, Outcome
from tests.dashboard.desk import Desk, demo_link
from tests.market.money import pay as pay_somebody
from tests.market.money import person
from tests.server import Running
from tests.test_payout_loop import count_at_operator, operator, pay

AWAY = Answer(Outcome.UNKNOWN, "HTTP 503", down=True, turned_away=True)
SILENT = Answer(Outcome.UNKNOWN, "TimeoutError", down=True)


async def state_of(server: Running, reference: str) -> str:
    read = server.parts.market.records.read
    return (await read(lambda db: payments.by_reference(db, reference))).state


async def waits_until(server: Running, reference: str, state: str, within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while await state_of(server, reference) != state:
            await asyncio.sleep(0.1)


async def test_after_a_503_it_is_paid_within_seconds_of_the_operator_coming_back(
    server: Running,
) -> None:
    operator(server, answer_503=True)
    made = await pay(server)
    await waits_until(server, made.reference, "unknown", 5)
    async with Desk(server) as desk:
        await desk.gets(await demo_link(server))
        shown = await desk.gets("/dashboard/")
        row = shown.partition("Wait for the operator")[2].partition("</div>")[0]
        assert ">1</dd>" in row
    operator(server)
    await waits_until(server, made.reference, "succeeded", 30)
    assert await count_at_operator(server) == 1
    assert await server.parts.market.records.read(retries.untaken) == []


@pytest.mark.parametrize(
    ("answer", "asked", "age_s", "least_s", "most_s"),
    [
        (AWAY, True, 0, 4, 6),
        (AWAY, True, 5, 8, 12),
        (AWAY, False, 20, 32, 48),
        (AWAY, True, 3600, 240, 360),
        # It may have arrived: nothing is asked again before a quarter of an hour is over.
        (SILENT, True, 0, 900, 900),
        (SILENT, False, 900, 240, 360),
    ],
)
async def test_how_long_it_waits(records, now, answer, asked, age_s, least_s, most_s) -> None:
    def work(db):
        payment = pay_somebody(db, person(db, now), now)
        payment = settlement.record_asked(db, payment.reference, SILENT, now)
        later = now + timedelta(seconds=age_s)
        return retries.wait(db, payment, answer, later, asked=asked).total_seconds()

    assert least_s <= await records.write(work) <= most_s


async def test_of_a_line_that_is_out_of_order_it_waits_its_turn(records, now) -> None:
    def work(db):
        payment = pay_somebody(db, person(db, now), now)
        payment = settlement.record_asked(db, payment.reference, AWAY, now)
        outages.note(db, payment, AWAY, outages.OutageRules(failures=1), now)
        return retries.wait(db, payment, AWAY, now, asked=True)

    assert await records.write(work) == outages.ASK_AGAIN_AFTER
