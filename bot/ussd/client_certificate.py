"""mTLS: whose certificate a gateway showed, which the connection has already verified."""

from __future__ import annotations

from bot.knock import Knock


def is_known_client(request: Knock, names: frozenset[str]) -> bool:
    """Whether the client's certificate carries one of `names`; empty `names` asks for none.

    The connection itself has refused what our CA did not sign and what is out of date.
    """
    if not names:
        return True
    shown = request.get_extra_info("peercert") or {}
    subject = [pair for part in shown.get("subject", ()) for pair in part]
    called = {value for kind, value in subject if kind == "commonName"}
    called |= {value for kind, value in shown.get("subjectAltName", ()) if kind == "DNS"}
    return not names.isdisjoint(called)
