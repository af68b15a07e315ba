"""A slice of the crash-point sweep in the suite, on both stores; `make sweep` does all of it."""

import re
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("store", "path", "every"),
    [
        ("sqlite", "payout mtn", 15),
        ("postgres", "collect mtn", 15),
        ("sqlite", "outage", 50),
        ("postgres", "sale", 30),
    ],
)
def test_M14_killed_at_a_slice_of_the_points_nothing_is_lost_or_doubled(
    store: str, path: str, every: int
) -> None:
    command = [sys.executable, "-m", "tests.sweep", "--store", store, "--path", path]
    done = subprocess.run(
        [*command, "--every", str(every)], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    points, kills = re.search(r"(\d+) points, (\d+) kills", done.stdout).groups()
    assert int(points) > 25 and int(kills) >= 3
    assert "0 not reached, 0 violations" in done.stdout


def test_the_sweep_ends_with_an_error_and_the_command_to_do_it_again() -> None:
    command = [sys.executable, "-m", "tests.sweep", "--store", "sqlite", "--path", "problem"]
    nowhere = "server | before commit, nowhere.py:1 nobody | 1"
    done = subprocess.run(
        [*command, "--point", nowhere], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "not reached" in done.stdout and f"--point '{nowhere}'" in done.stdout
