"""A sealed copy is of no use without its key, and whole or nothing with it."""

import os
import shutil
from pathlib import Path

import pytest

from bot.storage import sealed_copy
from bot.storage.records import RecordsDown
from bot.storage.sealed_copy import is_sealed, key_from, seal, unseal
from tests.storage.test_backup import folder  # noqa: F401  a fixture
from tests.typed_command import isoko

KEY, OTHER = "k" * 32, "o" * 32


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is dear on purpose would be waited for by every test."""
    monkeypatch.setattr(sealed_copy, "_SCRYPT_N", 1 << 10)
    monkeypatch.setattr(sealed_copy, "_PIECE", 64)


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 128, 1000])
def test_what_is_sealed_opens_byte_by_byte_with_its_key_alone(tmp_path: Path, size: int) -> None:
    plain, copy, back = (tmp_path / name for name in ("plain", "copy", "back"))
    plain.write_bytes(os.urandom(size))
    seal(plain, copy, KEY)
    assert is_sealed(copy) and not is_sealed(plain) and copy.stat().st_mode & 0o777 == 0o600
    unseal(copy, back, KEY)
    assert back.read_bytes() == plain.read_bytes() and back.stat().st_mode & 0o777 == 0o600
    with pytest.raises(RecordsDown, match="not the key"):
        unseal(copy, tmp_path / "other", OTHER)
    assert not (tmp_path / "other").exists()
    with pytest.raises(RecordsDown, match="give a new file"):
        seal(plain, copy, KEY)


def test_a_copy_that_was_cut_changed_or_put_together_anew_does_not_open(tmp_path: Path) -> None:
    plain, copy = tmp_path / "plain", tmp_path / "copy"
    plain.write_bytes(bytes(range(256)))
    seal(plain, copy, KEY)
    whole = copy.read_bytes()
    begin = len(sealed_copy._MARK) + sealed_copy._SALT
    piece = sealed_copy._PIECE + sealed_copy._TAG
    first, second = whole[begin : begin + piece], whole[begin + piece : begin + 2 * piece]
    spoiled = {
        "cut at a piece": whole[: begin + 2 * piece],
        "cut within": whole[:-5],
        "only the mark": whole[: begin - 3],
        "two changed over": whole[:begin] + second + first + whole[begin + 2 * piece :],
        "one bit": whole[:-1] + bytes([whole[-1] ^ 1]),
        "another salt": whole[: begin - 1] + b"x" + whole[begin:],
        "longer": whole + b"x" * piece,
    }
    for name, body in spoiled.items():
        copy.write_bytes(body)
        with pytest.raises(RecordsDown, match="damaged"):
            unseal(copy, tmp_path / name.replace(" ", ""), KEY)


def test_a_key_is_of_a_file_or_a_setting_and_never_short(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    assert key_from(file, OTHER) == KEY and key_from(None, OTHER) == OTHER
    assert key_from(None, "") == ""
    with pytest.raises(RecordsDown, match="fewer than 32"):
        key_from(None, "short")
    file.write_text("")
    with pytest.raises(RecordsDown, match="is empty"):
        key_from(file, KEY)
    with pytest.raises(RecordsDown, match="cannot be read"):
        key_from(tmp_path / "none", KEY)


def test_a_sealed_backup_is_restored_by_command_with_its_key_alone(
    folder: Path,  # noqa: F811  the fixture
    tmp_path: Path,
) -> None:
    copy, key = tmp_path / "copy.sealed", tmp_path / "key"
    key.write_text(KEY)
    done = isoko(folder, "db", "backup", str(copy), "--key-file", str(key))
    assert done.returncode == 0 and "sealed, whole, at revision" in done.stdout, done.stderr
    assert b"SQLite format" not in copy.read_bytes() and is_sealed(copy)
    # Nothing that is not sealed is left beside the store.
    assert not [one for one in folder.iterdir() if one.is_dir() and one.name.startswith("tmp")]
    shutil.rmtree(folder)
    refused = isoko(folder, "db", "restore", str(copy))
    assert refused.returncode and "is sealed: give its key" in refused.stderr
    key.write_text(OTHER)
    refused = isoko(folder, "db", "restore", str(copy), "--key-file", str(key))
    assert refused.returncode and "not the key" in refused.stderr
    assert not (folder / "isoko.sqlite3").exists()
    key.write_text(KEY)
    done = isoko(folder, "db", "restore", str(copy), "--key-file", str(key))
    assert done.returncode == 0 and "is the store now" in done.stdout, done.stderr
