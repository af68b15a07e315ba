"""Where a webhook may go: never into our own network, whatever a URL or a name server says."""

from __future__ import annotations

import asyncio
import errno
import re
import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

from bot.i18n.ticket_sentences import DeliveryTrouble

URL_MAX = 2048
_PORTS = (443, 8443)
_PLAIN = re.compile(r"[\x21-\x7e]+")
# An address of the old internet inside one of the new.
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_LOOK_UP_S = 5.0


class NotAllowed(OSError):
    """The address that was about to be connected to is none of the outside."""


def is_outside(address: str) -> bool:
    """Whether an address, as a resolver gives it, is somewhere on the public internet."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return _is_public(ip)


def why_not(url: str, *, private: bool) -> str:
    """Why this URL may not be called, by its text alone; "" when it may.

    `private` is for a laptop: then http, every port and every address will do.
    """
    if len(url) > URL_MAX:
        return DeliveryTrouble.TOO_LONG.format(most=URL_MAX)
    if not _PLAIN.fullmatch(url):
        return DeliveryTrouble.OTHER_SIGNS
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return DeliveryTrouble.UNREADABLE
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        return DeliveryTrouble.NOT_HTTPS
    if parts.username is not None or parts.password is not None:
        return DeliveryTrouble.PASSWORD
    if not parts.hostname or parts.fragment:
        return DeliveryTrouble.NO_HOST
    if private:
        return ""
    if (port or 443) not in _PORTS:
        return DeliveryTrouble.OTHER_PORT.format(first=_PORTS[0], second=_PORTS[1])
    return _why_not_host(parts.hostname)


async def why_not_now(url: str, *, private: bool) -> str:
    """The same, and what its name leads to at this moment. Waits for the name server."""
    wrong = why_not(url, private=private)
    if wrong or private:
        return wrong
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_LOOK_UP_S):
            found = await loop.getaddrinfo(
                parts.hostname, parts.port or 443, type=socket.SOCK_STREAM
            )
    except (OSError, TimeoutError, UnicodeError):
        return "its name leads nowhere"
    inside = [one[4][0] for one in found if not is_outside(str(one[4][0]))]
    return f"its name leads to {inside[0]}, which is not on the internet" if inside else ""


def guarded_socket(*, private: bool) -> Callable[[Any], socket.socket]:
    """What makes every socket of the sender: it sees the very address that is connected to.

    The name was resolved once by then, so nothing it leads to later can be called instead.
    """

    def make(found: Any) -> socket.socket:
        family, kind, protocol, _name, address = found
        if not private and not is_outside(str(address[0])):
            raise NotAllowed(errno.EACCES, f"{address[0]} is not on the internet")
        return socket.socket(family, kind, protocol)

    return make


def _why_not_host(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        # What libraries of C read as an address though it is none: 127.1, 0x7f.1, 2130706433.
        if re.fullmatch(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*\.?", host):
            return DeliveryTrouble.HIDDEN_HOST
        return ""
    return "" if _is_public(address) else DeliveryTrouble.INSIDE.format(host=host)


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    if isinstance(ip, IPv6Address):
        hidden = ip.ipv4_mapped or ip.sixtofour
        if hidden is not None:
            return _is_public(hidden)
        if ip.teredo is not None or any(ip in network for network in _TRANSLATED):
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)
