"""`python -m bench.board`: 200 hops a second while 20 browsers look on at the live calls.

The same load runs in turns with nobody and with all of them looking on. One caller is lost, so that
their call stands first on the board: how long after each of their hops every browser has been told.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection as Db

from bench.calls import form
from bench.connection import connect
from bench.onlookers import Onlookers
from bench.servers import Server, cores, our_server
from bot.dashboard.access import members, staff_sessions
from bot.storage.opening import open_records

HOPS_PER_S, BROWSERS, ROUNDS, _ROUND_S, _WARM_S = 200, 20, 7, 8.0, 4.0
_CALLERS, _CONNECTIONS = 2000, 40
_HOPS = ("", "1", "1*0", "1*0*8")
# Keys that are on no menu: the same screen again and again.
_LOST = "7*7*7*7"


@dataclass(slots=True)
class Found:
    """Seconds: a hop with nobody and with all looking on; from the lost one's hop to a board.

    `p99s` is how much of the first the second is at its 99th percentile, round by round.
    """

    alone_s: list[float] = field(default_factory=list)
    watched_s: list[float] = field(default_factory=list)
    told_s: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)
    alone_p99s: list[float] = field(default_factory=list)


def main() -> None:
    """Run it on the embedded store and print the table."""
    if cores() > 1:
        # The server has the first one to itself.
        os.sched_setaffinity(0, range(1, cores()))
    with tempfile.TemporaryDirectory() as folder:
        server = our_server(Path(folder), _CALLERS)
        try:
            found = asyncio.run(_run(server, Path(folder)))
        finally:
            server.stop()
    table = Table(
        "",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        title=f"{HOPS_PER_S} hops a second, {BROWSERS} browsers",
    )
    for name, times in (
        ("a hop, nobody looks on", found.alone_s),
        ("a hop, all look on", found.watched_s),
        ("from a hop to a board", found.told_s),
    ):
        table.add_row(name, *(f"{_at(times, part) * 1000:.1f}" for part in (0.5, 0.95, 0.99)))
    Console().print(table)
    middle, least, most = statistics.median(found.p99s), min(found.p99s), max(found.p99s)
    print(f"a hop's p99, looked on to alone: {middle:.2f} ({least:.2f} to {most:.2f})")
    alone_ms = sorted(one * 1000 for one in found.alone_p99s)
    print(f"its p99 alone, round by round: {alone_ms[0]:.1f} to {alone_ms[-1]:.1f} ms")


async def _run(server: Server, folder: Path) -> Found:
    found, cookies = Found(), await _sessions(folder)
    # Statements are put together, and the connections made, before anything is measured.
    await _load(server.port, "warm", _WARM_S)
    for number in range(ROUNDS):
        alone_s = await _load(server.port, f"a{number}")
        found.alone_s += alone_s
        onlookers = Onlookers(server.port, cookies, "99", len(_HOPS))
        await asyncio.sleep(3)
        times, sent = await asyncio.gather(
            _load(server.port, f"w{number}"), _lost(server.port, f"l{number}")
        )
        await asyncio.sleep(2)
        heard = onlookers.leave()
        found.watched_s += times
        found.alone_p99s.append(_at(alone_s, 0.99))
        found.p99s.append(_at(times, 0.99) / found.alone_p99s[-1])
        for hops, at in sent.items():
            # A later hop tells that an earlier one was overtaken: it was on no board by itself.
            # What was told before is of the round before, whose call is this number's too.
            told = [
                min((t for h, t in one if h >= hops and t >= at), default=at + 60) for one in heard
            ]
            found.told_s += [one - at for one in told]
    return found


async def _sessions(folder: Path) -> list[str]:
    """A member of staff who is signed in once for each browser; the cookies."""
    records, now = await open_records("", folder), datetime.now(UTC)

    def add(db: Db) -> list[str]:
        member = members.add(db, "bench", "viewer", "en", now, "bench", demo=True)
        begin = partial(staff_sessions.begin, db, member.id, "full", now)
        return [begin() for _browser in range(BROWSERS)]

    tokens = await records.write(add)
    await records.close()
    return tokens


async def _load(port: int, run: str, for_s: float = _ROUND_S) -> list[float]:
    """So many hops a second, whether answers come or not; how long each took."""
    count, took = int(HOPS_PER_S * for_s), []
    began = time.perf_counter()

    async def caller(first: int) -> None:
        line = await connect(port)
        for number in range(first, count, _CONNECTIONS):
            due = began + number / HOPS_PER_S
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            call, hop = divmod(number // _CONNECTIONS, len(_HOPS))
            msisdn = f"25078{1_000_000 + (first * 40 + call) % (_CALLERS - 1)}"
            await line.post(form(f"ATUid_{run}{first:04x}{call:04x}", msisdn, _HOPS[hop]))
            took.append(time.perf_counter() - due)
        line.drop()

    await asyncio.gather(*(caller(first) for first in range(_CONNECTIONS)))
    return took


async def _lost(port: int, run: str) -> dict[int, float]:
    """One caller presses a wrong key twice a second; when each hop was answered."""
    line, history, sent = await connect(port), _LOST, {}
    session, msisdn = f"ATUid_{run}", f"25078{1_000_000 + _CALLERS - 1}"
    for typed in ("", *("*".join(_LOST.split("*")[:n]) for n in range(1, 5))):
        await line.post(form(session, msisdn, typed))
    hops, until = 5, time.perf_counter() + _ROUND_S
    while time.perf_counter() < until:
        history, hops = f"{history}*7", hops + 1
        await line.post(form(session, msisdn, history))
        sent[hops] = time.perf_counter()
        await asyncio.sleep(0.63)
    line.drop()
    return sent


def _at(times: list[float], part: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * part))] if times else 0.0


if __name__ == "__main__":
    main()
