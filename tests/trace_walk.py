"""A walk through every door of a server, rightly and wrongly, in a process of its own.

Its logs go to standard error, as a server's do; what must stand in none of them, to standard out.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import structlog

from bot.operations.logs import set_up_logs
from tests.dashboard.desk import PASSWORD, Desk, joins
from tests.phone import PIN
from tests.server import FARMER, running

GATEWAY = "gw-9f3b6c1e7a2d4850b1c6"


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


if __name__ == "__main__":
    set_up_logs("info", "json")
    sys.stdout.write(json.dumps(asyncio.run(use_all_doors(Path(sys.argv[1])))))
