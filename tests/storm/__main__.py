"""`python -m tests.storm`: a storm by its seed, on SQLite, PostgreSQL, or each in turn."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from bot.operations.logs import set_up_logs
from tests.patient_records import patient_records
from tests.planted.bugs import plant_asked
from tests.storm import world
from tests.storm.invariants import INVARIANTS
from tests.storm.storm import Outcome, Storm
from tests.storm.virtual_loop import VirtualLoop, run


def main() -> None:
    """Run the storm and print what was done to it and what it did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=10_000)
    parser.add_argument("--seed", default=str(int(time.time())))
    parser.add_argument("--database", default="", help="a PostgreSQL URL; empty: an SQLite file")
    options = parser.parse_args()
    plant_asked()
    set_up_logs("critical", "console")
    began = time.perf_counter()
    print(f"seed {options.seed}, {options.payments:,} payments", flush=True)
    with tempfile.TemporaryDirectory(dir=_memory()) as folder, patient_records():

        def storm(loop: VirtualLoop):
            path = Path(folder)
            return Storm(loop, path, options.database, options.payments, options.seed).run()

        found = run(storm, world.START)
    _print(found, time.perf_counter() - began)
    sys.exit(bool(found.wrong))


def _memory() -> str | None:
    """Where files cost no disk: nobody pulls the plug here, so nothing waits for one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _print(found: Outcome, seconds: float) -> None:
    print("faults: " + ", ".join(f"{n:,} {name}" for name, n in sorted(found.faults.items())))
    print("ends: " + ", ".join(f"{n:,} {name}" for name, n in sorted(found.states.items())))
    print(
        f"{found.payments:,} payments: {found.accepted:,} accepted and {found.collected:,} "
        f"collected by phone, {found.given_back:,} given back by operators; "
        f"{found.sms_twice:,} messages came twice; {seconds:.0f} s"
    )
    print(f"digest {found.digest}")
    print("\n".join(f"VIOLATED {what}" for what in found.wrong[:40]))
    print(f"invariants: {', '.join(INVARIANTS)} checked, {len(found.wrong)} violated")


if __name__ == "__main__":
    main()
