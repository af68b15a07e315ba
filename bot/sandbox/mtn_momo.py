"""A pretended MTN MoMo: as strict as the documented API, with nuisances to switch on.

Source: MTN's developer pages, as collected in the project's wire facts, section 3.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
import uuid
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from bot.sandbox.memory import Notebook
from bot.sandbox.momo_numbers import OUTCOMES
from bot.sandbox.switches import Switches

KEY = "demo-momo-key"
API_USER = "00000000-0000-4000-8000-000000000001"
API_KEY = "demo-momo-api-key"
_FLOAT_RWF = 500_000_000
_PARTY = {"collection": "payer", "disbursement": "payee"}
_PATHS = {"collection": "requesttopay", "disbursement": "transfer"}


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"code": code, "message": message}, status=status)


class PretendedMomo:
    """The operator: tokens, transfers, payments, balances."""

    def __init__(self, notebook: Notebook, http: aiohttp.ClientSession) -> None:
        self._notebook, self._http = notebook, http
        self.switches = Switches()
        self._tokens: dict[str, tuple[str, float]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.tokens_given = 0
        self._notebook.put("apiuser", API_USER, {"host": "", "key": API_KEY, "env": "mtnrwanda"})

    def mount(self, app: web.Application) -> None:
        """Add the operator's routes to `app`."""
        add = app.router.add_route
        add("POST", "/v1_0/apiuser", self.create_user)
        add("POST", "/v1_0/apiuser/{id}/apikey", self.create_key)
        add("GET", "/v1_0/apiuser/{id}", self.show_user)
        for product, path in _PATHS.items():
            add("POST", f"/{product}/token/", self.token)
            add("POST", f"/{product}/v1_0/{path}", self.create)
            add("GET", f"/{product}/v1_0/{path}/{{ref}}", self.show)
            add("GET", f"/{product}/v1_0/account/balance", self.balance)
            add("GET", f"/{product}/v1_0/accountholder/{{type}}/{{id}}/active", self.active)

    def transfers(self) -> list[dict[str, Any]]:
        """Every transfer and payment, oldest first."""
        return self._notebook.all("transfer")

    def float_rwf(self) -> int:
        """What is left of the hub's money with the operator."""
        paid = [t for t in self.transfers() if self.status(t) == "SUCCESSFUL"]
        return _FLOAT_RWF - sum(int(t["amount"]) for t in paid if t["product"] == "disbursement")

    async def close(self) -> None:
        """Drop the callbacks that are still to be sent."""
        for task in self._tasks:
            task.cancel()

    async def create_user(self, request: web.Request) -> web.Response:
        """Provision an API user (sandbox only)."""
        user_id = request.headers.get("X-Reference-Id", "")
        if request.headers.get("Ocp-Apim-Subscription-Key") != KEY:
            return _bad_key()
        if not _is_uuid4(user_id):
            return _error(400, "BAD_REQUEST", "X-Reference-Id must be a UUID v4")
        body = await request.json()
        host = str(body.get("providerCallbackHost", ""))
        self._notebook.put("apiuser", user_id, {"host": host, "key": "", "env": "sandbox"})
        return web.Response(status=201)

    async def create_key(self, request: web.Request) -> web.Response:
        """Make the API key of a user."""
        user = self._notebook.get("apiuser", request.match_info["id"])
        if user is None:
            return _error(404, "RESOURCE_NOT_FOUND", "Requested resource was not found.")
        key = secrets.token_hex(16)
        self._notebook.put("apiuser", request.match_info["id"], {**user, "key": key})
        return web.json_response({"apiKey": key}, status=201)

    async def show_user(self, request: web.Request) -> web.Response:
        """Show an API user."""
        user = self._notebook.get("apiuser", request.match_info["id"])
        if user is None:
            return _error(404, "RESOURCE_NOT_FOUND", "Requested resource was not found.")
        shown = {"providerCallbackHost": user["host"], "targetEnvironment": user["env"]}
        return web.json_response(shown)

    async def token(self, request: web.Request) -> web.Response:
        """Give a token for one product."""
        if request.headers.get("Ocp-Apim-Subscription-Key") != KEY:
            return _bad_key()
        if self.switches.answer_503:
            return _error(503, "SERVICE_UNAVAILABLE", "Service temporarily unavailable.")
        user_id, _, key = _basic(request).partition(":")
        user = self._notebook.get("apiuser", user_id)
        if user is None or not user["key"] or user["key"] != key:
            return web.json_response({"error": "login_failed"}, status=401)
        token, lasts_s = secrets.token_urlsafe(24), self.switches.token_ttl_s
        product = request.path.split("/")[1]
        self._tokens[token] = (f"{product} {user_id}", time.monotonic() + lasts_s)
        self.tokens_given += 1
        answer = {"access_token": token, "token_type": "access_token", "expires_in": int(lasts_s)}
        return web.json_response(answer)

    async def create(self, request: web.Request) -> web.Response:
        """Take a transfer or a request to pay: 202 with an empty body."""
        product = request.path.split("/")[1]
        refused = self._refuse_caller(request, product)
        if refused is not None:
            return refused
        reference = request.headers.get("X-Reference-Id", "")
        if not _is_uuid4(reference):
            return _error(400, "BAD_REQUEST", "X-Reference-Id must be a UUID v4")
        if self._notebook.get("transfer", reference) is not None:
            message = "Duplicated reference id. Creation of resource failed."
            return _error(409, "RESOURCE_ALREADY_EXIST", message)
        try:
            body = await request.json()
            wrong = self._wrong_with(request, body, product)
        except (ValueError, KeyError, TypeError, AttributeError):
            return _error(400, "VALIDATION_ERROR", "The body is not as documented.")
        if wrong is not None:
            return wrong
        transfer = self._take(request, product, reference, body)
        if self.switches.callback_before_202:
            await self._call_back(transfer)
        else:
            self._later(self._settle(transfer))
        await asyncio.sleep(self.switches.hang_s)
        return self._odd_answer() or web.Response(status=202)

    async def show(self, request: web.Request) -> web.Response:
        """The status object of a transfer or payment."""
        product = request.path.split("/")[1]
        refused = self._refuse_caller(request, product)
        if refused is not None:
            return refused
        transfer = self._notebook.get("transfer", request.match_info["ref"])
        hidden = transfer is not None and time.time() - transfer["at"] < self.switches.not_found_s
        if transfer is None or hidden or transfer["product"] != product:
            return _error(404, "RESOURCE_NOT_FOUND", "Requested resource was not found.")
        return self._odd_answer() or web.json_response(self._object(transfer))

    async def balance(self, request: web.Request) -> web.Response:
        """The hub's money with the operator."""
        refused = self._refuse_caller(request, request.path.split("/")[1])
        if refused is not None:
            return refused
        currency = _currency(request)
        return web.json_response({"availableBalance": str(self.float_rwf()), "currency": currency})

    async def active(self, request: web.Request) -> web.Response:
        """Whether a wallet exists and is active."""
        refused = self._refuse_caller(request, request.path.split("/")[1])
        if refused is not None:
            return refused
        return web.json_response({"result": not request.match_info["id"].endswith("45123")})

    def _refuse_caller(self, request: web.Request, product: str) -> web.Response | None:
        if self.switches.answer_503:
            return _error(503, "SERVICE_UNAVAILABLE", "Service temporarily unavailable.")
        if request.headers.get("Ocp-Apim-Subscription-Key") != KEY:
            return _bad_key()
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        whose, good_until = self._tokens.get(token, ("", 0.0))
        if not whose.startswith(f"{product} ") or good_until < time.monotonic():
            return web.json_response({"statusCode": 401, "message": "Unauthorized"}, status=401)
        if request.headers.get("X-Target-Environment") not in ("sandbox", "mtnrwanda"):
            message = "Access to target environment is forbidden."
            return _error(500, "NOT_ALLOWED_TARGET_ENVIRONMENT", message)
        return None

    def _wrong_with(
        self, request: web.Request, body: dict[str, Any], product: str
    ) -> web.Response | None:
        party = body[_PARTY[product]]
        amount = body["amount"]
        if not isinstance(amount, str) or not amount.isdecimal() or int(amount) <= 0:
            return _error(400, "VALIDATION_ERROR", "amount must be a string of digits")
        digits = str(party["partyId"])
        if party["partyIdType"] != "MSISDN" or not digits.isdecimal():
            return _error(400, "VALIDATION_ERROR", "partyId must be digits with country code")
        if body["currency"] != _currency(request):
            return _error(500, "INVALID_CURRENCY", "Currency not supported.")
        token = request.headers["Authorization"].removeprefix("Bearer ")
        user = self._notebook.get("apiuser", self._tokens[token][0].split()[1])
        allowed = (user or {}).get("host", "")
        wanted = urlsplit(request.headers.get("X-Callback-Url", "")).hostname
        if allowed and wanted and wanted != allowed:
            message = "Callback URL with different host name then configured for API User."
            return _error(500, "INVALID_CALLBACK_URL_HOST", message)
        for text in (body.get("payerMessage", ""), body.get("payeeNote", "")):
            if len(text) > 160 or not text.replace(" ", "a").isalnum():
                return _error(400, "VALIDATION_ERROR", "notes hold letters, digits and blanks")
        return None

    def _take(
        self, request: web.Request, product: str, reference: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        transfer = {
            "reference": reference,
            "product": product,
            "amount": body["amount"],
            "currency": body["currency"],
            "externalId": str(body.get("externalId", "")),
            "party": str(body[_PARTY[product]]["partyId"]),
            "callback": request.headers.get("X-Callback-Url", ""),
            "at": time.time(),
            "settles_at": time.time() + self.switches.settle_after_s,
            "txn": str(secrets.randbelow(9_000_000_000) + 1_000_000_000),
        }
        self._notebook.put("transfer", reference, transfer)
        return transfer

    def _outcome(self, transfer: dict[str, Any]) -> str:
        if transfer["product"] == "disbursement" and int(transfer["amount"]) > _FLOAT_RWF:
            return "NOT_ENOUGH_FUNDS"
        return OUTCOMES[transfer["product"]].get(transfer["party"], "")

    def status(self, transfer: dict[str, Any]) -> str:
        """PENDING, CREATED, SUCCESSFUL or FAILED, as it stands now."""
        outcome = self._outcome(transfer)
        if outcome == "ONGOING":
            return "PENDING"
        extra_s = 20.0 if outcome == "DELAYED" else 0.0
        if time.time() < transfer["settles_at"] + extra_s:
            return "CREATED" if self.switches.created_state else "PENDING"
        return "SUCCESSFUL" if outcome in ("", "DELAYED") else "FAILED"

    def _object(self, transfer: dict[str, Any]) -> dict[str, Any]:
        status = self.status(transfer)
        amount = transfer["amount"]
        if self.switches.amount_altered and status == "SUCCESSFUL":
            amount = str(int(amount) + 1000)
        shown: dict[str, Any] = {
            "externalId": transfer["externalId"],
            "amount": amount,
            "currency": transfer["currency"],
            _PARTY[transfer["product"]]: {"partyIdType": "MSISDN", "partyId": transfer["party"]},
            "status": status,
        }
        if status == "SUCCESSFUL":
            shown["financialTransactionId"] = transfer["txn"]
        if status == "FAILED":
            code = self._outcome(transfer)
            reason: Any = {"code": code, "message": code.replace("_", " ").lower()}
            shown["reason"] = code if self.switches.string_reason else reason
        return shown

    async def _settle(self, transfer: dict[str, Any]) -> None:
        await asyncio.sleep(max(0.0, transfer["settles_at"] - time.time()) + 0.01)
        await self._call_back(transfer)
        if self.switches.callback_twice:
            await self._call_back(transfer)

    async def _call_back(self, transfer: dict[str, Any]) -> None:
        """Once, without retry, as documented."""
        if not transfer["callback"] or self.switches.lost_callback:
            return
        method = "PUT" if self.switches.put_callback else "POST"
        timeout = aiohttp.ClientTimeout(total=5)
        with suppress(aiohttp.ClientError, TimeoutError, OSError):
            body = self._object(transfer)
            async with self._http.request(
                method, transfer["callback"], json=body, timeout=timeout
            ) as response:
                await response.read()

    def _later(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _odd_answer(self) -> web.Response | None:
        if self.switches.html_200:
            return web.Response(text="<html>Gateway login</html>", content_type="text/html")
        return None


def _currency(request: web.Request) -> str:
    return "EUR" if request.headers.get("X-Target-Environment") == "sandbox" else "RWF"


def _basic(request: web.Request) -> str:
    text = request.headers.get("Authorization", "").removeprefix("Basic ")
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return ""


def _is_uuid4(text: str) -> bool:
    try:
        return uuid.UUID(text).version == 4
    except ValueError:
        return False


def _bad_key() -> web.Response:
    message = (
        "Access denied due to invalid subscription key. "
        "Make sure to provide a valid key for an active subscription."
    )
    return web.json_response({"statusCode": 401, "message": message}, status=401)
