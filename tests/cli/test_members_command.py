"""`isoko members`: a list is taken in, and only of people who have registered."""

from pathlib import Path

from tests.server import running
from tests.typed_command import isoko


async def test_a_list_is_taken_in_and_nothing_kept_of_who_has_not_registered(
    tmp_path: Path,
) -> None:
    async with running(tmp_path):
        pass
    file = tmp_path / "members.csv"
    file.write_text("number;names\n0788000001;Claudine\n0738000004;Eric\n0788111222;Nobody\n")
    wanted = ("members", "import", str(file), "--cooperative", "0788000007", "--by", "amina")
    done = isoko(tmp_path, *wanted)
    assert done.returncode == 1, done.stderr
    assert done.stdout == (
        "1 NOT taken in: no mobile number (line 1)\n"
        "1 taken in (line 2)\n"
        "1 members already (line 3)\n"
        "1 NOT taken in, nobody has registered with this number: ask them to dial *384*801# (line 4)\n"
    )
    listed = isoko(tmp_path, "members", "list", "0788000007").stdout
    assert "Mukamana Claudine, Gakenke\n" in listed and "3 members\n" in listed
    assert "Nobody" not in listed
    assert isoko(tmp_path, "members", "list", "0788000009").returncode == 2
    assert isoko(tmp_path, *wanted[:2], "missing.csv", *wanted[3:]).returncode == 2
