"""Refunds, the hub's balance, and whose wallet a number is, at the pretended Airtel Money.

Source: Airtel's developer pages, as collected in the project's wire facts, sections 4.3 and 4.4.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from bot.sandbox.airtel_access import AirtelAccess, answer, as_object, read_object
from bot.sandbox.airtel_transfers import FAMILY, NATIONAL, NOT_FOUND, AirtelTransfers
from bot.sandbox.nuisances import spoiled
from bot.sandbox.switches import Switches


class AirtelAccounts:
    """What is asked besides payouts and collections."""

    def __init__(
        self, access: AirtelAccess, transfers: AirtelTransfers, switches: Callable[[], Switches]
    ) -> None:
        self._access, self._transfers, self._switches = access, transfers, switches

    def mount(self, app: web.Application) -> None:
        """Add these routes to `app`."""
        for version in ("v1", "v2"):
            app.router.add_post(f"/standard/{version}/payments/refund", self.refund)
        app.router.add_get("/standard/v1/users/balance", self.balance)
        app.router.add_get("/standard/v1/users/{msisdn}", self.person)

    async def refund(self, request: web.Request) -> web.StreamResponse:
        """Give a collection back, by Airtel's own id of it; once."""
        refused = self._access.refuse(request)
        if refused is not None:
            return refused
        raw = await request.read()
        if "/v2/" in request.path and not self._access.is_signed(request, raw):
            code = FAMILY["collection"] + "026"
            return answer(code, "Signature mismatch", success=False, http=400)
        airtel_id = as_object(read_object(raw).get("transaction")).get("airtel_money_id")
        transfer = self._transfers.by_airtel_id(str(airtel_id))
        if transfer is None or transfer["product"] != "collection" or transfer["refunded"]:
            code = FAMILY["collection"] + NOT_FOUND["collection"]
            return answer(code, "Transaction not found", success=False, http=400)
        self._transfers.refund(transfer)
        shown = {"transaction": {"airtel_money_id": airtel_id, "status": "SUCCESS"}}
        status = {"code": "200", "message": "SUCCESS", "result_code": "ESB000010", "success": True}
        told = web.json_response({"data": shown, "status": status})
        return await spoiled(request, told, self._switches())

    async def balance(self, request: web.Request) -> web.StreamResponse:
        """The hub's money with the operator."""
        refused = self._access.refuse(request)
        shown = {
            "balance": str(self._transfers.float_rwf()),
            "currency": "RWF",
            "account_status": "Active",
        }
        told = answer("DP02100000001", "SUCCESS", shown, success=True)
        return refused or await spoiled(request, told, self._switches())

    async def person(self, request: web.Request) -> web.StreamResponse:
        """Whose wallet a number is."""
        refused, msisdn = self._access.refuse(request), request.match_info["msisdn"]
        if refused is not None:
            return refused
        if not NATIONAL.fullmatch(msisdn):
            return answer("DP02200000000", "User not found", success=False, http=404)
        shown = {"first_name": "Umuhinzi", "last_name": "Test", "msisdn": msisdn, "grade": "SUBS",
                 "is_barred": False, "is_pin_set": True, "reg_status": "Y",
                 "registration": {"status": "Y"}}  # fmt: skip
        return answer("DP02200000001", "SUCCESS", shown, success=True)
