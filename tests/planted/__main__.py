"""`make planted`: each bug is planted in turn, and the suite must notice. Exit 1 when it does not."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from tests.planted.bugs import BUGS, NOTHING, Bug

_FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.M)
_TOO_LONG_S = 900


def main() -> None:
    """Run the guards of each bug until the first test fails, and print which one it was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these bugs")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    bugs = [bug for bug in BUGS if not options.names or bug.name in options.names]
    with ThreadPoolExecutor(options.jobs) as pool:
        missed = sum(not caught for caught in pool.map(_run, bugs))
    print(f"planted bugs: {len(bugs)}, not caught: {missed}")
    sys.exit(bool(missed))


def _run(bug: Bug) -> bool:
    began = time.monotonic()
    try:
        caught_by = _caught_by(bug)
    except subprocess.TimeoutExpired:
        # The others are still to be tried; nobody waits so long for a test that fails.
        print(f"{bug.name:36} {_TOO_LONG_S:4} s  NOT CAUGHT IN TIME", flush=True)
        return False
    # What fails without the bug too, in the same surroundings, has not caught it.
    is_caught = bool(caught_by) and not _first_failed(NOTHING, (caught_by,))
    took_s = time.monotonic() - began
    said = (caught_by if is_caught else f"FAILS ANYHOW: {caught_by}") if caught_by else "NOT CAUGHT"
    print(f"{bug.name:36} {took_s:4.0f} s  {said}", flush=True)
    return is_caught


def _caught_by(bug: Bug) -> str:
    """The first test that fails with the bug in place; "" when none does."""
    # The nearest guard by itself: of folders that hold it pytest would make its own order.
    nearest, others = bug.guards[:1], bug.guards[1:]
    return _first_failed(bug.name, nearest) or _first_failed(bug.name, others)


def _first_failed(planted: str, tests: tuple[str, ...]) -> str:
    command = [sys.executable, "-m", "pytest", "-x", "--tb=no", "--plant", planted, *tests]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TOO_LONG_S, check=False)
    found = _FAILED.search(done.stdout)
    if found is None and done.returncode != 0:
        raise RuntimeError(f"{planted}: the tests did not run\n{done.stdout}{done.stderr}")
    return found[1] if found and done.returncode == 1 else ""


if __name__ == "__main__":
    main()
