"""The hub's balances, and whose wallet is active, at the pretended MoMo.

Source: MTN's developer pages, as collected in the project's wire facts, section 3.3.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from bot.sandbox.momo_access import KEYS, Access, error
from bot.sandbox.momo_bodies import CURRENCY
from bot.sandbox.momo_numbers import ACTIVE_ERRORS, NOT_ACTIVE
from bot.sandbox.momo_transfers import Transfers
from bot.sandbox.nuisances import spoiled
from bot.sandbox.switches import Switches

_HOLDER_TYPES = ("msisdn", "email", "party_code")


class Accounts:
    """What is asked besides money that moves."""

    def __init__(
        self, access: Access, transfers: Transfers, switches: Callable[[], Switches]
    ) -> None:
        self._access, self._transfers, self._switches = access, transfers, switches

    def mount(self, app: web.Application) -> None:
        """Add these routes to `app`, for each product."""
        for product in KEYS:
            root = f"/{product}/v1_0"
            app.router.add_get(f"{root}/account/balance", self.balance)
            app.router.add_get(f"{root}/account/balance/{{currency}}", self.balance)
            app.router.add_get(f"{root}/accountholder/{{type}}/{{id}}/active", self.active)

    async def balance(self, request: web.Request) -> web.StreamResponse:
        """The hub's money in one product; another currency than its own is refused."""
        product = request.path.split("/")[1]
        refused = self._access.refuse(request, product)
        if refused is not None:
            return refused
        currency = CURRENCY[self._access.user_of(request)["env"]]
        if request.match_info.get("currency", currency) != currency:
            return error(500, "INVALID_CURRENCY", "Currency not supported.")
        collects = product == "collection"
        left_rwf = self._transfers.collected_rwf() if collects else self._transfers.float_rwf()
        shown = web.json_response({"availableBalance": str(left_rwf), "currency": currency})
        return await spoiled(request, shown, self._switches())

    async def active(self, request: web.Request) -> web.StreamResponse:
        """Whether a wallet exists and is active."""
        refused = self._access.refuse(request, request.path.split("/")[1])
        if refused is not None:
            return refused
        if request.match_info["type"] not in _HOLDER_TYPES:
            return error(400, "BAD_REQUEST", "the type is msisdn, email or party_code")
        number = request.match_info["id"]
        if number in ACTIVE_ERRORS:
            status, code = ACTIVE_ERRORS[number]
            return error(status, code, code.replace("_", " ").lower())
        shown = web.json_response({"result": number != NOT_ACTIVE})
        return await spoiled(request, shown, self._switches())
