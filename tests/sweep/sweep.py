"""A sweep: a path is run once to find its points; then once for each, with death exactly there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path as Folder

from bot.i18n import load_catalogues
from tests.phone import PIN
from tests.sweep import cast
from tests.sweep.checking import doubles, faults
from tests.sweep.path import Path
from tests.sweep.seams import Point
from tests.sweep.stores import Store
from tests.sweep.world import World

TRIES = 5
# A world takes a few seconds; one that hangs is a finding.
_WORLD_S = 240.0


@dataclass(slots=True)
class Run:
    """What came of one run of a path, with or without a death."""

    path: Path
    fatal: Point | None
    died: bool = False
    wrong: list[str] = field(default_factory=list)
    passed: list[Point] = field(default_factory=list)
    restart_s: float = 0.0
    doubles: int = 0
    # How far the world's clock was put forward.
    ahead_s: float = 0.0


class Sweep:
    """Runs paths on one kind of store, `at_once` worlds at a time, in `folder`."""

    def __init__(self, store: Store, folder: Folder, at_once: int) -> None:
        self._store, self._folder = store, folder
        self._turn = asyncio.Semaphore(at_once)
        self._numbers = count()

    async def open(self) -> None:
        """Make the model of all stores, and the PIN."""
        load_catalogues()
        await self._store.open()
        self._pin_hash = await cast.pin_hash(PIN)

    async def close(self) -> None:
        """Remove the stores."""
        await self._store.close()

    async def points(self, path: Path) -> Run:
        """One run in which nothing dies; what it passed are the points."""
        return await self.run(path, None)

    async def kills(self, path: Path, points: Iterable[Point]) -> list[Run]:
        """One run for each point."""
        return await asyncio.gather(*(self._kill(path, point) for point in points))

    async def run(self, path: Path, fatal: Point | None) -> Run:
        """One world from its beginning to its end."""
        async with self._turn:
            place = await self._store.new(self._folder / f"world-{next(self._numbers)}")
            try:
                return await self._live(path, World(place, fatal))
            finally:
                await self._store.drop(place)

    async def _kill(self, path: Path, point: Point) -> Run:
        # Two tasks of the server may swap turns, and a point is then not passed.
        for _try in range(TRIES):
            run = await self.run(path, point)
            if run.died or run.wrong:
                break
        return run

    async def _live(self, path: Path, world: World) -> Run:
        run = Run(path, world.fatal)
        await world.open(path.switches)
        try:
            async with asyncio.timeout(_WORLD_S):
                now = datetime.now(UTC)
                await world.records.write(lambda db: path.begin(db, self._pin_hash, now))
                await world.begin()
                await path.drive(world)
                await world.up()
                run.wrong = await faults(world, path)
        except Exception as error:  # a world that breaks down is a finding like any other
            run.wrong = [*world.wrong, f"{type(error).__name__}: {error}", world.log[-2000:]]
        finally:
            await world.close()
        run.died, run.passed = world.kills > 0, world.passed()
        run.restart_s, run.ahead_s, run.doubles = world.restart_s, world.ahead_s, doubles(world)
        return run
