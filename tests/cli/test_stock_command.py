"""`isoko stock`: staff see what people offer, by masked numbers."""

from datetime import UTC, datetime

from bot.dashboard.access import demo_supervisor
from bot.market import Actor, people, stock_listings, stock_photos
from bot.market.pictures import made_anew
from tests.server import FARMER, running
from tests.telegram.test_photos import jpeg
from tests.typed_command import isoko


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


async def test_staff_look_at_a_photo_and_show_it(tmp_path) -> None:
    async with running(tmp_path) as server:
        write, now = server.parts.market.records.write, datetime.now(UTC)
        contact = await write(lambda db: people.by_msisdn(db, FARMER))
        (stock,) = await write(lambda db: stock_listings.mine(db, contact.id))
        sender = Actor("person", "telegram", "telegram:1", contact.id)
        picture = made_anew(jpeg(400))
        assert (
            await write(lambda db: stock_photos.keep(db, sender, stock.id, picture, now)) == "kept"
        )
        await write(lambda db: demo_supervisor.demo_link(db, now))
    listed = isoko(tmp_path, "stock", "photos", "list")
    assert "waiting" in listed.stdout
    file = tmp_path / "1.jpg"
    assert isoko(tmp_path, "stock", "photos", "save", "1", str(file)).returncode == 0
    assert file.read_bytes() == picture
    # What is there is not written over.
    assert isoko(tmp_path, "stock", "photos", "save", "1", str(file)).returncode == 2
    decide = ("stock", "photos", "show", "1", "--by")
    refused = isoko(tmp_path, *decide, "a stranger")
    assert refused.returncode == 1 and "isoko staff list" in refused.stderr
    assert isoko(tmp_path, *decide, "demo supervisor").returncode == 0
    assert isoko(tmp_path, *decide, "demo supervisor").returncode == 1
    assert "shown" in isoko(tmp_path, "stock", "photos", "list", "--state", "shown").stdout
