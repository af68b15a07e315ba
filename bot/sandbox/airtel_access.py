"""Who may call the pretended Airtel Money: its token, its headers, its keys, and signatures.

Source: Airtel's developer pages, as collected in the project's wire facts, sections 4.2 to 4.5.
"""

from __future__ import annotations

import binascii
import hmac
import json
import secrets
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bot.sandbox.nuisances import cut_off
from bot.sandbox.switches import Switches

CLIENT_ID, CLIENT_SECRET = "demo-airtel-client", "demo-airtel-secret"
PIN = "2468"
CALLBACK_SECRET = "demo-airtel-callback-key"  # noqa: S105  of the demo only
_SAYS_LASTS_S = "180"


def answer(
    code: str, message: str, data: dict[str, Any] | None = None, *, success: bool, http: int = 200
) -> web.Response:
    """Airtel's answer: what it is about, and a status with both families of codes."""
    status = {
        "response_code": code,
        "code": str(http),
        "success": success,
        "result_code": "ESB000010" if success else "ESB000008",
        "message": message,
    }
    return web.json_response({"data": data or {}, "status": status}, status=http)


def gateway_error(http: int, message: str) -> web.Response:
    """A refusal by the gateway in front of Airtel Money."""
    status = {"code": str(http), "message": message, "result_code": "ROUTER117", "success": False}
    return web.json_response({"status": status}, status=http)


class AirtelAccess:
    """One application with its token and the RSA key pair of the moment."""

    def __init__(self, switches: Callable[[], Switches]) -> None:
        self._switches = switches
        self._tokens: dict[str, float] = {}
        self._keys: list[RSAPrivateKey] = []
        self.tokens_given = self.keys_given = 0

    def mount(self, app: web.Application) -> None:
        """Add the token and key routes to `app`."""
        app.router.add_post("/auth/oauth2/token", self.token)
        app.router.add_get("/v1/rsa/encryption-keys", self.public_key)

    def forget_tokens(self) -> None:
        """End every token at once, whatever it says."""
        self._tokens.clear()

    def rotate_key(self) -> None:
        """Make a new key pair: signatures under the old one are refused, PINs are still read."""
        # The size that Airtel uses.
        key = generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
        self._keys.append(key)

    def refuse(self, request: web.Request) -> web.Response | None:
        """The refusal of a caller whose token or country is wrong; None when all fits."""
        if self._switches().outage:
            return cut_off(request)
        if self._switches().answer_503:
            return web.Response(status=503, text="Service Unavailable")
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or self._tokens.get(token, 0.0) < time.monotonic():
            error = {"error": "invalid_token", "error_description": "Invalid access token"}
            return web.json_response(error, status=401)
        place = (request.headers.get("X-Country"), request.headers.get("X-Currency"))
        if place != ("RW", "RWF"):
            return gateway_error(400, "Invalid country or currency")
        return None

    async def token(self, request: web.Request) -> web.Response:
        """Give a token; how long it lasts is told in text, as by the real one."""
        if self._switches().outage:
            return cut_off(request)
        if self._switches().answer_503:
            return web.Response(status=503, text="Service Unavailable")
        body = read_object(await request.read())
        right = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "grant_type": "client_credentials",
        }
        if body != right:
            wrong = {
                "error_description": "Invalid client authentication",
                "error": "invalid_client",
            }
            return web.json_response(wrong, status=401)
        token = secrets.token_urlsafe(24)
        lasts_s = min(float(_SAYS_LASTS_S), self._switches().token_ttl_s)
        self._tokens[token] = time.monotonic() + lasts_s
        self.tokens_given += 1
        given = {"access_token": token, "expires_in": _SAYS_LASTS_S, "token_type": "bearer"}
        return web.json_response(given)

    async def public_key(self, request: web.Request) -> web.Response:
        """The public key for PINs and signatures."""
        refused = self.refuse(request)
        if refused is not None:
            return refused
        self.keys_given += 1
        public = self._key().public_key()
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        shown = {
            "key_id": 1000 + len(self._keys),
            "key": b64encode(der).decode(),
            "valid_upto": time.strftime("%d-%m-%Y 23:59:59", time.gmtime(time.time() + 7 * 86400)),
        }
        message = "Encryption key has been fetched successfully."
        return answer("DP02010001001", message, shown, success=True)

    def is_pin(self, encrypted: object) -> bool:
        """Whether this is our PIN under the key of the moment or one before it."""
        self._key()
        return any(_decrypt(key, encrypted) == PIN.encode() for key in self._keys)

    def is_signed(self, request: web.Request, body: bytes) -> bool:
        """Whether `x-signature` is that of these very bytes."""
        secret = _decrypt(self._key(), request.headers.get("x-key", ""))
        try:
            aes_key, iv = (b64decode(part, validate=True) for part in secret.split(b":"))
            padder = PKCS7(128).padder()
            encryptor = Cipher(algorithms.AES256(aes_key), modes.CBC(iv)).encryptor()
            sealed = encryptor.update(padder.update(body) + padder.finalize())
            right = b64encode(sealed + encryptor.finalize())
        except (ValueError, binascii.Error):
            return False
        return hmac.compare_digest(right, request.headers.get("x-signature", "").encode())

    def _key(self) -> RSAPrivateKey:
        if not self._keys:
            self.rotate_key()
        return self._keys[-1]


def read_object(raw: bytes) -> dict[str, Any]:
    """A body's JSON object; {} for anything else."""
    try:
        return as_object(json.loads(raw))
    except (ValueError, RecursionError):
        return {}


def as_object(value: Any) -> dict[str, Any]:
    """The value where it is a JSON object, else {}."""
    return value if isinstance(value, dict) else {}


def _decrypt(key: RSAPrivateKey, text: object) -> bytes:
    try:
        return key.decrypt(b64decode(str(text), validate=True), PKCS1v15())
    except (ValueError, binascii.Error):
        return b""
