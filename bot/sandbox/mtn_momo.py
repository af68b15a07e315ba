"""A pretended MTN MoMo: as strict as the documented API, with nuisances to switch on.

Source: MTN's developer pages, as collected in the project's wire facts, section 3.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import aiohttp
from aiohttp import web

from bot.sandbox.memory import Notebook
from bot.sandbox.momo_access import Access, Tokens, bad_reference, error, not_found
from bot.sandbox.momo_accounts import Accounts
from bot.sandbox.momo_bodies import wrong_with
from bot.sandbox.momo_statement import Statement
from bot.sandbox.momo_transfers import Transfers
from bot.sandbox.nuisances import spoiled
from bot.sandbox.switches import Switches

# What moves money: the end of its path, the product it belongs to, and what we call it.
_PATHS = {
    "requesttopay": ("collection", "collection"),
    "transfer": ("disbursement", "disbursement"),
    "refund": ("disbursement", "refund"),
}


class PretendedMomo:
    """The operator: tokens, transfers, payments, refunds, balances."""

    def __init__(self, notebook: Notebook, http: aiohttp.ClientSession) -> None:
        self._http = http
        self.switches = Switches()
        self._tokens: Tokens = {}
        self.access = Access(notebook, lambda: self.switches, self._tokens)
        self._transfers = Transfers(notebook, lambda: self.switches)
        self._tasks: set[asyncio.Task[None]] = set()
        self.callbacks_sent = 0

    def mount(self, app: web.Application) -> None:
        """Add the operator's routes to `app`."""
        self.access.mount(app)
        Statement(self._transfers).mount(app)
        Accounts(self.access, self._transfers, lambda: self.switches).mount(app)
        for path, (product, _) in _PATHS.items():
            app.router.add_post(f"/{product}/v1_0/{path}", self.create)
            app.router.add_get(f"/{product}/v1_0/{path}/{{ref}}", self.show)

    def resume(self) -> None:
        """Call back for what was still undecided when we were killed."""
        for transfer in self._transfers.all():
            ends_at = self._transfers.ends_at(transfer)
            if ends_at is None or ends_at > time.time():
                self._later(self._settle(transfer))

    def transfers(self) -> list[dict[str, Any]]:
        """Every transfer, payment and refund, oldest first."""
        return self._transfers.all()

    @property
    def tokens_given(self) -> int:
        """How many tokens were asked for and given."""
        return self.access.tokens_given

    def forget_tokens(self) -> None:
        """End every token at once, whatever it says."""
        self._tokens.clear()

    def status(self, transfer: dict[str, Any]) -> str:
        """PENDING, CREATED, SUCCESSFUL or FAILED, as it stands now."""
        return self._transfers.status(transfer)

    def float_rwf(self) -> int:
        """What is left of the hub's money to pay out and refund from."""
        return self._transfers.float_rwf()

    def collected_rwf(self) -> int:
        """What the hub has collected; it stands apart from what it pays from."""
        return self._transfers.collected_rwf()

    async def close(self) -> None:
        """Drop the callbacks that are still to be sent."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def create(self, request: web.Request) -> web.StreamResponse:
        """Take a transfer, a request to pay or a refund: 202 with an empty body."""
        (product, kind), reference = _kind(request), request.headers.get("X-Reference-Id", "")
        refused = self.access.refuse(request, product) or bad_reference(reference)
        if refused is not None:
            return refused
        callback_url = request.headers.get("X-Callback-Url", "")
        try:
            body = await request.json()
            refused = wrong_with(self.access.user_of(request), kind, body, callback_url)
        except (ValueError, KeyError, TypeError, AttributeError):
            return error(400, "VALIDATION_ERROR", "The body is not as documented.")
        # Asked last, with nothing awaited before it is taken: of two at once, one is refused.
        if refused is None and self._transfers.get(reference) is not None:
            message = "Duplicated reference id. Creation of resource failed."
            refused = error(409, "RESOURCE_ALREADY_EXIST", message)
        if refused is not None:
            return refused
        transfer = self._transfers.take(kind, reference, callback_url, body)
        if self.switches.callback_before_202:
            await self._call_back(transfer)
        else:
            self._later(self._settle(transfer))
        await asyncio.sleep(self.switches.hang_s)
        return await spoiled(request, web.Response(status=202), self.switches)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The status object of a transfer, payment or refund."""
        product, kind = _kind(request)
        refused = self.access.refuse(request, product)
        if refused is not None:
            return refused
        transfer = self._transfers.get(request.match_info["ref"])
        if transfer is None or transfer["product"] != kind:
            return not_found()
        if time.time() - transfer["at"] < self.switches.not_found_s:
            return not_found()
        shown = web.json_response(self._transfers.shown(transfer))
        return await spoiled(request, shown, self.switches)

    async def _settle(self, transfer: dict[str, Any]) -> None:
        ends_at = self._transfers.ends_at(transfer)
        if ends_at is None:
            return
        await asyncio.sleep(max(0.0, ends_at - time.time()) + 0.01 + self.switches.late_s)
        await self._call_back(transfer)
        if self.switches.callback_twice:
            await self._call_back(transfer)

    async def _call_back(self, transfer: dict[str, Any]) -> None:
        """Once, without retry, as documented."""
        if not transfer["callback"] or self.switches.lost_callback:
            return
        method = "PUT" if self.switches.put_callback else "POST"
        timeout = aiohttp.ClientTimeout(total=5)
        self.callbacks_sent += 1
        with suppress(aiohttp.ClientError, TimeoutError, OSError):
            body = self._transfers.shown(transfer)
            async with self._http.request(
                method, transfer["callback"], json=body, timeout=timeout
            ) as response:
                await response.read()

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _kind(request: web.Request) -> tuple[str, str]:
    """The product a request belongs to, and what it is about."""
    return _PATHS[request.path.split("/")[3]]
