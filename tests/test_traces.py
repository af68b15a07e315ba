"""What is left behind in logs and on the disk: no number, no PIN, no password, no secret."""

import json
import re
import stat
from pathlib import Path

import pytest
import structlog

from bot.operations.logs import set_up_logs
from tests.dashboard.desk import PASSWORD, Desk, joins
from tests.phone import PIN
from tests.server import FARMER, running

GATEWAY = "gw-9f3b6c1e7a2d4850b1c6"
_NUMBER = re.compile(r"(?<![0-9a-f-])(?:\+?250|0)?7[2389][0-9]{7}(?![0-9a-f])")


def found_in(text: str, secrets: list[str]) -> list[str]:
    """The detector: whole numbers, and each of these secrets, that stand in a text."""
    return [*_NUMBER.findall(text), *(one for one in secrets if one in text)]


@pytest.mark.parametrize("planted", ["+250788000001", "0788000001", "788000001", PIN, PASSWORD])
def test_L01_the_detector_finds_what_is_planted(planted: str) -> None:
    line = json.dumps({"event": f"call of {planted} ended", "at": "2026-11-24T09:00:00Z"})
    assert planted in found_in(line, [PIN, PASSWORD])
    assert found_in(json.dumps({"event": "+2507•••••01", "id": "a0788000001b"}), [PIN]) == []


async def use_all_doors(folder: Path) -> list[str]:
    """Calls, sign-ins and refusals, rightly and wrongly; what must be in no trace of them."""
    secrets = {"ISOKO_USSD__SECRETS__AFRICASTALKING": GATEWAY}
    async with running(folder, **secrets) as server, Desk(server) as desk:
        secret, codes = await joins(desk, server, "zoe", "supervisor")
        path = f"/ussd/africastalking/{GATEWAY}"
        form = {"sessionId": "s1", "phoneNumber": FARMER, "serviceCode": "*384*801#", "text": ""}
        for said in ("", "2", "2*1", "2*1*1", f"2*1*1*{PIN}"):
            async with server.client.post(path, data=form | {"text": said}) as answer:
                assert answer.status == 200
        # A wrong secret, a number that is none, a body that cannot be read, a page that is not there.
        for wrong, body in ((f"{path}x", form), (path, form | {"phoneNumber": f"{FARMER}9"})):
            async with server.client.post(wrong, data=body) as answer:
                assert answer.status >= 400
                assert GATEWAY not in await answer.text() and FARMER not in await answer.text()
                assert GATEWAY not in str(answer.headers)
        async with server.client.get(f"{path}/nothing") as answer:
            assert answer.status >= 400 and GATEWAY not in await answer.text()
        await desk.gets("/dashboard/people?q=0788000001")
        await desk.signs_in("zoe", PASSWORD + "x", "000000")
        cookie = desk.cookie
        await server.write_transcripts()
        structlog.get_logger("test").warning("the traces end here", msisdn=FARMER)
    return [PIN, PASSWORD, secret, *codes, cookie, GATEWAY, "demo-secret-key"]


async def test_L01_L03_the_logs_name_nobody_and_no_secret(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    set_up_logs("info", "json")
    try:
        secrets = await use_all_doors(tmp_path)
    finally:
        said = capfd.readouterr()
        set_up_logs("warning", "console")
    logs = said.out + said.err
    last = next(line for line in logs.splitlines() if "the traces end here" in line)
    assert json.loads(last)["msisdn"] == "+2507•••••01"
    assert found_in(logs, secrets) == []


async def test_L04_the_disk_holds_digests_of_secrets_and_is_for_its_owner_alone(
    tmp_path: Path,
) -> None:
    secrets = await use_all_doors(tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name.startswith("isoko.sqlite3") for path in files)
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        held = path.read_bytes()
        # A number must be kept, to call back; what proves who somebody is must not.
        for one in secrets:
            # A part of a longer number is no PIN.
            whole = re.compile(rb"(?<![0-9])" + re.escape(one.encode()) + rb"(?![0-9])")
            assert not whole.search(held), (path.name, one)
    text = b"".join(path.read_bytes() for path in files)
    assert b"$argon2id$" in text and b"gAAAA" in text
