"""`make sweep`: kill -9 at every seam of every path of money, restart, drive to the end, check.

With --path and --point it is the one world that a violation names. How often a poller looks hangs on
the clock: a seam passed once less than in the first run is told, and is a hole only when no other
world of the path died at that seam.
"""

from __future__ import annotations

import argparse
import asyncio
import shlex
import sys
import tempfile
import time
from pathlib import Path as Folder

from tests.patient_records import patient_records
from tests.sweep.path import Path
from tests.sweep.paths import PATHS
from tests.sweep.seams import Point, point_of
from tests.sweep.stores import PostgresStore, SqliteStore, Store
from tests.sweep.sweep import TRIES, Run, Sweep

_STORES = ("sqlite", "postgres")


def main() -> None:
    """Sweep, print the figures, and end with 1 on a violation or at a seam where nothing died."""
    parser = argparse.ArgumentParser(prog="python -m tests.sweep", description=__doc__)
    parser.add_argument("--store", choices=_STORES, action="append", help="default: both")
    parser.add_argument("--path", choices=list(PATHS), action="append", help="default: all")
    parser.add_argument("--point", type=point_of, help="die only there")
    parser.add_argument("--every", type=int, default=1, help="die at each n-th point only")
    parser.add_argument("--at-once", type=int, default=3, help="how many worlds")
    options = parser.parse_args()
    paths = [PATHS[name] for name in options.path or PATHS]
    good = True
    for store in options.store or _STORES:
        with tempfile.TemporaryDirectory() as folder, patient_records():
            good &= asyncio.run(_sweep(store, Folder(folder), paths, options))
    sys.exit(not good)


async def _sweep(store: str, folder: Folder, paths: list[Path], options) -> bool:
    kind: Store = PostgresStore() if store == "postgres" else SqliteStore(folder)
    sweep, began, runs = Sweep(kind, folder, options.at_once), time.monotonic(), []
    await sweep.open()
    try:
        dry = await asyncio.gather(*(sweep.points(path) for path in paths))
        async with asyncio.TaskGroup() as group:
            kills = [
                group.create_task(sweep.kills(one.path, _points(number, one, options)))
                for number, one in enumerate(dry)
            ]
            for one, task in zip(dry, kills, strict=True):
                died = await task
                findings = _findings(store, [one, *died])
                print(_line(store, one, died), *findings, sep="\n", flush=True)
                runs += [one, *died]
    finally:
        await sweep.close()
    return _report(store, runs, time.monotonic() - began)


def _points(number: int, dry: Run, options) -> list[Point]:
    if options.point:
        return [options.point]
    # Each path begins elsewhere, so that a few kills meet every kind of point.
    first = 7 * number % min(options.every, len(dry.passed) or 1)
    return dry.passed[first :: options.every]


def _line(store: str, dry: Run, died: list[Run]) -> str:
    killed = sum(run.died for run in died)
    wrong = sum(bool(run.wrong) for run in [dry, *died])
    worst_s = max((run.restart_s for run in died), default=0.0)
    return (
        f"{store:9}{dry.path.name:20}{len(dry.passed):4} points{killed:5} kills"
        f"{wrong:4} violations   worst restart {worst_s:.2f} s"
    )


def _missed(run: Run) -> bool:
    return run.fatal is not None and not run.died and not run.wrong


def holes(runs: list[Run]) -> list[Run]:
    """Those not reached whose seam no world of their path died at, whichever time it was passed."""
    died = {(run.path.name, *run.fatal[:2]) for run in runs if run.fatal and run.died}
    return [
        run
        for run in runs
        if run.fatal and _missed(run) and (run.path.name, *run.fatal[:2]) not in died
    ]


def _findings(store: str, runs: list[Run]) -> list[str]:
    """What is wrong, each with how to see it again; a long run says it as soon as it knows."""
    wrong = [f"{_again(store, run)}\n  " + "\n  ".join(run.wrong) for run in runs if run.wrong]
    return wrong + [
        f"not reached in {TRIES} runs: {_again(store, run)}" for run in runs if _missed(run)
    ]


def _report(store: str, runs: list[Run], took_s: float) -> bool:
    bad = [run for run in runs if run.wrong]
    missed, unseen = [run for run in runs if _missed(run)], holes(runs)
    points = sum(len(run.passed) for run in runs if run.fatal is None)
    longest_min = max(run.ahead_s for run in runs) / 60
    print(
        f"{store}: {sum(run.fatal is None for run in runs)} paths, {points} points, "
        f"{sum(run.died for run in runs)} kills, {len(missed)} not reached, "
        f"{len(bad)} violations, {len(unseen)} seams without a death, "
        f"worst restart {max(run.restart_s for run in runs):.2f} s, "
        f"longest way to the end {longest_min:.1f} virtual minutes, "
        f"{sum(run.doubles for run in runs)} messages twice, {took_s:.0f} s"
    )
    return not bad and not unseen


def _again(store: str, run: Run) -> str:
    """The one command that does this again."""
    command = ["python", "-m", "tests.sweep", "--store", store, "--path", run.path.name]
    if isinstance(run.fatal, Point):
        command += ["--point", str(run.fatal)]
    return shlex.join(command)


if __name__ == "__main__":
    main()
