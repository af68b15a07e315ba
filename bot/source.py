"""Where a request comes from, also behind our own proxies."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from bot.knock import Knock

Network = IPv4Network | IPv6Network
# The bits of an IPv6 address that tell one line from another.
_ONE_LINE = 64


@dataclass(frozen=True, slots=True)
class Proxies:
    """Our own proxies: their networks, and how many stand one behind the other."""

    networks: tuple[Network, ...] = ()
    hops: int = 1


NO_PROXIES = Proxies()


def networks(texts: list[str]) -> tuple[Network, ...]:
    """Networks from their texts. Raises ValueError for what is not one."""
    return tuple(ip_network(text) for text in texts)


def is_in(address: str, allowed: tuple[Network, ...]) -> bool:
    """Whether an address lies in one of the networks; what is no address lies in none."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return any(ip in network for network in allowed)


def counted_as(address: str) -> str:
    """The address under which tries are counted: of IPv6 the /64, which one line has for itself."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped or ip_network((ip, _ONE_LINE), strict=False))
    return str(ip)


def source_of(request: Knock, proxies: Proxies) -> str:
    """The caller's address: a forwarded one counts only from a proxy we know, and from the right.

    The rightmost entries were written by our own proxies; anything further left is hearsay.
    """
    peer = request.remote or ""
    if not proxies.networks or not is_in(peer, proxies.networks):
        return peer
    chain = [
        hop.strip()
        for header in request.headers.getall("X-Forwarded-For", [])
        for hop in header.split(",")
    ]
    return chain[-proxies.hops] if len(chain) >= proxies.hops else peer
