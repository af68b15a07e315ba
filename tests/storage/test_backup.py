"""The restore drill: a copy taken while calls come in, the folder lost, the copy put back."""

import shutil
import sqlite3
import subprocess
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete

from bot.market import people
from bot.market.books import check
from bot.market.erasing_again import erase_again
from bot.storage.backup import back_up, restore
from bot.storage.erasures import Erased, keep_list, listed, of_records
from bot.storage.opening import open_records, upgrade
from bot.storage.records import RecordsDown
from bot.storage.schema import ledger_lines
from tests.market.money import pay, person, settle
from tests.phone import PIN
from tests.real_postgres import RealPostgres
from tests.server import FARMER, TEA
from tests.server_process import ServerProcess
from tests.test_kill import HOPS, asked
from tests.typed_command import isoko

TAKEN = "SELECT code, packs_accepted FROM orders WHERE packs_accepted > 0 ORDER BY code"


def test_a_copy_taken_while_it_serves_is_put_back_and_goes_on(tmp_path: Path) -> None:
    folder, copy = tmp_path / "data", tmp_path / "copy.sqlite3"
    server = ServerProcess(folder)
    reply = ""
    for text in HOPS:
        reply = server.hop("ATUid_b", FARMER, text)
    assert reply.startswith("END Wemeye komande KW-1042")
    done = isoko(folder, "db", "backup", str(copy))
    assert done.returncode == 0 and "whole, at revision" in done.stdout, done.stderr
    assert copy.stat().st_mode & 0o777 == 0o600
    known = asked(folder, TAKEN)
    for text in HOPS:
        later = server.hop("ATUid_c", TEA, text)
    assert later.startswith("END") and len(asked(folder, TAKEN)) == len(known) + 1
    with pytest.raises(RecordsDown, match="another server already uses"):
        restore(folder, copy)
    server.kill()

    shutil.rmtree(folder)
    put_back = isoko(folder, "db", "restore", str(copy))
    assert put_back.returncode == 0, put_back.stderr
    server.start()
    assert asked(folder, TAKEN) == known
    assert server.hop("ATUid_b", FARMER, HOPS[-1]) == reply
    assert server.stop() == 0


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A folder with an empty store."""
    await upgrade("", tmp_path / "data")
    return tmp_path / "data"


async def test_a_store_is_kept_aside_and_its_log_does_not_reach_the_copy(folder: Path) -> None:
    copy = folder.parent / "copy.sqlite3"
    back_up(folder, copy)
    records = await open_records("", folder)
    await records.write(lambda db: person(db, datetime.now(UTC)))
    # Still open, as of a server that was killed: what it has written is in its log.
    assert (folder / "isoko.sqlite3-wal").stat().st_size
    before = restore(folder, copy)
    assert asked(folder, "SELECT count(*) FROM contacts") == [(0,)]
    assert before is not None
    with sqlite3.connect(before) as db:
        assert db.execute("SELECT count(*) FROM contacts").fetchone() == (1,)
    await records.close()


async def test_what_cannot_be_a_copy_is_refused(folder: Path) -> None:
    copy = folder.parent / "copy.sqlite3"
    back_up(folder, copy)
    with pytest.raises(RecordsDown, match="give a new file"):
        back_up(folder, copy)
    with sqlite3.connect(folder.parent / "newer.sqlite3") as db:
        db.execute("CREATE TABLE alembic_version (version_num TEXT)")
        db.execute("INSERT INTO alembic_version VALUES ('9999')")
    with pytest.raises(RecordsDown, match="newer version"):
        restore(folder, folder.parent / "newer.sqlite3")
    pages = bytearray(copy.read_bytes())
    pages[5000:9000] = b"\xff" * 4000
    copy.write_bytes(pages)
    (folder.parent / "notes.txt").write_text(PIN)
    for other in (copy, folder.parent / "notes.txt", folder.parent / "none"):
        with pytest.raises(RecordsDown, match="take another"):
            restore(folder, other)
    assert not list(folder.glob("*.before-*")) and not list(folder.parent.glob("*.part"))


def test_a_copy_that_fails_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "isoko.sqlite3").write_text("no store")
    with pytest.raises(RecordsDown, match="failed"):
        back_up(tmp_path, tmp_path / "copy")
    assert [one.name for one in tmp_path.iterdir()] == ["isoko.sqlite3"]


async def test_a_dump_of_postgres_is_restored_with_its_books_and_its_guards(
    tmp_path: Path, postgres: RealPostgres
) -> None:
    first, second, dump = postgres.new_database(), postgres.new_database(), tmp_path / "isoko.dump"
    await upgrade(first, tmp_path)
    now = datetime.now(UTC)

    def money_moves(db: Connection) -> None:
        settle(db, pay(db, person(db, now), now), now)

    records = await open_records(first, tmp_path)
    await records.write(money_moves)
    run = partial(subprocess.run, check=True, capture_output=True)
    run([postgres.program("pg_dump"), "--format=custom", f"--file={dump}", first])
    await records.close()
    run([postgres.program("pg_restore"), "--exit-on-error", "--single-transaction", "--no-owner",
         f"--dbname={second}", dump])  # fmt: skip

    await upgrade(second, tmp_path)
    records = await open_records(second, tmp_path)
    found = await records.read(check)
    assert found.entries and found.payments == 1 and not found.faults
    with pytest.raises(Exception, match="append-only"):
        await records.write(lambda db: db.execute(delete(ledger_lines)))
    await records.close()


def names_in(folder: Path) -> list[str]:
    return [row[0] for row in asked(folder, "SELECT names FROM contacts ORDER BY id")]


@pytest.mark.parametrize("lost", [False, True])
async def test_V05_who_was_erased_since_the_copy_is_erased_again_by_the_restore(
    folder: Path, lost: bool
) -> None:
    """By the store that it replaces, or, where that is lost, by the list kept beside the copies."""
    copy, elsewhere = folder.parent / "copy.sqlite3", folder.parent / "elsewhere.txt"
    now = datetime.now(UTC)
    records = await open_records("", folder)
    gone = await records.write(lambda db: person(db, now, "+250788000101"))
    stays = await records.write(lambda db: person(db, now, "+250788000102"))
    await records.close()
    assert isoko(folder, "db", "backup", str(copy)).returncode == 0
    records = await open_records("", folder)
    await records.write(lambda db: people.erase(db, gone, now))
    await records.close()
    assert "1 people" in isoko(folder, "db", "erasures", str(elsewhere)).stdout
    assert "788000101" not in elsewhere.read_text() and elsewhere.stat().st_mode & 0o777 == 0o600
    if lost:
        shutil.rmtree(folder)
    options = ("--erased", str(elsewhere)) if lost else ()
    done = isoko(folder, "db", "restore", str(copy), *options)
    assert done.returncode == 0 and "1 people were erased again" in done.stdout, done.stderr
    assert names_in(folder) == ["", "Farmer"]
    assert asked(folder, "SELECT msisdn FROM contacts WHERE msisdn IS NOT NULL") == [
        ("+250788000102",)
    ]
    assert stays == 2


async def test_V05_a_number_of_a_row_that_is_somebody_elses_by_now_erases_nobody(
    records, now
) -> None:
    contact = await records.write(lambda db: person(db, now))
    other = {Erased(contact, round(now.timestamp() * 1e6) - 1), Erased(77, 5)}
    assert await records.write(lambda db: erase_again(db, other, now)) == 0
    same = {Erased(contact, round(now.timestamp() * 1e6))}
    assert await records.write(lambda db: erase_again(db, same, now)) == 1
    assert await records.write(lambda db: erase_again(db, same, now)) == 0
    assert await records.read(of_records) == same


def test_V05_a_list_that_cannot_be_read_stops_the_restore(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    assert listed(path) == set()
    assert keep_list(path, {Erased(2, 5), Erased(1, 5)}) == 2
    assert keep_list(path, {Erased(3, 5)}) == 3 and listed(path) >= {Erased(1, 5), Erased(3, 5)}
    path.write_text("+250788000001 x")
    with pytest.raises(RecordsDown, match="no list"):
        listed(path)
