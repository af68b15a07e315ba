"""Airtel, Comviva FLARES: a query comes in with the latest entry, plain text and headers go out.

Source: what public adapters and applications on it read and write, as collected in the project's
wire facts, section 1.5.
"""

from __future__ import annotations

import hmac
from typing import NoReturn

from bot.conversation import Inbound, Reply
from bot.knock import WireReply
from bot.ussd.dialled import Entry, number_of, read_entry, session_of
from bot.ussd.gateway import BadRequest, Wire, read_form

path = "airtel"
methods = ("GET",)
# A GET has no body, but some clients name a type all the same.
content_types = ("", "text/plain", "application/x-www-form-urlencoded", "application/json")
events = ""
tells_code = False

# This gateway carries its own subscribers only.
_NETWORK = "63514"
_REST = (
    ("charge", "N"),
    ("amount", "0"),
    ("Expires", "-1"),
    ("Pragma", "no-cache"),
    ("Cache-Control", "max-age=0"),
    ("Content-Type", "text/plain; charset=utf-8"),
)
_OPEN, _CLOSED = (("Freeflow", "FC"), *_REST), (("Freeflow", "FB"), *_REST)


def read(wire: Wire, country: str) -> Inbound:
    """The hop; only some of these gateways tell which is the first of its session."""
    asked = _fields(wire.query)
    _check_login(asked, wire.login)
    entry = Entry("end", "", "", "") if asked.get("clean") else _entry(asked, wire)
    return Inbound(
        channel="ussd",
        gateway=path,
        session_id=session_of(asked.get("sessionid", "")),
        msisdn=number_of(asked.get("msisdn", ""), country),
        kind=entry.kind,
        typed=entry.typed,
        network=_NETWORK,
        service_code=entry.code,
        tail=entry.tail,
    )


def read_event(wire: Wire, country: str) -> NoReturn:
    """There is none on a path of its own: a clean-up comes to the hops' path."""
    raise BadRequest("this gateway tells ends where it tells hops", 404)


def write(inbound: Inbound, reply: Reply) -> WireReply:
    """The text is the body; a header says whether the session goes on."""
    return WireReply(reply.text.encode(), _CLOSED if reply.ends else _OPEN)


def _entry(asked: dict[str, str], wire: Wire) -> Entry:
    text = asked.get("input")
    if text is None:
        raise BadRequest("field 'input' is missing")
    return read_entry(text, asked.get("new_request"), wire.codes)


def _fields(query: str) -> dict[str, str]:
    """The query's fields, with names in small letters. Raises `BadRequest` for one given twice."""
    given = read_form(query.encode("utf-8", "surrogateescape"))
    fields = {name.lower(): value for name, value in given.items()}
    if len(fields) != len(given):
        raise BadRequest("a field is given twice")
    return fields


def _check_login(asked: dict[str, str], login: tuple[str, str]) -> None:
    """Raise `BadRequest` unless the gateway names itself as the settings say; in constant time."""
    if not any(login):
        return
    shown = asked.get("userid", ""), asked.get("password", "")
    right = [
        hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode())
        for one, other in zip(shown, login, strict=True)
    ]
    if not all(right):
        raise BadRequest("the user or the password is wrong", 403)
