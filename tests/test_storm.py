"""A small storm in the suite, so that `make chaos` is known to work; the large one is run by it."""

import subprocess
import sys


def test_I5_after_a_storm_every_payout_is_settled_failed_or_flagged() -> None:
    command = [sys.executable, "-m", "tests.storm", "--payments", "150", "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 violated" in done.stdout and "kills" in done.stdout
