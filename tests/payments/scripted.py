"""A server that answers as a test says, and keeps what it was asked."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.payments.operators import fixture

Handler = Callable[[web.Request], Awaitable[web.Response]]


def new_key() -> RSAPrivateKey:
    """A key pair of Airtel's size."""
    return generate_private_key(public_exponent=65537, key_size=1024)


class Scripted:
    """An operator's server in the hands of a test; `key` is the one Airtel would give."""

    def __init__(self) -> None:
        self.answer: Handler = answering(202)
        self.token: object = fixture("momo_token_response")
        self.token_type = ""
        self.tokens_asked = self.keys_asked = 0
        self.token_bodies: list[str] = []
        self.key = new_key()
        self.key_answer: object = None
        self.asked: list[tuple[str, dict[str, str], str]] = []
        self.paths: list[str] = []

    async def give_token(self, request: web.Request) -> web.Response:
        self.tokens_asked += 1
        self.token_bodies.append(await request.text())
        if self.token_type:
            return await saying_type(self.token_type)(request)
        return web.json_response(self.token)

    async def give_key(self, request: web.Request) -> web.Response:
        self.keys_asked += 1
        if self.key_answer is not None:
            return web.json_response(self.key_answer)
        der = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        told = fixture("airtel_encryption_keys_response")
        told["data"]["key"] = b64encode(der).decode()
        return web.json_response(told)

    async def any(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, dict(request.headers), await request.text()))
        self.paths.append(request.path)
        return await self.answer(request)


def answering(status: int, body: object = None, text: str = "") -> Handler:
    """A handler that always answers so."""

    async def answer(request: web.Request) -> web.Response:
        if body is not None:
            return web.json_response(body, status=status)
        return web.Response(status=status, text=text)

    return answer


def saying_type(content_type: str, body: str = "{}") -> Handler:
    """A handler whose answer calls itself that."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=body.encode(), headers={"Content-Type": content_type})

    return answer


@asynccontextmanager
async def scripted_server(*token_paths: str) -> AsyncIterator[tuple[Scripted, str]]:
    """A scripted server and its address."""
    script, app = Scripted(), web.Application()
    for token_path in token_paths:
        app.router.add_post(token_path, script.give_token)
    app.router.add_get("/v1/rsa/encryption-keys", script.give_key)
    app.router.add_route("*", "/{path:.*}", script.any)
    async with TestServer(app) as server:
        yield script, str(server.make_url("")).rstrip("/")
