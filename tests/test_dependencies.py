"""O-05: a dependency that was swapped, mistyped, yanked or is vulnerable does not get in."""

import base64
import hashlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.dependencies import problems

_CODE = Path(__file__).parents[1]
_PIN = "isoko-probe==1.0 --hash=sha256:{}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the check reads."""
    shutil.copytree(_CODE / "requirements", tmp_path / "requirements")
    shutil.copy(_CODE / "pyproject.toml", tmp_path)
    return tmp_path


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_O05_the_locks_are_whole_and_nothing_in_them_is_known_to_be_bad() -> None:
    assert problems(_CODE) == []
    # What is checked is what runs: every install is by hash.
    for file in ("Makefile", "Dockerfile"):
        installs = [line for line in (_CODE / file).read_text().splitlines()
                    if " install " in line and "requirements/" in line]  # fmt: skip
        assert installs and all("--require-hashes" in line for line in installs)
    assert "-m tests.dependencies" in (_CODE / "Makefile").read_text()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("aiohttp==3.14.5", "aiohttp==3.13.2", "aiohttp 3.13.2: PYSEC-2026-4369"),
        ("aiohttp==3.14.5", "aiohttp>=3.14", "not pinned"),
        ("aiohttp==3.14.5", "aiohttp==3.*", "not pinned"),
        ("aiohttp==3.14.5", "aiohttp @ https://elsewhere.example/aiohttp.whl", "not pinned"),
        ("aiohttp==3.14.5", "aiohtpp==3.14.5", "aiohttp is missing"),
        ("aiohappyeyeballs==2.7.1", "--extra-index-url https://elsewhere.example\nx==1", "another index"),
        ("aiohappyeyeballs==2.7.1 \\", "aiohttpx==1.0\naiohappyeyeballs==2.7.1 \\", "has no hash"),
        ("aiohappyeyeballs==2.7.1 \\", f"aiohttpx==1.0 --hash=sha256:{'0' * 64}\naiohappyeyeballs==2.7.1 \\",
         "nothing says who asked"),
    ],
)  # fmt: skip
def test_O05_what_is_wrong_in_a_lock_fails_the_check(
    project: Path, old: str, new: str, words: str
) -> None:
    changed(project / "requirements" / "run.txt", old, new)
    assert any(words in line for line in problems(project)), problems(project)
    command = [sys.executable, "-m", "tests.dependencies", str(project)]
    done = subprocess.run(command, cwd=_CODE, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and words in done.stdout


def test_O05_a_yanked_version_fails_the_check(project: Path) -> None:
    with (project / "requirements" / "advisories.toml").open("a") as file:
        file.write('[[advisory]]\npackage = "redis"\nyanked = ["8.1.0"]\nwhy = "yanked: broken"\n')
    assert problems(project) == [f"requirements/{lock}: redis 8.1.0: yanked: broken"
                                 for lock in ("run.txt", "dev.txt")]  # fmt: skip


def test_O05_what_was_not_checked_counts_as_bad(project: Path) -> None:
    advisories = project / "requirements" / "advisories.toml"
    changed(project / "pyproject.toml", '"babel~=', '"left-pad~=1.0",\n  "babel~=')
    assert "left-pad: nobody looked up its advisories" in problems(project)
    for useless in ("checked_on = 2026-11-25\n", "[[advisory"):
        advisories.write_text(useless)
        assert "nothing was checked" in problems(project)[0]
    advisories.unlink()
    assert "nothing was checked" in problems(project)[0]


def wheel(folder: Path, code: str) -> str:
    """A small package of our own as a wheel; the digest of the file."""
    folder.mkdir(exist_ok=True)
    about = "isoko_probe-1.0.dist-info"
    files = {
        "isoko_probe.py": code,
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: isoko-probe\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [f"{about}/RECORD,,"]
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        lines.append(f"{name},sha256={digest.decode()},{len(text)}")
    path = folder / "isoko_probe-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        for name, text in (files | {f"{about}/RECORD": "\n".join(lines)}).items():
            file.writestr(name, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def install(folder: Path, lock: str) -> subprocess.CompletedProcess[str]:
    """What the Makefile does with a lock, from a folder instead of the index."""
    (folder / "lock.txt").write_text(lock)
    return subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q",
         "--require-hashes", "--no-index", "--no-cache-dir", "--find-links", folder / "index",
         "--target", folder / "installed", "-r", folder / "lock.txt"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_O05_a_package_that_was_swapped_is_not_installed(tmp_path: Path) -> None:
    lock = _PIN.format(wheel(tmp_path / "index", "honest = True\n"))
    assert install(tmp_path, lock).returncode == 0
    assert (tmp_path / "installed" / "isoko_probe.py").read_text() == "honest = True\n"
    shutil.rmtree(tmp_path / "installed")
    wheel(tmp_path / "index", "honest = False\n")
    swapped = install(tmp_path, lock)
    assert swapped.returncode != 0 and "DO NOT MATCH THE HASHES" in swapped.stderr
    without = install(tmp_path, "isoko-probe==1.0\n")
    assert without.returncode != 0 and "Hashes are required" in without.stderr
    assert not (tmp_path / "installed").exists()
