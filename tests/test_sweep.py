"""A slice of the crash-point sweep in the suite, on both stores; `make sweep` does all of it."""

import re
import subprocess
import sys

import pytest

from tests.sweep.__main__ import holes
from tests.sweep.paths import PATHS
from tests.sweep.seams import Point
from tests.sweep.sweep import Run


@pytest.mark.parametrize(
    ("store", "path", "every"),
    [
        ("sqlite", "payout mtn", 15),
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
    said = re.search(r"(\d+) points, (\d+) kills, (\d+) not reached, (\d+) violations", done.stdout)
    assert said is not None, done.stdout + done.stderr
    points, kills, not_reached, violations = map(int, said.groups())
    # How often a sender looks in an outage is not the same twice, so that its last look of one run
    # may not be there in five others.
    assert violations == 0 and not_reached <= 1, done.stdout + done.stderr
    assert points > 25 and kills >= 3


def test_the_sweep_ends_with_an_error_and_the_command_to_do_it_again() -> None:
    command = [sys.executable, "-m", "tests.sweep", "--store", "sqlite", "--path", "problem"]
    nowhere = "server | before commit, nowhere.py:1 nobody | 1"
    done = subprocess.run(
        [*command, "--point", nowhere], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "not reached" in done.stdout and f"--point '{nowhere}'" in done.stdout


def test_a_look_fewer_is_no_hole_and_a_seam_without_a_death_is_one() -> None:
    path = next(iter(PATHS.values()))
    first, again = (Point("server", "before commit, poller.py:1 look", nth) for nth in (1, 2))
    elsewhere = Point("server", "before commit, nowhere.py:1 nobody", 1)
    died, missed = Run(path, first, died=True), Run(path, again)
    assert holes([Run(path, None), died, missed]) == []
    assert holes([died, missed, Run(path, elsewhere)]) == [Run(path, elsewhere)]
    assert holes([Run(path, first), missed]) == [Run(path, first), missed]
