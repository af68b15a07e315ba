"""The pretended outside as one HTTP server: operators, SMS, Telegram, shops, and their state."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from bot.msisdn import masked
from bot.sandbox.airtel_money import PretendedAirtel
from bot.sandbox.memory import Notebook
from bot.sandbox.mtn_momo import PretendedMomo
from bot.sandbox.sms import PretendedSms
from bot.sandbox.switches import changed
from bot.sandbox.taobao import PretendedTaobao
from bot.sandbox.telegram import PretendedTelegram
from bot.sandbox.woocommerce import PretendedWooCommerce

_SHOWN_MAX = 20
# The largest file that a bot may send, and the form around it.
_LARGEST_BODY = 51 * 1024 * 1024


@dataclass(slots=True)
class Sandbox:
    """A running sandbox: where it answers, and its parts."""

    url: str
    momo: PretendedMomo
    airtel: PretendedAirtel
    sms: PretendedSms
    telegram: PretendedTelegram
    taobao: PretendedTaobao
    woocommerce: PretendedWooCommerce
    _runner: web.AppRunner
    _http: aiohttp.ClientSession

    async def stop(self) -> None:
        """Stop answering."""
        await self.momo.close()
        await self.airtel.close()
        await self.telegram.close()
        await self._runner.cleanup()
        await self._http.close()


async def start_sandbox(host: str, port: int, state_file: Path | None = None) -> Sandbox:
    """Start on `port`, or on any free one when it is 0. With `state_file` it remembers.

    Raises OSError when the port is taken.
    """
    notebook = Notebook(state_file)
    http = aiohttp.ClientSession()
    momo, airtel = PretendedMomo(notebook, http), PretendedAirtel(notebook, http)
    sms, telegram = PretendedSms(notebook), PretendedTelegram(http)
    taobao, woocommerce = PretendedTaobao(), PretendedWooCommerce()
    app = web.Application(client_max_size=_LARGEST_BODY)
    for part in (momo, airtel, sms, telegram, taobao, woocommerce):
        part.mount(app)
    _mount_controls(app, momo, airtel, sms)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        await http.close()
        raise
    momo.resume()
    airtel.resume()
    telegram.start()
    address = runner.addresses[0]
    url = f"http://{address[0]}:{address[1]}"
    return Sandbox(url, momo, airtel, sms, telegram, taobao, woocommerce, runner, http)


def _mount_controls(
    app: web.Application, momo: PretendedMomo, airtel: PretendedAirtel, sms: PretendedSms
) -> None:
    async def state(_request: web.Request) -> web.Response:
        shown = [_of_momo(momo, transfer) for transfer in momo.transfers()[-_SHOWN_MAX:]]
        shown += [_of_airtel(airtel, transfer) for transfer in airtel.transfers()[-_SHOWN_MAX:]]
        newest = sorted(shown, key=lambda transfer: -transfer["at"])[:_SHOWN_MAX]
        counts = {
            "transfers": len(momo.transfers()) + len(airtel.transfers()),
            "tokens": momo.tokens_given + airtel.access.tokens_given,
            "callbacks": momo.callbacks_sent + airtel.callbacks_sent,
            "sms": sms.count(),
        }
        answer = {
            "transfers": newest,
            "float_rwf": momo.float_rwf(),
            "airtel_float_rwf": airtel.float_rwf(),
            "switches": msgspec.structs.asdict(momo.switches),
            "counts": counts,
        }
        return web.json_response(answer)

    async def set_switches(request: web.Request) -> web.Response:
        try:
            now = changed(momo.switches, await request.read())
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        momo.switches = airtel.switches = sms.switches = now
        return web.json_response(msgspec.structs.asdict(now))

    app.router.add_get("/sandbox/state.json", state)
    app.router.add_post("/sandbox/switches", set_switches)


def _of_momo(momo: PretendedMomo, transfer: dict[str, Any]) -> dict[str, Any]:
    return {
        "operator": "MTN MoMo",
        "reference": transfer["reference"],
        "order": transfer["externalId"],
        "amount_rwf": int(transfer["amount"]),
        "msisdn": masked(f"+{transfer['party']}"),
        "collected": transfer["product"] == "collection",
        "status": momo.status(transfer),
        "at": transfer["at"],
    }


def _of_airtel(airtel: PretendedAirtel, transfer: dict[str, Any]) -> dict[str, Any]:
    words = {"TS": "SUCCESSFUL", "TF": "FAILED", "TE": "FAILED"}
    return {
        "operator": "Airtel Money",
        "reference": transfer["id"],
        "order": transfer["note"].removeprefix("Isoko "),
        "amount_rwf": transfer["amount_rwf"],
        "msisdn": masked(f"+250{transfer['msisdn']}"),
        "collected": transfer["product"] == "collection",
        "status": words.get(airtel.state(transfer), "PENDING"),
        "at": transfer["at"],
    }
