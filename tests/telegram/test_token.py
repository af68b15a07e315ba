"""T-19: the bot's token stands in every URL of its API, and nowhere that anybody reads."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.sandbox.telegram import TOKEN
from bot.storage.schema import outbox as rows
from bot.telegram.client import Said
from tests.server import running

SECRET = TOKEN.partition(":")[2]


@pytest.mark.parametrize("style", ["json", "console"])
def test_T19_no_failure_of_any_kind_shows_the_token(tmp_path: Path, style: str) -> None:
    command = [sys.executable, "-m", "tests.telegram.token_scenes", style, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    said = done.stdout + done.stderr
    # All of it was really said.
    for part in ("Said.DOWN", "Said.UNSURE", "Said.FLOOD", "Said.LOCKED_OUT", "Said.REFUSED", "row ",
                 "telegram gave no updates", "dead letter", "our own line", "a line of a library"):  # fmt: skip
        assert part in said, part
    assert (
        said.count("api.telegram.org/bot•••/sendMessage")
        + said.count("bot\\u2022\\u2022\\u2022/sendMessage")
        >= 4
    )
    assert SECRET not in said and "another-token" not in said


async def test_T19_neither_figures_nor_rows_nor_settings_of_a_server_show_it(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, ISOKO_TELEGRAM__BASE_URL="http://127.0.0.1:9/bot") as server:
        assert server.parts.chats is not None
        assert (await server.parts.chats.introduction.tell()).said is Said.DOWN
        await server.phone().dials()
        async with server.client.get("/metrics") as answer:
            assert SECRET not in await answer.text()
        assert SECRET not in repr(server.parts.settings)
        errors = select(rows.c.last_error)
        found = await server.parts.market.records.read(
            lambda db: list(db.execute(errors).scalars())
        )
        assert not any(SECRET in error for error in found)
