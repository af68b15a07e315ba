"""Callers who give up never leave their answer to somebody else."""

from tests.cancel_storm import on_postgres, on_redis
from tests.real_postgres import RealPostgres
from tests.real_valkey import RealValkey


async def test_no_answer_from_redis_belongs_to_another(valkey: RealValkey) -> None:
    found = await on_redis(valkey, 1500, 7)
    assert found.given_up > 50 and found.answered > 50, found
    assert not found.of_another and not found.failed, found


async def test_no_answer_from_postgresql_belongs_to_another(postgres: RealPostgres) -> None:
    found = await on_postgres(postgres, 800, 7)
    assert found.given_up > 20 and found.answered > 20, found
    assert not found.of_another and not found.failed, found
