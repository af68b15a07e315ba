"""U-02, M-02, W-10: guesses at the doors, and receivers that were given up, reach the staff."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.i18n.ticket_sentences import DeliveryTrouble
from bot.market import subscriptions
from bot.operations.alert_rules import Heard
from bot.operations.alert_watch import AlertWatch
from bot.operations.figures import HopFigures
from bot.operations.minute_figures import MinuteFigures
from bot.operations.wrong_secrets import WrongSecrets
from tests.operations.test_alerts import AT_ONCE, NOON, RULES, looks, told
from tests.patience import patient_s
from tests.server import running
from tests.ussd.test_door import SECRET, status


def figures(records: Any, wrong: WrongSecrets, at: datetime) -> MinuteFigures:
    """What a worker of its own keeps of the minute."""
    moment = at.timestamp()
    return MinuteFigures(
        records, HopFigures(), lambda: 0, lambda: None, lambda: moment, wrong_secrets=wrong
    )


async def test_U02_twenty_wrong_secrets_of_one_source_at_any_workers_are_found(records) -> None:
    first, second = WrongSecrets(), WrongSecrets()
    for n in range(19):
        (first if n % 2 else second).add("africastalking", "9.9.9.9")
        # Of IPv6 a line has many addresses; of others each is its own.
        first.add("telegram", f"2001:db8::{n:x}")
        second.add("telegram", f"8.8.8.{n}")
    for wrong in (first, second):
        await figures(records, wrong, NOON).keep()
    assert await looks(records, Heard(()), NOON) == set()
    third = WrongSecrets()
    third.add("africastalking", "9.9.9.9")
    third.add("telegram", "2001:db8::ffff")
    await figures(records, third, NOON).keep()
    found = {
        ("wrong_secrets", "africastalking 9.9.9.9"),
        ("wrong_secrets", "telegram 2001:db8::/64"),
    }
    assert await looks(records, Heard(()), NOON + timedelta(minutes=4)) == found
    assert await looks(records, Heard(()), NOON + timedelta(minutes=5)) == set()


def test_U02_however_many_sources_there_are_memory_is_bounded() -> None:
    wrong = WrongSecrets()
    for n in range(5000):
        wrong.add("africastalking", f"10.{n % 7}.{n // 250}.{n % 250}")
    assert len(wrong.counts) <= 51 and sum(wrong.counts.values()) == 5000
    wrong.written(wrong.counts.copy())
    assert not wrong.counts


async def test_U02_what_knocks_with_a_wrong_secret_is_counted_by_its_source(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("bot.operations.minute_figures._EVERY_S", 0.5)
    rules = {
        "ISOKO_USSD__SECRETS__AFRICASTALKING": SECRET,
        "ISOKO_USSD__TRUSTED_PROXIES": "127.0.0.0/8",
        "ISOKO_TELEGRAM__WEBHOOK_SECRET": SECRET,
    }
    async with running(tmp_path, **rules) as server:
        wrong = f"/ussd/africastalking/{SECRET[:-1]}x"
        for n in range(20):
            headers = {"X-Forwarded-For": "9.9.9.9" if n else "8.8.8.8"}
            assert await status(server, wrong, headers=headers) == 404
            token = {"X-Telegram-Bot-Api-Secret-Token": "x", "X-Forwarded-For": "7.7.7.7"}
            assert await status(server, "/telegram/webhook", headers=token) == 401
        assert await status(server, wrong, headers={"X-Forwarded-For": "9.9.9.9"}) == 404
        # The right secret is no guess, wherever it comes from.
        for _n in range(20):
            right = f"/ussd/africastalking/{SECRET}"
            assert await status(server, right, headers={"X-Forwarded-For": "6.6.6.6"}) == 200
        records, wanted, began = server.parts.market.records, set[Any](), time.monotonic()
        while len(wanted) < 2 and time.monotonic() - began < patient_s(10):
            await asyncio.sleep(0.3)
            found = await looks(records, Heard(()), datetime.now(UTC))
            wanted = {about for rule, about in found if rule == "wrong_secrets"}
        assert wanted == {"africastalking 9.9.9.9", "telegram 7.7.7.7"}


async def test_M02_five_guessed_callbacks_reach_the_staff_and_no_operator(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        records, asked = server.parts.market.records, []
        provider = server.parts.providers["mtn-momo"]
        look_up = provider.look_up

        async def seen(reference: str) -> Any:
            asked.append(reference)
            return await look_up(reference)

        provider.look_up = seen
        for n in range(5):
            assert ("stranger_callbacks", "") not in await looks(
                records, Heard(()), datetime.now(UTC)
            )
            reference = f"00000000-0000-4000-8000-00000000000{n}"
            body = {"externalId": "KW-77", "status": "SUCCESSFUL", "referenceId": reference}
            path = f"/payments/mtn-momo/callback/{reference}"
            async with server.client.post(path, json=body) as answer:
                assert answer.status == 200
        assert ("stranger_callbacks", "") in await looks(records, Heard(()), datetime.now(UTC))
        await asyncio.sleep(0.5)
        assert not any(one.startswith("00000000-0000-4000-8000") for one in asked)


async def test_W10_a_receiver_that_is_given_up_reaches_the_staff_until_looked_after(
    records,
) -> None:
    def give_up(db: Any) -> list[int]:
        ids = [
            subscriptions.subscribe(db, f"https://hub{n}.example/", (), NOON)[0] for n in range(3)
        ]
        for hours in range(0, 126, 3):
            at = NOON + timedelta(hours=hours)
            subscriptions.note_failure(db, ids[0], "answered 503", at, at)
        subscriptions.disable(db, ids[1], DeliveryTrouble.GONE)
        subscriptions.disable(db, ids[2], "by amina")
        return ids

    failing, gone, _by_hand = await records.write(give_up)
    found = await looks(records, Heard(()), NOON)
    assert found == {("receiver_off", str(failing)), ("receiver_off", str(gone))}
    watch = AlertWatch(records, (), RULES, AT_ONCE, lambda: None)
    await records.write(lambda db: subscriptions.subscribe(db, "https://staff.example/", (), NOON))
    await watch.look()
    assert ("webhook", "alert.raised") in await told(records)
    # Looked after: on again, or left off by somebody who knows.
    await records.write(lambda db: subscriptions.enable(db, failing))
    assert await records.write(lambda db: subscriptions.disable(db, gone, "by amina"))
    assert not await records.write(lambda db: subscriptions.disable(db, gone, DeliveryTrouble.GONE))
    assert await looks(records, Heard(()), NOON) == set()
