"""What SQLite acknowledged survives a power cut, with the pragmas that the server sets."""

import random
import sqlite3
from pathlib import Path

import apsw

from bot.storage.sqlite import PRAGMAS
from tests.storage.power_cut import PowerlessDisk

CUTS = 60


def lost_in_a_cut(folder: Path, seed: int, pragmas: tuple[str, ...]) -> tuple[int, int]:
    """Commit batches as the server does, cut the power; how many of the acknowledged are lost."""
    draw = random.Random(seed)
    disk = PowerlessDisk(seed)
    before, after = folder / f"{seed}-before", folder / f"{seed}-after"
    before.mkdir(), after.mkdir()
    db = apsw.Connection(str(before / "isoko.sqlite3"), vfs=disk.name)
    # Without it SQLite wants shared memory, which the model has not; durability is the same.
    db.execute("PRAGMA locking_mode=exclusive")
    for pragma in pragmas:
        db.execute(pragma)
    db.execute("CREATE TABLE effects (id INTEGER PRIMARY KEY, what TEXT NOT NULL)")
    acknowledged = 0
    for _batch in range(draw.randint(3, 40)):
        db.execute("BEGIN IMMEDIATE")
        size = draw.randint(1, 6)
        for _one in range(size):
            db.execute("SAVEPOINT ask")
            db.execute("INSERT INTO effects (what) VALUES (?)", ("x" * draw.randint(10, 3000),))
            db.execute("RELEASE ask")
        db.execute("COMMIT")
        acknowledged += size
        if draw.random() < 0.1:
            db.execute("PRAGMA wal_checkpoint")
    disk.cut(after)
    db.close()
    disk.unregister()
    with sqlite3.connect(after / "isoko.sqlite3") as left:
        assert left.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        there = left.execute("SELECT count(*) FROM effects").fetchone()[0]
    left.close()
    return acknowledged - there, acknowledged


def test_no_acknowledged_commit_is_lost_in_sixty_power_cuts(tmp_path: Path) -> None:
    cuts = [lost_in_a_cut(tmp_path, seed, PRAGMAS) for seed in range(CUTS)]
    assert sum(acknowledged for _lost, acknowledged in cuts) > 1000
    assert [lost for lost, _acknowledged in cuts] == [0] * CUTS


def test_the_model_shows_what_a_careless_setting_loses(tmp_path: Path) -> None:
    careless = tuple(one.replace("FULL", "NORMAL") for one in PRAGMAS)
    assert careless != PRAGMAS

    def loses(seed: int) -> bool:
        try:
            return lost_in_a_cut(tmp_path, seed, careless)[0] > 0
        except sqlite3.OperationalError:  # not even the table is there
            return True

    assert sum(loses(seed) for seed in range(20)) >= 15
