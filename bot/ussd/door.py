"""Who may knock at a gateway's route: secret, source address, size, speed and type of the body."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from functools import lru_cache

from aiohttp import web

from bot.conversation import Inbound
from bot.knock import Knock
from bot.source import NO_PROXIES, Network, Proxies, is_in, source_of
from bot.ussd.client_certificate import is_known_client
from bot.ussd.gateway import BadRequest, Gateway, Wire
from bot.ussd.hosts import is_for_us


@dataclass(frozen=True, slots=True)
class DoorRules:
    """The door's settings. Empty `allowed` lets every address in; empty `secret` asks for none.

    `codes` are those people dial, as a `Wire` has them; only those of `service_codes` are let in.
    `login` is what the gateway names itself with, where its dialect has such.
    """

    secret: str = ""
    allowed: tuple[Network, ...] = ()
    proxies: Proxies = NO_PROXIES
    body_timeout_s: float = 5.0
    body_max_bytes: int = 16_384
    service_codes: frozenset[str] = frozenset()
    codes: tuple[str, ...] = ()
    login: tuple[str, str] = ("", "")
    hosts: frozenset[str] = frozenset()
    client_names: frozenset[str] = frozenset()


def check_secret(request: web.Request, rules: DoorRules) -> None:
    """Raise `BadRequest` unless the path ends in the gateway's secret; in constant time."""
    given = request.match_info.get("secret", "")
    if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), rules.secret.encode()):
        raise BadRequest("unknown path", 404)


def let_in(request: Knock, gateway: Gateway, rules: DoorRules) -> None:
    """Whether its body is worth reading. Raises `BadRequest` with the status to answer."""
    if not is_for_us(request, rules.hosts):
        raise BadRequest("this host is not served here")
    if not is_known_client(request, rules.client_names):
        raise BadRequest("this client is not allowed", 403)
    if rules.allowed and not is_in(source_of(request, rules.proxies), rules.allowed):
        raise BadRequest("this source is not allowed", 403)
    if _kind(request.headers.get("Content-Type", "")) not in gateway.content_types:
        raise BadRequest("this content type is not spoken here", 415)


def as_wire(request: Knock, body: bytes, rules: DoorRules) -> Wire:
    """The request as a gateway's dialect reads it. Raises `BadRequest` for too large a body."""
    if len(body) > rules.body_max_bytes:
        raise BadRequest("the body is too large", 413)
    query = request.raw_path.partition("?")[2]
    return Wire(request.method, "", query, request.headers, body, rules.codes, rules.login)


def check_code(inbound: Inbound, gateway: Gateway, rules: DoorRules) -> None:
    """Raise `BadRequest` for a code that is not ours, or none where the gateway tells it always."""
    if not rules.service_codes or inbound.service_code in rules.service_codes:
        return
    if gateway.tells_code or inbound.service_code:
        raise BadRequest("this service code is not ours")


@lru_cache(64)
def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
