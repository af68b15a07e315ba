"""What runs in the process under test: the real command, on a clock that can be put forward."""

from __future__ import annotations

import asyncio
import functools
import os
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection

import time_machine

from bot import cli, parts
from bot.demo_hub import DemoHub
from bot.look_ups import LookUps
from bot.sender import Sender
from bot.wallet_watch import WalletWatch
from tests.sweep.seams import Point, Seams


@dataclass(frozen=True, slots=True)
class Orders:
    """What a process is told: its command and settings, how far its clock is ahead, where to die.

    Without `record` it has no seams, and is as everywhere.
    """

    process: str
    arguments: tuple[str, ...]
    variables: dict[str, str]
    log: str
    ahead_s: float = 0.0
    record: str = ""
    fatal: Point | None = None


def run(orders: Orders, clock: Connection) -> None:
    """Run the command to its end; the caller's end of `clock` takes seconds to jump ahead."""
    log = os.open(orders.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(orders.variables)
    start = datetime.now(UTC) + timedelta(seconds=orders.ahead_s)
    traveller = time_machine.travel(start, tick=True).start()
    rounds = _Rounds()
    threading.Thread(target=_jump, args=(traveller, rounds, clock), daemon=True).start()
    if orders.record:
        Seams(orders.process, orders.record, orders.fatal).install()
    # The look at the clock comes often, since the clock runs fast.
    parts.LookUps = functools.partial(LookUps, poll_s=0.03)
    parts.WalletWatch = functools.partial(WalletWatch, poll_s=0.1)
    parts.DemoHub = functools.partial(DemoHub, step_s=0.1)
    sys.argv = ["isoko", *orders.arguments]
    cli.main()


_WORKERS = ((Sender, "carry_out"), (LookUps, "ask_due"), (WalletWatch, "watch"))


class _Rounds:
    """Whether one who talks to outside is in the middle of a round: no time passes there.

    While time waits to be put forward no new round begins, or on a busy machine it waits for ever.
    """

    def __init__(self) -> None:
        self.under_way = 0
        self.wait = False
        for worker, name in _WORKERS:
            setattr(worker, name, self._counted(getattr(worker, name)))

    def _counted(self, one_round):
        async def counted(worker):
            while self.wait:
                await asyncio.sleep(0.002)
            self.under_way += 1
            try:
                return await one_round(worker)
            finally:
                self.under_way -= 1

        return counted


def _jump(traveller, rounds: _Rounds, clock: Connection) -> None:
    try:
        while True:
            seconds = clock.recv()
            rounds.wait = True
            while rounds.under_way:
                time.sleep(0.001)
            traveller.shift(timedelta(seconds=seconds))
            rounds.wait = False
            clock.send(seconds)
    except (EOFError, OSError):
        # The sweep itself was stopped: no server of its worlds stays behind.
        os._exit(1)
