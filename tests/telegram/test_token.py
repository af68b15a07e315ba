"""T-19: the bot's token stands in every URL of its API, and nowhere that anybody reads."""

import asyncio
import logging

import aiohttp
import pytest
import structlog
from sqlalchemy import delete, select

from bot.sandbox.telegram import TOKEN, Fault
from bot.storage.schema import outbox as rows
from bot.storage.schema import turns
from bot.telegram.client import Client, Said
from bot.telegram.config import TelegramConfig
from bot.telegram.polling import Polling
from tests.server import running
from tests.telegram.outside import ALINE, outside

SECRET = TOKEN.partition(":")[2]


def config(base_url: str, token: str = TOKEN) -> TelegramConfig:
    return TelegramConfig(base_url, token, "http://127.0.0.1:1/x", "secret", "polling", 0.5)


@pytest.fixture
def everything_is_logged():
    """As on the day on which somebody sets all logs to debug."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    yield
    root.setLevel(before)


@pytest.mark.usefixtures("everything_is_logged")
async def test_T19_no_failure_of_any_kind_shows_the_token(records, capfd) -> None:
    async with outside(records) as there:
        base = f"{there.box.url}/bot"
        nowhere = "http://127.0.0.1:9/bot"
        odd = "http://[not-an-address/bot"
        tries = [(base, Fault()), (base, Fault(status=502)), (base, Fault("reset")), (base, Fault("silence")),
                 (base, Fault(status=429, retry_after=3)), (nowhere, None), (odd, None)]  # fmt: skip
        heard = []
        for url, fault in tries:
            there.telegram.faults = [fault] if fault else []
            client = Client(config(url))
            heard.append(await client.call("sendMessage", {"chat_id": ALINE["id"], "text": "x"}))
            await client.close()
            await asyncio.sleep(1.0)
        other = Client(config(base, "2:another-token-that-telegram-refuses"))
        heard.append(await other.call("sendMessage", {"chat_id": ALINE["id"], "text": "x"}))
        heard.append(await other.call("sendMessage", {"wrong": TOKEN}))
        await other.close()
        assert {answer.said for answer in heard} >= {
            Said.DOWN,
            Said.UNSURE,
            Said.FLOOD,
            Said.LOCKED_OUT,
        }
        async with aiohttp.ClientSession() as http:
            for url in (nowhere, f"{there.box.url}/nothing-here"):
                await records.write(lambda db: db.execute(delete(turns)))
                await Polling(records, http, config(url), lambda _raw: asyncio.sleep(0)).ask(0)
    said = capfd.readouterr()
    for text in (said.out, said.err, *(answer.reason for answer in heard)):
        assert SECRET not in text and "another-token" not in text


async def test_T19_neither_figures_nor_rows_nor_logs_of_a_server_show_it(tmp_path, capfd) -> None:
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
    said = capfd.readouterr()
    assert SECRET not in said.out + said.err


def test_T19_a_token_that_gets_into_a_log_line_all_the_same_is_cut_out(capfd) -> None:
    url = f"https://api.telegram.org/bot{TOKEN}/sendMessage"
    try:
        raise ValueError(url)
    except ValueError:
        structlog.get_logger().exception("something", url=url)
        logging.getLogger("some.library").exception("failed: %s", url)
    said = capfd.readouterr()
    assert SECRET not in said.out + said.err
