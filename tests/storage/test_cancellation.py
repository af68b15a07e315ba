"""Callers who give up never leave their answer to somebody else."""

from collections.abc import Awaitable, Callable

from tests.cancel_storm import on_postgres, on_redis
from tests.giving_up import Count
from tests.real_postgres import RealPostgres
from tests.real_valkey import RealValkey

_TIMES = 20


async def none_belongs_to_another(storm: Callable[[int], Awaitable[Count]], often: int) -> None:
    """Storms until callers gave up and were answered that often: the machine's pace decides when."""
    given_up = answered = 0
    for seed in range(7, 7 + _TIMES):
        found = await storm(seed)
        assert not found.of_another and not found.failed, found
        given_up, answered = given_up + found.given_up, answered + found.answered
        if given_up > often and answered > often:
            return
    raise AssertionError((given_up, answered))


async def test_no_answer_from_redis_belongs_to_another(valkey: RealValkey) -> None:
    await none_belongs_to_another(lambda seed: on_redis(valkey, 1500, seed), 50)


async def test_no_answer_from_postgresql_belongs_to_another(postgres: RealPostgres) -> None:
    await none_belongs_to_another(lambda seed: on_postgres(postgres, 800, seed), 20)
