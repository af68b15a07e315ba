"""kill -9 of the server between any two hops, and in the middle of them: nothing lost or doubled."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.phone import PIN
from tests.server import FARMER
from tests.server_process import ServerProcess

HOPS = ["", "2", "2*1", "2*1*1", f"2*1*1*{PIN}"]


def asked(folder: Path, query: str) -> list[tuple]:
    with sqlite3.connect(folder / "isoko.sqlite3") as db:
        return db.execute(query).fetchall()


@pytest.mark.parametrize("killed_after", range(len(HOPS)))
def test_U13_an_acceptance_cut_by_kill_9_is_finished_once(
    tmp_path: Path, killed_after: int
) -> None:
    server = ServerProcess(tmp_path)
    replies = {}
    for number, text in enumerate(HOPS):
        replies[text] = server.hop("ATUid_k", FARMER, text)
        if number == killed_after:
            server.kill()
            server.start()
            assert server.hop("ATUid_k", FARMER, text) == replies[text]
    assert replies[HOPS[-1]].startswith("END Wemeye komande KW-1042")
    assert server.stop() == 0
    taken = "SELECT packs_accepted, state FROM offers WHERE packs = 200"
    assert asked(tmp_path, taken) == [(200, "accepted")]
    events = "SELECT count(*) FROM offer_events WHERE to_state = 'accepted' AND channel = 'ussd'"
    assert asked(tmp_path, events) == [(1,)]
    news = "SELECT count(*) FROM outbox WHERE dedupe_key = 'accepted:3'"
    assert asked(tmp_path, news) == [(1,)]


def test_a_kill_in_the_middle_of_the_effect_leaves_all_or_nothing(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    for text in HOPS[:-1]:
        server.hop("ATUid_m", FARMER, text)
    server.send_and_drop("ATUid_m", FARMER, HOPS[-1])
    server.kill()
    server.start()
    assert server.hop("ATUid_m", FARMER, HOPS[-1]).startswith("END Wemeye komande KW-1042")
    server.stop()
    assert asked(tmp_path, "SELECT packs_accepted FROM orders WHERE code = 'KW-1042'") == [(200,)]


def test_a_second_server_on_the_same_data_refuses_to_start(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    variables = {**os.environ, "ISOKO_DATA_DIR": str(tmp_path), "ISOKO_PORT": "0"}
    command = [sys.executable, "-m", "bot", "serve"]
    done = subprocess.run(
        command, env=variables, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 2
    assert "another server already uses the data folder" in done.stderr
    assert server.stop() == 0
