"""Sessions in the process are for one process, also where the records are in PostgreSQL."""

from pathlib import Path

import pytest

from bot.storage.records import RecordsDown
from tests.real_postgres import RealPostgres
from tests.server import running


@pytest.mark.embedded
async def test_a_second_server_refuses_to_start_until_the_first_has_gone(
    tmp_path: Path, postgres: RealPostgres
) -> None:
    url = postgres.new_database()
    async with running(tmp_path / "one", ISOKO_DATABASE_URL=url):
        with pytest.raises(RecordsDown, match="set ISOKO_REDIS_URL for both"):
            async with running(tmp_path / "two", ISOKO_DATABASE_URL=url):
                pass
    async with running(tmp_path / "two", ISOKO_DATABASE_URL=url) as second:
        assert "Ibiciro" in await second.phone().dials()
