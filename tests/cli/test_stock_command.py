"""`isoko stock`: staff see what people offer, by masked numbers."""

from tests.cli.test_commands import isoko
from tests.server import running


async def test_staff_see_what_is_offered(tmp_path) -> None:
    empty = isoko(tmp_path / "empty", "stock", "list")
    assert (empty.returncode, empty.stdout) == (0, "nobody offers anything now\n")
    async with running(tmp_path):
        pass
    shown = isoko(tmp_path, "stock", "list", "--product", "COF-CHERRY")
    for cell in ("Coffee cherries", "A1", "300 kg", "700\xa0Frw", "Gakenke"):
        assert cell in shown.stdout, shown.stdout
    assert "788000001" not in shown.stdout
    assert isoko(tmp_path, "stock", "list", "--product", "GOLD").returncode == 2
