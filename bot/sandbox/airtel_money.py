"""A pretended Airtel Money: as strict as the documented API, with nuisances to switch on.

Source: Airtel's developer pages, as collected in the project's wire facts, section 4.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import aiohttp
from aiohttp import web

from bot.sandbox.airtel_access import (
    AirtelAccess,
    answer,
    as_object,
    gateway_error,
    read_object,
)
from bot.sandbox.airtel_accounts import AirtelAccounts
from bot.sandbox.airtel_callbacks import AirtelCallbacks
from bot.sandbox.airtel_transfers import FAMILY, NATIONAL, NOT_FOUND, AirtelTransfers
from bot.sandbox.memory import Notebook
from bot.sandbox.nuisances import spoiled
from bot.sandbox.switches import Switches

_PARTY = {"collection": "subscriber", "disbursement": "payee"}
_WRONG_NUMBER = {"collection": "005", "disbursement": "012"}
_BAD_SIGNATURE = {"collection": "026", "disbursement": "016"}


class PretendedAirtel:
    """The operator: tokens, keys, payouts and collections.

    `callback_url` is what a merchant sets in the portal: one URL for all payments, "" for none.
    """

    def __init__(self, notebook: Notebook, http: aiohttp.ClientSession) -> None:
        self.switches = Switches()
        self.callback_url = ""
        self.access = AirtelAccess(lambda: self.switches)
        self._transfers = AirtelTransfers(notebook, lambda: self.switches)
        self._callbacks = AirtelCallbacks(
            self._transfers, http, lambda: self.switches, lambda: self.callback_url
        )
        self._tasks: set[asyncio.Task[None]] = set()

    def mount(self, app: web.Application) -> None:
        """Add the operator's routes to `app`."""
        self.access.mount(app)
        AirtelAccounts(self.access, self._transfers, lambda: self.switches).mount(app)
        for version in ("v1", "v2"):
            app.router.add_post(f"/standard/{version}/disbursements/", self.pay_out)
            app.router.add_post(f"/merchant/{version}/payments/", self.collect)
        app.router.add_get("/standard/v1/disbursements/{id}", self.show)
        app.router.add_get("/standard/v1/payments/{id}", self.show)

    def resume(self) -> None:
        """Call back for what was still undecided when we were killed."""
        for transfer in self._transfers.all():
            if transfer["settles_at"] > time.time():
                self._later(self._callbacks.settle(transfer))

    def transfers(self) -> list[dict[str, Any]]:
        """Every payout and collection, oldest first."""
        return self._transfers.all()

    def state(self, transfer: dict[str, Any]) -> str:
        """TIP, TA, TS, TF or TE, as it stands now."""
        return self._transfers.state(transfer)

    def float_rwf(self) -> int:
        """What is left of the hub's money with the operator."""
        return self._transfers.float_rwf()

    def forget_tokens(self) -> None:
        """End every token at once, whatever it says."""
        self.access.forget_tokens()

    @property
    def callbacks_sent(self) -> int:
        """How many callbacks left, right and forged."""
        return self._callbacks.sent

    async def close(self) -> None:
        """Drop the callbacks that are still to be sent."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def pay_out(self, request: web.Request) -> web.StreamResponse:
        """Take a payout."""
        return await self._take(request, "disbursement")

    async def collect(self, request: web.Request) -> web.StreamResponse:
        """Take a collection: the payer gets a prompt."""
        return await self._take(request, "collection")

    async def show(self, request: web.Request) -> web.StreamResponse:
        """What became of a payout or a collection, by the caller's own id."""
        refused = self.access.refuse(request)
        if refused is not None:
            return refused
        product = "disbursement" if "disbursements" in request.path else "collection"
        transfer = self._transfers.get(request.match_info["id"])
        unseen = transfer is None or time.time() - transfer["at"] < self.switches.not_found_s
        if transfer is None or unseen or transfer["product"] != product:
            code = FAMILY[product] + NOT_FOUND[product]
            return answer(code, "Transaction not found", success=False, http=404)
        shown = {"transaction": self._transfers.shown(transfer)}
        told = answer(self._transfers.code(transfer), "SUCCESS", shown, success=True)
        return await spoiled(request, told, self.switches)

    async def _take(self, request: web.Request, product: str) -> web.StreamResponse:
        refused = self.access.refuse(request)
        if refused is not None:
            return refused
        raw = await request.read()
        body = read_object(raw)
        refused = self._refused(request, product, raw, body)
        if refused is not None:
            return refused
        # Nothing is awaited between the last question and this: of two at once, one is refused.
        asked, party = body["transaction"], body[_PARTY[product]]
        transfer = self._transfers.take(
            product, asked["id"], body["reference"], party["msisdn"], asked["amount"]
        )
        if self.switches.callback_before_202:
            await self._callbacks.call_back(transfer)
        else:
            self._later(self._callbacks.settle(transfer))
        await asyncio.sleep(self.switches.hang_s)
        return await spoiled(request, self._taken(transfer), self.switches)

    def _refused(
        self, request: web.Request, product: str, raw: bytes, body: dict[str, Any]
    ) -> web.Response | None:
        if "/v2/" in request.path and not self.access.is_signed(request, raw):
            return self._refusal(product, _BAD_SIGNATURE[product], "Signature mismatch", "")
        party, asked = as_object(body.get(_PARTY[product])), as_object(body.get("transaction"))
        our_id = asked.get("id")
        if not our_id or not isinstance(our_id, str) or not isinstance(body.get("reference"), str):
            return gateway_error(400, "Incorrect request payload")
        digits = self._wrong_with(product, body, party, asked)
        if digits:
            return self._refusal(product, digits, "Refused", our_id)
        if self._transfers.get(our_id) is not None:
            return _duplicate(product, our_id)
        return None

    def _wrong_with(
        self, product: str, body: dict[str, Any], party: dict[str, Any], asked: dict[str, Any]
    ) -> str:
        """The last digits of the code that refuses this, or ""."""
        amount_rwf = asked.get("amount")
        if type(amount_rwf) is not int or amount_rwf <= 0:
            return "004"
        msisdn = party.get("msisdn")
        if not isinstance(msisdn, str) or not NATIONAL.fullmatch(msisdn):
            return _WRONG_NUMBER[product]
        if product == "collection":
            places = {(place.get("country"), place.get("currency")) for place in (party, asked)}
            return "" if places == {("RW", "RWF")} else "008"
        if asked.get("type") not in ("B2C", "B2B"):
            return "005"
        return "" if self.access.is_pin(body.get("pin")) else "010"

    def _taken(self, transfer: dict[str, Any]) -> web.Response:
        """A payout may be over at once; of a collection only the prompt is sent."""
        product, state = transfer["product"], self.state(transfer)
        shown = self._transfers.shown(transfer)
        if product == "collection":
            sent = {"transaction": {"id": transfer["id"], "status": "SUCCESS"}}
            return answer(FAMILY[product] + "006", "SUCCESS", sent, success=True)
        if state in ("TF", "TE"):
            return self._refusal(product, transfer["outcome"], shown["message"], transfer["id"])
        shown["reference_id"] = str(int(transfer["at"] * 1000))
        told = {"transaction": shown}
        return answer(self._transfers.code(transfer), "SUCCESS", told, success=True)

    def _refusal(self, product: str, digits: str, message: str, our_id: str) -> web.Response:
        http = 200 if self.switches.refuse_with_200 else 400
        shown = {"transaction": {"id": our_id, "status": "FAILED"}} if our_id else {}
        return answer(FAMILY[product] + digits, message, shown, success=False, http=http)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _duplicate(product: str, our_id: str) -> web.Response:
    """As documented: HTTP 400, and a state that says failed although it is about another call."""
    status = {"code": "400", "message": "Duplicate transaction Id", "success": False,
              "result_code": "ESB000041"}  # fmt: skip
    if product == "disbursement":
        status["response_code"] = "DP00900001017"
    shown = {"transaction": {"id": our_id, "status": "TF"}}
    return web.json_response({"data": shown, "status": status}, status=400)
