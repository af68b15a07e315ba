"""The servers under load, each a process on its own core, with its CPU time read from outside."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, insert, select

from bot.market.demo_prices import load_demo_prices
from bot.market.pin_hashing import PinHashing
from bot.settings import load_settings
from bot.storage.opening import open_records, upgrade
from bot.storage.schema import contacts, pins
from tests.free_port import free_port

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_LANGUAGES = ("rw", "fr", "en")


class Server:
    """A server and its workers, on the first `on_cores` cores."""

    def __init__(
        self, command: list[str], port: int, environment: dict[str, str], on_cores: int = 1
    ) -> None:
        self.port = port
        self._process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL
        )
        if cores() > 1:
            os.sched_setaffinity(self._process.pid, set(range(on_cores)))
        self._wait_until_up()

    @property
    def cpu_s(self) -> float:
        """User and system seconds so far, of all its threads and workers together."""
        pid = self._process.pid
        workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ticks = 0
        for one in (str(pid), *workers):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks * _TICK_S

    @property
    def memory_mb(self) -> float:
        """Resident memory now."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(20)

    def _wait_until_up(self) -> None:
        for _attempt in range(400):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.025)
        raise RuntimeError("the server did not start")


def bare_server() -> Server:
    """The baseline."""
    port = free_port()
    return Server([sys.executable, "-m", "bench.bare", str(port)], port, {})


def our_server(
    folder: Path, callers: int, *, database_url: str = "", redis_url: str = "", **settings: str
) -> Server:
    """Ours, with everything on and so many registered callers; embedded unless URLs are given."""
    asyncio.run(_register(folder, callers, database_url))
    port = free_port()
    environment = {
        "ISOKO_DATABASE_URL": database_url,
        "ISOKO_REDIS_URL": redis_url,
        "ISOKO_SANDBOX__PORT": str(free_port()),
        "ISOKO_DATA_DIR": str(folder),
        "ISOKO_PORT": str(port),
        "ISOKO_LOG_LEVEL": "warning",
        "ISOKO_USSD__DIALS_PER_MINUTE": "1000000",
        **settings,
    }
    workers = int(settings.get("ISOKO_WORKERS", "1"))
    return Server([sys.executable, "-m", "bot", "serve"], port, environment, workers)


def cores() -> int:
    """How many cores there are."""
    return os.cpu_count() or 1


def _give_pins(db: Connection, now: datetime) -> None:
    """One PIN for all, hashed as the server hashes: the flood is to cost what it costs."""
    pin = load_settings({}).pin
    hashing = PinHashing(pin.pepper.get_secret_value(), pin.memory_kib, pin.passes, pin.lanes, 1, 1)
    kept = hashing.hash_now("73914")
    hashing.close()
    ids = db.execute(select(contacts.c.id)).scalars().all()
    db.execute(insert(pins), [{"contact_id": i, "hash": kept, "set_at": now} for i in ids])


async def _register(folder: Path, callers: int, database_url: str = "") -> None:
    await upgrade(database_url, folder)
    records = await open_records(database_url, folder)
    now = datetime.now(UTC)
    rows = [
        {
            "msisdn": f"+25078{1_000_000 + number}",
            "language": _LANGUAGES[number % 3],
            "crop": "coffee",
            "created_at": now,
        }
        for number in range(callers)
    ]
    await records.write(lambda db: db.execute(insert(contacts), rows))
    await records.write(lambda db: _give_pins(db, now))
    await records.write(lambda db: load_demo_prices(db, "rw", now))
    await records.close()
