"""Who may call the pretended MoMo: API users, their keys, and a token for each product.

Source: MTN's developer pages, as collected in the project's wire facts, section 3.2.
"""

from __future__ import annotations

import base64
import re
import secrets
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from bot.sandbox.memory import Notebook
from bot.sandbox.nuisances import cut_off
from bot.sandbox.switches import Switches

KEYS = {"disbursement": "demo-momo-key", "collection": "demo-momo-collection-key"}
API_USER = "00000000-0000-4000-8000-000000000001"
API_KEY = "demo-momo-api-key"
_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.I)

# By token: its product, its API user, and when it ends.
Tokens = dict[str, tuple[str, str, float]]


def error(status: int, code: str, message: str) -> web.Response:
    """MTN's error body."""
    return web.json_response({"code": code, "message": message}, status=status)


def not_found() -> web.Response:
    """MTN's 404."""
    return error(404, "RESOURCE_NOT_FOUND", "Requested resource was not found.")


def bad_reference(reference: str) -> web.Response | None:
    """400 unless `reference` is a UUID v4 in its usual form."""
    if _UUID4.fullmatch(reference):
        return None
    return error(400, "BAD_REQUEST", "X-Reference-Id must be a UUID v4")


class Access:
    """API users and their tokens."""

    def __init__(
        self, notebook: Notebook, switches: Callable[[], Switches], tokens: Tokens
    ) -> None:
        self._notebook, self._switches, self._tokens = notebook, switches, tokens
        self.tokens_given = 0
        if notebook.get("apiuser", API_USER) is None:
            notebook.put("apiuser", API_USER, {"host": "", "key": API_KEY, "env": "mtnrwanda"})

    def mount(self, app: web.Application) -> None:
        """Add provisioning and the token routes to `app`."""
        app.router.add_post("/v1_0/apiuser", self.create_user)
        app.router.add_post("/v1_0/apiuser/{id}/apikey", self.create_key)
        app.router.add_get("/v1_0/apiuser/{id}", self.show_user)
        for product in KEYS:
            app.router.add_post(f"/{product}/token/", self.token)

    def refuse(self, request: web.Request, product: str) -> web.Response | None:
        """The refusal of a caller whose key, token or environment is wrong; None when all fit."""
        if self._switches().outage:
            return cut_off(request)
        if self._switches().answer_503:
            return error(503, "SERVICE_UNAVAILABLE", "Service temporarily unavailable.")
        if _key(request) != KEYS[product]:
            return _bad_key()
        of, _, good_until = self._token_of(request)
        if of != product or good_until < time.monotonic():
            return web.json_response({"statusCode": 401, "message": "Unauthorized"}, status=401)
        if request.headers.get("X-Target-Environment") != self.user_of(request)["env"]:
            message = "Access to target environment is forbidden."
            return error(500, "NOT_ALLOWED_TARGET_ENVIRONMENT", message)
        return None

    def user_of(self, request: web.Request) -> dict[str, Any]:
        """The API user behind a request that was not refused."""
        return self._notebook.get("apiuser", self._token_of(request)[1]) or {}

    async def create_user(self, request: web.Request) -> web.Response:
        """Provision an API user (sandbox only)."""
        user_id = request.headers.get("X-Reference-Id", "")
        if _key(request) not in KEYS.values():
            return _bad_key()
        refused = bad_reference(user_id)
        if refused is not None:
            return refused
        if self._notebook.get("apiuser", user_id) is not None:
            message = "Duplicated reference id. Creation of resource failed."
            return error(409, "RESOURCE_ALREADY_EXIST", message)
        try:
            host = str((await request.json())["providerCallbackHost"])
        except (ValueError, KeyError, TypeError):
            return error(400, "BAD_REQUEST", "providerCallbackHost is missing")
        self._notebook.put("apiuser", user_id, {"host": host, "key": "", "env": "sandbox"})
        return web.Response(status=201)

    async def create_key(self, request: web.Request) -> web.Response:
        """Make the API key of a user."""
        if _key(request) not in KEYS.values():
            return _bad_key()
        user_id = request.match_info["id"]
        user = self._notebook.get("apiuser", user_id)
        if user is None:
            return not_found()
        key = secrets.token_hex(16)
        self._notebook.put("apiuser", user_id, {**user, "key": key})
        return web.json_response({"apiKey": key}, status=201)

    async def show_user(self, request: web.Request) -> web.Response:
        """Show an API user."""
        if _key(request) not in KEYS.values():
            return _bad_key()
        user = self._notebook.get("apiuser", request.match_info["id"])
        if user is None:
            return not_found()
        shown = {"providerCallbackHost": user["host"], "targetEnvironment": user["env"]}
        return web.json_response(shown)

    async def token(self, request: web.Request) -> web.Response:
        """Give a token for one product."""
        product = request.path.split("/")[1]
        if self._switches().outage:
            return cut_off(request)
        if self._switches().answer_503:
            return error(503, "SERVICE_UNAVAILABLE", "Service temporarily unavailable.")
        if _key(request) != KEYS[product]:
            return _bad_key()
        user_id, _, key = _basic(request).partition(":")
        user = self._notebook.get("apiuser", user_id)
        if user is None or not user["key"] or user["key"] != key:
            return web.json_response({"error": "login_failed"}, status=401)
        token, lasts_s = secrets.token_urlsafe(24), self._switches().token_ttl_s
        self._tokens[token] = (product, user_id, time.monotonic() + lasts_s)
        self.tokens_given += 1
        # It says an hour also when it ends early: that is the nuisance.
        answer = {"access_token": token, "token_type": "access_token", "expires_in": 3600}
        return web.json_response(answer)

    def _token_of(self, request: web.Request) -> tuple[str, str, float]:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return self._tokens.get(token if scheme == "Bearer" else "", ("", "", 0.0))


def _key(request: web.Request) -> str:
    return request.headers.get("Ocp-Apim-Subscription-Key", "")


def _basic(request: web.Request) -> str:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    try:
        return base64.b64decode(text, validate=True).decode() if scheme == "Basic" else ""
    except ValueError:
        return ""


def _bad_key() -> web.Response:
    message = (
        "Access denied due to invalid subscription key. "
        "Make sure to provide a valid key for an active subscription."
    )
    return web.json_response({"statusCode": 401, "message": message}, status=401)
