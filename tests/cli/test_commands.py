"""The command `isoko`, as it is typed."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from bot.cli import app_of
from bot.storage.opening import OneProcess, sqlite_path
from tests.free_port import free_port
from tests.real_postgres import RealPostgres
from tests.server_process import ServerProcess
from tests.typed_command import isoko

SMALL = Path(__file__).parents[1] / "market" / "prices_small.csv"


def _leaves(command: Any, path: str = "isoko") -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, inner in command.commands.items():
        yield from _leaves(inner, f"{path} {name}")


def test_every_command_teaches_by_an_example(tmp_path: Path) -> None:
    leaves = dict(_leaves(typer.main.get_command(app_of())))
    assert {"isoko serve", "isoko doctor", "isoko staff add"} <= set(leaves)
    assert [path for path, leaf in leaves.items() if "Example:" not in (leaf.help or "")] == []
    # And that is what is printed.
    done = isoko(tmp_path, "staff", "add", "--help")
    assert done.returncode == 0 and "Example:" in done.stdout


def test_a_taken_port_stops_the_start_before_anything_is_opened_or_sent(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = str(other.getsockname()[1])
        mine = isoko(tmp_path / "a", "serve", ISOKO_PORT=taken)
        assert mine.returncode == 1 and "set ISOKO_PORT" in mine.stderr
        assert not (tmp_path / "a").exists()
        theirs = isoko(
            tmp_path / "b", "serve", ISOKO_PORT=str(free_port()), ISOKO_SANDBOX__PORT=taken
        )
    assert theirs.returncode == 2 and "set ISOKO_SANDBOX__PORT" in theirs.stderr
    assert "Traceback" not in theirs.stderr and "Unclosed" not in theirs.stderr


def test_a_data_folder_that_cannot_be_names_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for command in (["serve"], ["db", "upgrade"], ["prices", "import", str(SMALL)]):
        done = isoko(tmp_path / "file" / "var", *command, ISOKO_PORT=str(free_port()))
        assert done.returncode == 2 and "ISOKO_DATA_DIR" in done.stderr, command
        assert "Traceback" not in done.stderr


def test_prices_are_imported_twice_with_a_summary(tmp_path: Path) -> None:
    first = isoko(tmp_path, "prices", "import", str(SMALL))
    assert first.returncode == 0, first.stderr
    assert "13 rows" in first.stdout and "flagged" in first.stdout
    again = isoko(tmp_path, "prices", "import", str(SMALL))
    assert "already known" in again.stdout
    missing = isoko(tmp_path, "prices", "import", "none.csv")
    assert missing.returncode == 1 and "cannot open" in missing.stderr


def test_the_doctor_says_what_is_well_and_what_to_do(tmp_path: Path) -> None:
    fine = isoko(tmp_path, "doctor", ISOKO_PORT=str(free_port()))
    assert fine.returncode == 0 and "wrong" not in fine.stdout
    assert "wait   server      nobody answers" in fine.stdout
    server = ServerProcess(tmp_path)
    running = isoko(tmp_path, "doctor", ISOKO_PORT=str(server.port))
    server.stop()
    assert "ready" in running.stdout
    ill = isoko(tmp_path, "doctor", ISOKO_REDIS_URL="redis://127.0.0.1:9/0")
    assert ill.returncode == 1 and "check ISOKO_REDIS_URL" in ill.stdout
    wrong = isoko(tmp_path, "doctor", ISOKO_PROT="1")
    assert wrong.returncode == 1 and "did you mean ISOKO_PORT?" in wrong.stdout


def test_the_doctor_names_the_setting_of_records_that_are_away_once(tmp_path: Path) -> None:
    away = f"postgresql://isoko@127.0.0.1:{free_port()}/isoko"
    ill = isoko(tmp_path, "doctor", ISOKO_DATABASE_URL=away)
    lines = ill.stdout.splitlines()
    wrong = [line for line in lines if line.startswith("wrong")]
    assert ill.returncode == 1 and len(wrong) == 1
    assert wrong[0].startswith("wrong  records ") and "check ISOKO_DATABASE_URL" in wrong[0]
    waits = [line.split()[1] for line in lines if line.endswith("needs the records")]
    assert waits == ["outages", "hub"]
    assert "Traceback" not in ill.stderr


def test_the_doctor_names_the_setting_that_names_no_database_of_the_server(
    tmp_path: Path, postgres: RealPostgres
) -> None:
    url = postgres.new_database()
    for wrong in (f"{url}_not", url.replace("isoko@", "nobody_here@")):
        ill = isoko(tmp_path, "doctor", ISOKO_DATABASE_URL=wrong)
        assert ill.returncode == 1 and "Traceback" not in ill.stderr
        assert ill.stdout.count("check ISOKO_DATABASE_URL") == 1
        assert ill.stdout.count("needs the records") == 2
    empty = isoko(tmp_path, "doctor", ISOKO_DATABASE_URL=url)
    assert "isoko db upgrade" in empty.stdout and "needs the records" not in empty.stdout


def test_the_map_draws_every_flow(tmp_path: Path) -> None:
    page = tmp_path / "flows.md"
    assert isoko(tmp_path, "map", "--output", str(page)).returncode == 0
    drawn = page.read_text(encoding="utf-8")
    assert drawn.count("stateDiagram-v2") >= 15 and "list --> offer: offer" in drawn


def test_the_map_in_the_docs_is_the_map_of_today(tmp_path: Path) -> None:
    page = tmp_path / "flows.md"
    isoko(tmp_path, "map", "--output", str(page))
    assert page.read_text(encoding="utf-8") == Path("docs/flows.md").read_text(encoding="utf-8")


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "one")
    done = isoko(tmp_path / "two", "serve", ISOKO_PORT=str(server.port))
    server.stop()
    assert done.returncode == 1 and "set ISOKO_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_staff_are_added_listed_given_a_new_link_and_revoked(tmp_path: Path) -> None:
    assert "nobody yet" in isoko(tmp_path, "staff", "list").stdout
    added = isoko(tmp_path, "staff", "add", "Amina", "--role", "supervisor", "--language", "fr")
    assert added.returncode == 0
    assert added.stdout.startswith("http://127.0.0.1:8080/dashboard/welcome/")
    twice = isoko(tmp_path, "staff", "add", "amina", "--role", "agent")
    assert twice.returncode == 1 and "isoko staff link amina" in twice.stderr
    assert isoko(tmp_path, "staff", "add", "bosco", "--role", "boss").returncode == 2
    assert isoko(tmp_path, "staff", "add", "hub", "--role", "agent").returncode == 1
    assert "has not used the link yet" in isoko(tmp_path, "staff", "list").stdout
    again = isoko(tmp_path, "staff", "link", "AMINA")
    assert again.returncode == 0 and again.stdout != added.stdout
    assert isoko(tmp_path, "staff", "revoke", "amina").returncode == 0
    assert "revoked" in isoko(tmp_path, "staff", "list").stdout
    for command in ("link", "revoke"):
        done = isoko(tmp_path, "staff", command, "amina")
        assert done.returncode == 1 and "isoko staff list" in done.stderr


def test_the_first_lines_are_the_phone_the_way_in_and_the_callback(tmp_path: Path) -> None:
    variables = {**os.environ, "ISOKO_DATA_DIR": str(tmp_path), "ISOKO_LOG_LEVEL": "error"}
    command = [sys.executable, "-m", "bot", "serve"]
    links = []
    for _start in range(2):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        variables["ISOKO_PORT"] = port
        with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            phone, way_in, callback = (server.stdout.readline() for _line in range(3))
            links.append(way_in.split()[1])
            with urllib.request.urlopen(links[-1], timeout=5) as answer:
                assert answer.status == 200
            server.send_signal(signal.SIGINT)
        assert server.returncode == 0
        assert f"http://127.0.0.1:{port}/simulator/" in phone
        assert f"http://127.0.0.1:{port}/ussd/africastalking" in callback
    assert links[0].rpartition("/")[2] != links[1].rpartition("/")[2]


def test_the_demo_begins_anew_but_not_under_a_running_server(tmp_path: Path) -> None:
    assert "nothing of the demo yet" in isoko(tmp_path, "fresh").stdout
    mine = tmp_path / "notes.txt"
    mine.write_text("mine", encoding="utf-8")
    assert isoko(tmp_path, "db", "upgrade").returncode == 0
    (tmp_path / "sandbox.jsonl").write_text("", encoding="utf-8")
    lock = OneProcess(tmp_path)
    lock.take()
    refused = isoko(tmp_path, "fresh")
    assert refused.returncode == 2 and "another server" in refused.stderr
    lock.give_back()
    assert (tmp_path / "sandbox.jsonl").exists() and sqlite_path(tmp_path).exists()
    other = isoko(tmp_path, "fresh", ISOKO_DATABASE_URL="postgresql://nobody@localhost/none")
    assert other.returncode == 1 and "nothing was done" in other.stderr
    done = isoko(tmp_path, "fresh")
    assert done.returncode == 0 and "gone" in done.stdout
    assert not sqlite_path(tmp_path).exists() and not (tmp_path / "sandbox.jsonl").exists()
    assert mine.exists()


def test_T14_an_invitation_is_printed_as_a_link_and_kept_as_a_digest(tmp_path: Path) -> None:
    done = isoko(tmp_path, "telegram", "invite", "--by", "amina", "--number", "0788000001")
    assert done.returncode == 0, done.stderr
    token = done.stdout.strip().removeprefix("https://t.me/isoko_bot?start=")
    assert len(token) == 32 and "for this number alone" in done.stderr
    assert token.encode() not in (tmp_path / "isoko.sqlite3").read_bytes()
    assert isoko(tmp_path, "telegram", "invite", "--by", " ").returncode == 2
    assert isoko(tmp_path, "telegram", "invite", "--by", "a", "--number", "12").returncode == 2
    off = isoko(tmp_path, "telegram", "invite", "--by", "a", ISOKO_TELEGRAM__ENABLED="false")
    assert off.returncode == 2 and "ISOKO_TELEGRAM__ENABLED" in off.stderr


@pytest.mark.timeout(300)
def test_fees_are_published_by_two_once_for_a_day_and_shown(tmp_path: Path) -> None:
    def fees(*more: str, product: str = "COF-CHERRY"):
        return isoko(tmp_path, "prices", "fees", *([product] if product else []), *more)

    good = ("--since", "2026-12-01", "--source", "KOPAKAMA", "--by", "amina")
    taken = "--take", "transport:Ruli:25", "--take", "marketplace:Tmall:20/1000"
    done = fees(*taken, *good)
    assert done.returncode == 0 and "fees of COF-CHERRY from 2026-12-01" in done.stdout
    assert "1 waits for a second person" in fees(product="").stdout
    approve = "prices", "approve-fees", "1", "--by"
    same = isoko(tmp_path, *approve, "Amina")
    assert same.returncode == 1 and "different person" in same.stderr
    second = isoko(tmp_path, *approve, "jeanne")
    assert second.returncode == 0 and "published" in second.stdout
    again = fees("--take", "transport:Ruli:99", *good)
    assert again.returncode == 1 and "already" in again.stderr
    shown = fees(product="").stdout
    assert "transport:Ruli:25 marketplace:Tmall:20/1000" in shown and "99" not in shown
    for wrong in ("transport:Ruli", "transport:Ruli:2.5", "transport:Ruli:20/100", "a:b:1000/1000"):
        said = fees("--take", wrong, "--since", "2026-12-02", *good[2:])
        assert said.returncode == 1 and "not published" in said.stderr, wrong
    assert "give --source" in fees(*taken, "--since", "2026-12-02", "--by", "amina").stderr
    assert "a product is one of" in fees(*good, product="GOLD").stderr
