"""Of what comes at once a few go on in each turn of the loop, in their order."""

import asyncio
from itertools import pairwise

from bot.in_turns import InTurns


async def test_few_pass_in_a_turn_in_their_order_and_who_hangs_up_takes_no_place() -> None:
    gate, passed = InTurns(2), []

    async def one(number: int) -> None:
        await gate.passes()
        passed.append(number)

    tasks = [asyncio.create_task(one(number)) for number in range(7)]
    await asyncio.sleep(0)
    tasks[3].cancel()
    seen = []
    for _turn in range(8):
        seen.append(len(passed))
        await asyncio.sleep(0)
    assert passed == [0, 1, 2, 4, 5, 6]
    assert all(later - sooner <= 2 for sooner, later in pairwise(seen))
    # Once all have passed nothing turns any more, and the next goes on at once.
    await asyncio.wait_for(one(8), 1)
    assert passed[-1] == 8
