"""Every way to fail with a token in hand, with all logs on, in a process of its own.

What pytest catches is not all that a process prints.
"""

import asyncio
import logging
import sys
from pathlib import Path

import aiohttp
import structlog

from bot.i18n import load_catalogues
from bot.operations.logs import set_up_logs
from bot.sandbox.telegram import TOKEN, Fault
from bot.storage.opening import open_records, upgrade
from bot.telegram.client import Client
from bot.telegram.config import TelegramConfig
from bot.telegram.introduction import Introduction
from bot.telegram.polling import Polling
from bot.telegram.sending import ChatRules
from tests.telegram.outside import ALINE, outside

NOWHERE, ODD = "http://127.0.0.1:9/bot", "http://[not-an-address/bot"


def config(base_url: str, token: str = TOKEN) -> TelegramConfig:
    return TelegramConfig(base_url, token, "http://127.0.0.1:1/x", "secret", "polling", 0.5)


async def calls(base: str, there) -> None:
    """Calls of the client that end in each way; what they say of it is printed."""
    faults = [
        Fault(),
        Fault(status=502),
        Fault("reset"),
        Fault("silence"),
        Fault(status=429, retry_after=3),
    ]
    tries = [(base, TOKEN, fault) for fault in faults]
    tries += [
        (NOWHERE, TOKEN, None),
        (ODD, TOKEN, None),
        (base, "2:another-token-that-is-refused", None),
    ]
    for url, token, fault in tries:
        there.telegram.faults = [fault] if fault else []
        client = Client(config(url, token))
        print(await client.call("sendMessage", {"chat_id": ALINE["id"], "text": "x"}))
        print(await client.call("sendMessage", {"wrong": token}))
        await client.close()
        await asyncio.sleep(0.1)


async def rows(records, there) -> None:
    """What a row of the outbox keeps of a failure."""
    await there.put("one")
    there.client = Client(config(NOWHERE))
    await there.sender(ChatRules(max_attempts=1)).carry_out()
    await there.client.close()
    print("row", (await there.row()).last_error)


async def scenes(folder: Path) -> None:
    await upgrade("", folder)
    records = await open_records("", folder)
    async with outside(records) as there, aiohttp.ClientSession() as http:
        await calls(f"{there.box.url}/bot", there)
        await rows(records, there)
        polling = Polling(records, http, config(NOWHERE), lambda _raw: asyncio.sleep(0))
        await polling.ask(0)
        polling._url = f"{there.box.url}/nothing-here/bot{TOKEN}/getUpdates"
        await polling.ask(0)
        client = Client(config(NOWHERE))
        print("introduced", await Introduction(client, config(NOWHERE)).tell())
        await client.close()
    await records.close()


def careless() -> None:
    """Somebody writes the URL into a line all the same."""
    url = f"https://api.telegram.org/bot{TOKEN}/sendMessage"
    try:
        raise ValueError(url)
    except ValueError:
        structlog.get_logger().exception("our own line", url=url)
        logging.getLogger("some.library").exception("a line of a library: %s", url)


if __name__ == "__main__":
    set_up_logs("debug", sys.argv[1])
    load_catalogues()
    asyncio.run(scenes(Path(sys.argv[2])))
    careless()
