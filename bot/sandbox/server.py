"""The pretended outside as one HTTP server: operator, SMS provider, and a page of their state."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from bot.msisdn import masked
from bot.sandbox.memory import Notebook
from bot.sandbox.mtn_momo import PretendedMomo
from bot.sandbox.sms import PretendedSms
from bot.sandbox.switches import changed

_SHOWN_MAX = 20


@dataclass(slots=True)
class Sandbox:
    """A running sandbox: where it answers, and its two parts."""

    url: str
    momo: PretendedMomo
    sms: PretendedSms
    _runner: web.AppRunner
    _http: aiohttp.ClientSession

    async def stop(self) -> None:
        """Stop answering."""
        await self.momo.close()
        await self._runner.cleanup()
        await self._http.close()


async def start_sandbox(host: str, port: int, state_file: Path | None = None) -> Sandbox:
    """Start on `port`, or on any free one when it is 0. With `state_file` it remembers."""
    notebook = Notebook(state_file)
    http = aiohttp.ClientSession()
    momo, sms = PretendedMomo(notebook, http), PretendedSms(notebook)
    app = web.Application()
    momo.mount(app)
    sms.mount(app)
    _mount_controls(app, momo, sms)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    momo.resume()
    address = runner.addresses[0]
    return Sandbox(f"http://{address[0]}:{address[1]}", momo, sms, runner, http)


def _mount_controls(app: web.Application, momo: PretendedMomo, sms: PretendedSms) -> None:
    async def state(_request: web.Request) -> web.Response:
        shown = [_shown(momo, transfer) for transfer in momo.transfers()[-_SHOWN_MAX:]]
        switches = msgspec.structs.asdict(momo.switches)
        counts = {
            "transfers": len(momo.transfers()),
            "tokens": momo.tokens_given,
            "callbacks": momo.callbacks_sent,
            "sms": sms.count(),
        }
        answer = {
            "transfers": shown[::-1],
            "float_rwf": momo.float_rwf(),
            "switches": switches,
            "counts": counts,
        }
        return web.json_response(answer)

    async def set_switches(request: web.Request) -> web.Response:
        try:
            momo.switches = sms.switches = changed(momo.switches, await request.read())
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(msgspec.structs.asdict(momo.switches))

    app.router.add_get("/sandbox/state.json", state)
    app.router.add_post("/sandbox/switches", set_switches)


def _shown(momo: PretendedMomo, transfer: dict[str, Any]) -> dict[str, Any]:
    return {
        "reference": transfer["reference"],
        "order": transfer["externalId"],
        "amount_rwf": int(transfer["amount"]),
        "msisdn": masked(f"+{transfer['party']}"),
        "status": momo.status(transfer),
        "at": transfer["at"],
    }
