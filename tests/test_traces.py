"""What is left behind in logs and on the disk: no number, no PIN, no password, no secret."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.dashboard.desk import PASSWORD
from tests.phone import PIN

_NUMBER = re.compile(r"(?<![0-9a-f-])(?:\+?250|0)?7[2389][0-9]{7}(?![0-9a-f])")


@dataclass(frozen=True, slots=True)
class Walk:
    """What a server left behind: its folder, its logs, and what must stand in neither."""

    folder: Path
    logs: str
    secrets: list[str]


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """A server that was called, signed in to and knocked at, and has ended."""
    folder = tmp_path_factory.mktemp("walk")
    command = [sys.executable, "-m", "tests.trace_walk", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return Walk(folder, done.stderr, json.loads(done.stdout))


def found_in(text: str, secrets: list[str]) -> list[str]:
    """The detector: whole numbers, and each of these secrets, that stand in a text."""
    return [*_NUMBER.findall(text), *(one for one in secrets if one in text)]


@pytest.mark.parametrize("planted", ["+250788000001", "0788000001", "788000001", PIN, PASSWORD])
def test_L01_the_detector_finds_what_is_planted(planted: str) -> None:
    line = json.dumps({"event": f"call of {planted} ended", "at": "2026-11-24T09:00:00Z"})
    assert planted in found_in(line, [PIN, PASSWORD])
    assert found_in(json.dumps({"event": "+2507•••••01", "id": "a0788000001b"}), [PIN]) == []


def test_L01_L03_the_logs_name_nobody_and_no_secret(walk: Walk) -> None:
    last = next(line for line in walk.logs.splitlines() if "the traces end here" in line)
    assert json.loads(last)["msisdn"] == "+2507•••••01"
    # The refusals of the walk are there, without what was refused.
    assert "request refused" in walk.logs and len(walk.secrets) > 10
    assert found_in(walk.logs, walk.secrets) == []


def test_L04_the_disk_holds_digests_of_secrets_and_is_for_its_owner_alone(walk: Walk) -> None:
    files = [path for path in walk.folder.rglob("*") if path.is_file()]
    assert any(path.name.startswith("isoko.sqlite3") for path in files)
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        held = path.read_bytes()
        # A number must be kept, to call back; what proves who somebody is must not.
        for one in walk.secrets:
            # A part of a longer number is no PIN.
            whole = re.compile(rb"(?<![0-9])" + re.escape(one.encode()) + rb"(?![0-9])")
            assert not whole.search(held), (path.name, one)
    text = b"".join(path.read_bytes() for path in files)
    assert b"$argon2id$" in text and b"gAAAA" in text
