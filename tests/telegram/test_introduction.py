"""What Telegram is told at the start, and how updates are fetched without a public address."""

import asyncio
import json

import aiohttp

from bot.i18n import load_catalogues
from bot.sandbox.telegram import TOKEN, Fault
from bot.telegram.client import Said
from bot.telegram.config import TelegramConfig
from bot.telegram.introduction import Introduction
from bot.telegram.polling import Polling
from tests.server import Running
from tests.telegram.outside import ALINE, outside


async def test_a_server_tells_its_webhook_and_its_commands(server: Running) -> None:
    telegram = server.parts.sandbox.telegram
    for _round in range(200):
        if telegram.methods.commands.keys() == {"", "fr", "en"}:
            break
        await asyncio.sleep(0.02)
    assert telegram.delivery.url == f"{server.parts.settings.url}/telegram/webhook"
    prices = [
        next(one["description"] for one in listed if one["command"] == "prices")
        for listed in (telegram.methods.commands[code] for code in ("", "fr", "en"))
    ]
    assert prices == ["Ibiciro", "Prix", "Prices"]
    names = [one["command"] for one in telegram.methods.commands[""]]
    usual = ["start", "menu", "prices", "orders", "language", "help"]
    assert names == [*usual, "agent", "continue", "stop"]


async def test_what_telegram_did_not_hear_is_told_again(records) -> None:
    load_catalogues()
    async with outside(records) as there:
        config = TelegramConfig(there.client_url, TOKEN, "http://example.org/x", "s", "webhook")
        answer = await Introduction(there.client, config).tell()
        assert answer.said is Said.REFUSED and "https url" in answer.reason.lower()
        config = TelegramConfig(there.client_url, TOKEN, "http://127.0.0.1:1/x", "s", "webhook")
        assert (await Introduction(there.client, config).tell()).said is Said.DONE
        assert there.telegram.delivery.url == "http://127.0.0.1:1/x"


async def test_polling_keeps_each_update_once_and_asks_again_for_what_was_not_kept(records) -> None:
    load_catalogues()
    kept, failing = [], [True]

    async def keep(raw: bytes) -> None:
        update = json.loads(raw)
        if update["message"]["text"] == "two" and failing:
            failing.clear()
            raise RuntimeError("the records were away")
        kept.append(update["message"]["text"])

    async with outside(records) as there, aiohttp.ClientSession() as http:
        config = TelegramConfig(there.client_url, TOKEN, "", "", "polling")
        assert (await Introduction(there.client, config).tell()).said is Said.DONE
        polling = Polling(records, http, config, keep)
        there.telegram.people.says(ALINE, "one")
        there.telegram.people.says(ALINE, "two")
        running = asyncio.create_task(polling.run())
        for _round in range(300):
            if "three" in kept:
                break
            if kept[-1:] == ["two"]:
                # It waits for an answer now, and has it at once.
                there.telegram.people.says(ALINE, "three")
            await asyncio.sleep(0.02)
        running.cancel()
        await asyncio.wait([running])
        assert kept[:3] == ["/start", "one", "two"] and set(kept[3:]) == {"three"}
        # Another process asks nothing while this one does.
        assert await Polling(records, http, config, keep).ask(0) == 0
        assert await polling.ask(0) >= 0 and there.telegram.delivery.waiting == []


async def test_two_who_ask_at_once_and_a_webhook_beside_are_a_409(records) -> None:
    async with outside(records) as there, aiohttp.ClientSession() as http:
        url = f"{there.client_url}{TOKEN}/getUpdates"
        there.telegram.delivery.waiting.clear()
        first = asyncio.create_task(http.post(url, json={"timeout": 20}))
        await asyncio.sleep(0.2)
        async with http.get(url, params={"timeout": "0"}) as answer:
            assert await answer.json() == {"ok": True, "result": []}
        assert (await first).status == 409
        there.telegram.delivery.set_webhook({"url": "http://127.0.0.1:1/x"})
        async with http.get(url) as answer:
            assert answer.status == 409 and "webhook is active" in await answer.text()


async def test_a_fault_is_met_once(records) -> None:
    async with outside(records) as there:
        there.telegram.faults = [Fault(chat_id=5)]
        assert (
            await there.client.call("sendMessage", {"chat_id": ALINE["id"], "text": "x"})
        ).said is Said.DONE
