"""Logs name nobody: whatever is written into a line, no full number leaves with it."""

import subprocess
import sys

import pytest

_SAYS = """
import structlog
from bot.operations.logs import set_up_logs
from tests.planted.bugs import plant_asked

plant_asked()
set_up_logs("info", {style!r})
log = structlog.get_logger()
log.warning("call of +250788123456", msisdn="0788123456", session="x")
try:
    raise ValueError("nobody has 250788123456")
except ValueError:
    log.exception("failed")
"""


@pytest.mark.parametrize("style", ["json", "console"])
def test_I16_no_full_number_is_in_any_line(style: str) -> None:
    command = [sys.executable, "-c", _SAYS.format(style=style)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert "788123456" not in done.stderr
    # Both lines are there, and the traceback with its number masked.
    assert "call of" in done.stderr and "nobody has" in done.stderr
    assert done.stderr.count("56") >= 3
