"""A small storm in the suite, so that `make chaos` is known to work; the large one is run by it."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest


def storm(*more: str) -> str:
    """Run a small storm with this seed; what it printed."""
    command = [sys.executable, "-m", "tests.storm", "--payments", "50", "--seed", "7", *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def digest_in(told: str) -> str:
    """The digest of the world's end."""
    return next(line for line in told.splitlines() if line.startswith("digest "))


@pytest.mark.timeout(300)
def test_I5_a_seeded_storm_ends_the_same_twice_and_breaks_no_invariant() -> None:
    # On PostgreSQL: `python -m tests.storm --database URL`. Its time limits are of the real clock,
    # so on a busy machine it is no test that always says the same.
    with ThreadPoolExecutor() as both:
        at_once = both.submit(storm)
        first, second = storm(), at_once.result()
    for told in (first, second):
        assert "0 violated" in told and "kills" in told
        assert re.search(r"\b[1-9]\d* outages noticed", told)
        assert re.search(r"\b[1-9]\d* collected by phone, [1-9]\d* given back", told)
    assert digest_in(first) == digest_in(second)
