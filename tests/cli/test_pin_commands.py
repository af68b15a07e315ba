"""The commands that reset a PIN, as staff type them beside a running server."""

from tests.cli.test_money_commands import isoko
from tests.market.staff_members import member
from tests.phone import PIN
from tests.server import FARMER, running


async def test_P11_a_pin_is_reset_by_two_commands_of_two_members(tmp_path) -> None:
    async with running(tmp_path) as server:
        now = server.parts.engine._clock()
        phone = server.phone(FARMER)
        await phone.dials()
        code = "T-" + (await phone.types("8", "4", "8")).partition("T-")[2][:5]

        def staff(db) -> None:
            member(db, "amina", now)
            member(db, "eric", now, "supervisor")

        await server.parts.market.records.write(staff)
        told = ("0788000001", "--ticket", code, "--by")
        for command, name, said in (
            ("approve", "eric", "nobody has noted"),
            ("reset", "somebody", "isoko staff list"),
            ("reset", "amina", ""),
            ("reset", "amina", "noted already"),
            ("approve", "AMINA", "second, different"),
        ):
            done = await isoko(tmp_path, "pins", command, *told, name)
            assert done.returncode == bool(said) and said in done.stderr, done
        phone = server.phone(FARMER)
        await phone.dials()
        await phone.types("00", "3", "2")
        assert "wasibwe" not in await phone.types(PIN)
        done = await isoko(tmp_path, "pins", "approve", *told, "eric")
        assert done.returncode == 0 and "choose a new one" in " ".join(done.stdout.split())
        phone = server.phone(FARMER)
        await phone.dials()
        await phone.types("00", "3", "2")
        assert "wasibwe" in await phone.types(PIN)
