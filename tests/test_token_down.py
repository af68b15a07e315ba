"""M-13: an operator's token service is down for five minutes, in virtual time; or it hangs."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from bot.i18n import load_catalogues
from bot.look_ups import LookUps
from bot.market import books, payments
from bot.market.limits import USUAL, PayoutRules
from bot.sandbox.momo_access import Access
from bot.sandbox.server import Sandbox, start_sandbox
from bot.sandbox.switches import Switches
from bot.sender import Sender, SenderRules
from bot.sms.provider import Sent, SmsAnswer
from bot.storage import outbox
from bot.storage.opening import open_records, upgrade
from bot.wallet_watch import WalletWatch
from tests.market.money import pay, person
from tests.patience import patient_s
from tests.payments.operators import airtel, momo
from tests.real_postgres import RealPostgres
from tests.storm.virtual_loop import OutsideRecords, VirtualLoop, run

_START = datetime(2026, 11, 25, 8, tzinfo=UTC)
_DOWN_S = 300.0


class TokenService:
    """The pretended token route, which can be down or silent by itself."""

    def __init__(self, monkeypatch) -> None:
        self.down, self.refused = False, 0
        self.hangs, self.hung = False, 0
        self._ended = asyncio.Event()
        give = Access.token

        async def token(access: Access, request: web.Request) -> web.Response:
            if self.down:
                self.refused += 1
                return web.Response(status=503)
            if self.hangs:
                self.hung += 1
                await self._ended.wait()
            return await give(access, request)

        monkeypatch.setattr(Access, "token", token)

    def ends(self) -> None:
        """Whoever waits is answered: a server that stops would wait for them."""
        self._ended.set()


class Phones:
    """Takes every SMS."""

    def __init__(self) -> None:
        self.got: list[str] = []

    async def send(self, message) -> SmsAnswer:
        self.got.append(message.text)
        return SmsAnswer(Sent.SENT)


async def states(records, made) -> list[str]:
    def read(db) -> list[str]:
        return [payments.by_reference(db, one.reference).state for one in made]

    return await records.read(read)


async def all_succeeded(records, made, within: timedelta) -> None:
    end = datetime.now(UTC) + within
    while set(await states(records, made)) != {"succeeded"}:
        assert datetime.now(UTC) < end, await states(records, made)
        await asyncio.sleep(5)


async def through_it(records, sandbox: Sandbox, tokens: TokenService) -> None:
    def batch(db, size: int) -> list[payments.Payment]:
        now = datetime.now(UTC)
        return [pay(db, contact_id, now, 1_000) for _one in range(size)]

    contact_id = await records.write(lambda db: person(db, datetime.now(UTC)))
    first = await records.write(lambda db: batch(db, 3))
    await all_succeeded(records, first, timedelta(minutes=2))
    assert sandbox.momo.tokens_given == 1
    sandbox.momo.forget_tokens()
    tokens.down = True
    second = await records.write(lambda db: batch(db, 10))
    await asyncio.sleep(_DOWN_S)
    # They wait: nothing has left, nothing is said to have failed.
    assert tokens.refused >= 5 and len(sandbox.momo.transfers()) == 3
    assert set(await states(records, second)) <= {"created", "unknown"}
    tokens.down = False
    await all_succeeded(records, second, timedelta(minutes=30))
    asked = [one["reference"] for one in sandbox.momo.transfers()]
    assert sorted(asked) == sorted(one.reference for one in first + second)
    # One for all ten, however many asked for it at once.
    assert sandbox.momo.tokens_given == 2
    assert (await records.read(books.check)).faults == []


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_M13_five_minutes_without_tokens_lose_no_payout_and_double_none(
    tmp_path: Path, postgres: RealPostgres, monkeypatch, store: str
) -> None:
    url = postgres.new_database() if store == "postgres" else ""
    tokens = TokenService(monkeypatch)
    load_catalogues()

    async def live(loop: VirtualLoop) -> None:
        with loop.standing():
            await upgrade(url, tmp_path)
            records = await open_records(url, tmp_path)
        if url:
            records = OutsideRecords(records, loop)
        sandbox = await start_sandbox("127.0.0.1", 0)
        sandbox.momo.switches = Switches(settle_after_s=0.5, lost_callback=True)
        async with aiohttp.ClientSession() as http:
            pays = {"mtn-momo": momo(sandbox.url, http, timeout_s=10.0)}
            sender = Sender(records, Phones(), pays, SenderRules(poll_s=5.0), USUAL)
            look_ups = LookUps(records, pays, sender.wake, poll_s=5.0, payouts=USUAL)
            watch = WalletWatch(records, pays, {}, sender.wake)
            work = [asyncio.create_task(one.run()) for one in (sender, look_ups, watch)]
            try:
                await through_it(records, sandbox, tokens)
            finally:
                for task in work:
                    task.cancel()
                await asyncio.gather(*work, return_exceptions=True)
                await sandbox.stop()
                with loop.standing():
                    await records.close()

    run(live, _START)


_SILENT_S = 2.0


async def until(reached, within_s: float) -> None:
    async with asyncio.timeout(patient_s(within_s)):
        while not await reached():
            await asyncio.sleep(0.02)


async def others_go_on(records, tokens: TokenService, phones: Phones, sender: Sender) -> None:
    now = datetime.now(UTC)
    who = await records.write(lambda db: person(db, now))
    stuck = await records.write(lambda db: [pay(db, who, now, 1_000) for _one in range(10)])
    sender.wake()

    async def asked() -> bool:
        return tokens.hung > 0

    await until(asked, 5)
    sms = {"msisdn": "+250788000001", "text": "hello"}
    await records.write(lambda db: outbox.put(db, "sms", "one", sms, now))
    by_airtel = {"provider": "airtel-money", "payee_msisdn": "+250738000004"}
    quick = await records.write(lambda db: pay(db, who, now, 1_000, **by_airtel))
    sender.wake()

    async def gone() -> bool:
        return "hello" in phones.got and await states(records, [quick]) == ["sent"]

    await until(gone, 5)
    # All ten of the silent one are still in hand, and wait for one and the same asking.
    assert set(await states(records, stuck)) == {"created"} and tokens.hung == 1

    async def over() -> bool:
        return set(await states(records, stuck)) == {"unknown"}

    await until(over, 2 * _SILENT_S)
    assert tokens.hung <= 2


async def test_M13_a_token_service_that_hangs_holds_up_only_its_own_line(
    records, monkeypatch
) -> None:
    tokens, phones = TokenService(monkeypatch), Phones()
    load_catalogues()
    sandbox = await start_sandbox("127.0.0.1", 0)
    tokens.hangs = True
    # As long as the quick ones may take on a busy machine.
    silent_s = patient_s(_SILENT_S)
    async with aiohttp.ClientSession() as http:
        lines = {
            "mtn-momo": momo(sandbox.url, http, timeout_s=silent_s),
            "airtel-money": airtel(sandbox.url, http, timeout_s=10.0),
        }
        sender = Sender(records, phones, lines, SenderRules(), PayoutRules(person_day_rwf=10**9))
        work = asyncio.create_task(sender.run())
        try:
            await others_go_on(records, tokens, phones, sender)
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            tokens.ends()
            await sandbox.stop()
