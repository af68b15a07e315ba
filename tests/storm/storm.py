"""One storm from its first payout to its end, in virtual time."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from sqlalchemy import Connection, func, select

from bot.i18n import load_catalogues
from bot.storage.opening import open_records, upgrade
from bot.storage.schema import operators, payments
from bot.wiring import pins_of
from tests.phone import PIN
from tests.storm import hub, invariants, staff, world
from tests.storm.ends import digest
from tests.storm.expected import not_as_expected
from tests.storm.farmers import Farmer
from tests.storm.lives import Lives
from tests.storm.looking import look
from tests.storm.outside import Outside
from tests.storm.payers import Payer
from tests.storm.process import storm_settings
from tests.storm.stranger import Stranger
from tests.storm.virtual_loop import OutsideRecords, VirtualLoop
from tests.storm.weather import STORM, Weather

# "Settled, failed or flagged within 30 minutes after the faults stop".
_CALM = timedelta(minutes=30)
_LAST_REFUND = timedelta(minutes=1)
_ARRIVALS = timedelta(minutes=100)
_BATCHES = 120


P = TypeVar("P", Farmer, Payer)


@dataclass(slots=True)
class Outcome:
    """What a storm did and what came of it; `digest` is the same for the same seed."""

    wrong: list[str]
    digest: str
    payments: int
    accepted: int
    collected: int
    given_back: int
    faults: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    sms_twice: int = 0


class Storm:
    """`count` payments by the seed, on the database at `url` or on a file in `folder`."""

    def __init__(self, loop: VirtualLoop, folder: Path, url: str, count: int, seed: str) -> None:
        self._loop, self._folder, self._url = loop, folder, url
        self._seed, self._farmers = seed, count // world.BY_PHONE
        self._bills = count // world.BY_BILL
        self._rows = count - self._farmers - self._bills
        self._chance = random.Random(f"{seed} storm")

    async def run(self) -> Outcome:
        """Prepare, storm, calm down, and look at what is left."""
        load_catalogues()
        with self._loop.standing():
            await upgrade(self._url, self._folder)
            opened = await open_records(self._url, self._folder)
        # SQLite waits for our own timers, and what it has on a thread is counted there.
        self._records = OutsideRecords(opened, self._loop) if self._url else opened
        pins = pins_of(storm_settings(self._folder), opened)
        pin_hash = await pins.hash(PIN)
        await self._records.write(lambda db: world.fill(db, self._farmers, self._bills, pin_hash))
        self._weather = Weather(self._seed, world.START, self._name_of)
        app, outside = self._folder / "isoko.sock", self._folder / "outside.sock"
        self._outside = Outside(outside, app, self._weather)
        await self._outside.start()
        self._lives = Lives(self._folder, self._records, self._seed)
        life = asyncio.create_task(self._lives.run())
        async with aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(app), limit=0)
        ) as http:
            self._stranger = Stranger(self._seed, http, self._records, self._weather)
            self._people = self._at_phones(Farmer, self._farmers, http)
            self._payers = self._at_phones(Payer, self._bills, http)
            found = await _unless_over(self._all(), life)
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)
        await self._outside.stop()
        await pins.close()
        with self._loop.standing():
            await self._records.close()
        return found

    def _at_phones(self, kind: type[P], count: int, http: aiohttp.ClientSession) -> list[P]:
        return [
            kind(number, self._seed, http, lambda: self._lives.flushes) for number in range(count)
        ]

    async def _all(self) -> Outcome:
        refunds = asyncio.create_task(self._gives_back())
        await self._blow()
        await self._calm_down()
        await refunds
        return await self._look()

    async def _blow(self) -> None:
        work: list[Coroutine[Any, Any, None]] = [self._makes_rows(), self._pays(), self._spoils()]
        work += [self._later(one) for one in (*self._people, *self._payers)]
        await asyncio.gather(*work)
        await self._until(world.START + STORM)

    async def _calm_down(self) -> None:
        self._lives.calm_down()
        await self._until(world.START + STORM + _CALM)

    async def _makes_rows(self) -> None:
        for batch in range(_BATCHES):
            first, end = (self._rows * step // _BATCHES for step in (batch, batch + 1))
            await self._lives.write(lambda db, f=first, e=end: hub.make_rows(db, f, e))
            self._wake()
            await asyncio.sleep(_ARRIVALS.total_seconds() / _BATCHES)

    async def _pays(self) -> None:
        while not self._weather.is_calm:
            await self._lives.write(hub.pay_for_accepted)
            self._wake()
            await asyncio.sleep(15)

    async def _gives_back(self) -> None:
        """Staff do it also when the storm is over, and end in time for the last to arrive."""
        while datetime.now(UTC) < world.START + STORM + _CALM - _LAST_REFUND:
            await self._lives.write(staff.give_back)
            self._wake()
            await asyncio.sleep(60)

    async def _spoils(self) -> None:
        """Strangers call back, old callbacks come again, and tokens end before their time."""
        while not self._weather.is_calm:
            await asyncio.sleep(self._chance.uniform(1, 2 * STORM.total_seconds() / self._rows))
            await self._stranger.calls_back()
            if self._outside.momo.transfers():
                self._weather.faults["callback out of order"] += 1
                await self._outside.calls_back_again(self._chance.randrange(10**9))
            if self._chance.random() < 0.1:
                self._weather.faults["tokens ended early"] += 1
                self._outside.momo.forget_tokens()
                self._outside.airtel.forget_tokens()

    async def _later(self, caller: Farmer | Payer) -> None:
        await asyncio.sleep(self._chance.uniform(10, _ARRIVALS.total_seconds()))
        await caller.calls()

    async def _until(self, moment: datetime) -> None:
        await asyncio.sleep((moment - datetime.now(UTC)).total_seconds())

    def _wake(self) -> None:
        if self._lives.process is not None:
            self._lives.process.parts.sender.wake()

    async def _name_of(self, reference: str) -> str:
        return await self._records.read(lambda db: hub.name_of(db, reference))

    async def _look(self) -> Outcome:
        assert self._lives.process is not None
        await self._lives.process.parts.transcripts.flush()
        names = await self._records.read(hub.names)
        seen = look(self._outside, self._lives, self._people, self._payers, names)
        wrong = await invariants.violated(self._records, seen)
        wrong += await self._records.read(
            lambda db: list(not_as_expected(db, self._people, self._payers, self._rows))
        )
        states = Counter(
            await self._records.read(
                lambda db: db.execute(select(payments.c.state)).scalars().all()
            )
        )
        faults = self._weather.faults + self._lives.faults
        faults["outages noticed"] = await self._records.read(_outages)
        for one in (*self._people, *self._payers):
            faults += one.handset.faults
        ends = await self._records.read(digest)
        twice = len(seen.sms) - len(set(seen.sms))
        collected = sum(one.kind == "collection" and one.end == "paid" for one in seen.taken)
        return Outcome(
            wrong, ends, states.total(), len(seen.accepted), collected, len(seen.given_back),
            faults, states, twice,
        )  # fmt: skip


def _outages(db: Connection) -> int:
    return db.execute(select(func.coalesce(func.sum(operators.c.outage), 0))).scalar_one()


async def _unless_over(work: Coroutine[Any, Any, Outcome], life: asyncio.Task[None]) -> Outcome:
    """What `work` comes to; the lives never end by themselves, and if so by a fault that is told."""
    running = asyncio.create_task(work)
    await asyncio.wait((running, life), return_when=asyncio.FIRST_COMPLETED)
    if life.done():
        await life
    return await running
