"""MTN Rwanda, XML pull: a `request` comes in with the latest entry, a `response` goes out.

Source: what public applications on it read and write, as collected in the project's wire facts,
section 1.3.
"""

from __future__ import annotations

from html import escape
from typing import NoReturn, cast

from bot.conversation import Inbound, Reply
from bot.knock import WireReply
from bot.ussd.dialled import Entry, number_of, read_entry, session_of
from bot.ussd.flat_xml import FlatXml, read_flat_xml
from bot.ussd.gateway import BadRequest, Wire

path = "mtn"
methods = ("POST",)
content_types = ("application/xml", "text/xml")
events = ""
tells_code = False

# This gateway carries its own subscribers only.
_NETWORK = "63510"
_HEADERS = (("Content-Type", "application/xml; charset=UTF-8"),)


class MtnHop(Inbound, frozen=True):
    """A hop with what its reply repeats, as it came."""

    session_as_sent: str = ""
    number_as_sent: str = ""
    transaction: str = ""


def read(wire: Wire, country: str) -> MtnHop:
    """The hop: `newRequest` is 1 on the dial, and a "cleanup" says that the session is gone."""
    asked = read_flat_xml(wire.body)
    if asked.root != "request":
        raise BadRequest("the root is not <request>")
    session = asked.value("sessionid") or asked.value("session")
    number, transaction = asked.value("msisdn"), asked.value("transactionid")
    what = asked.attributes.get("type", "pull").strip().lower()
    if what not in {"pull", "cleanup"}:
        raise BadRequest("this type of request is not spoken here")
    entry = None if what == "cleanup" else _entry(asked, wire)
    return MtnHop(
        channel="ussd",
        gateway=path,
        session_id=session_of(session),
        msisdn=number_of(number, country),
        kind=entry.kind if entry else "end",
        typed=entry.typed if entry else "",
        network=_NETWORK,
        service_code=entry.code if entry else "",
        stamp=transaction,
        tail=entry.tail if entry else "",
        session_as_sent=session,
        number_as_sent=number,
        transaction=transaction,
    )


def read_event(wire: Wire, country: str) -> NoReturn:
    """There is none on a path of its own: a cleanup comes to the hops' path."""
    raise BadRequest("this gateway tells ends where it tells hops", 404)


def write(inbound: Inbound, reply: Reply) -> WireReply:
    """`FC` keeps the session open, `FB` closes it. The session's name is in small letters here."""
    hop = cast("MtnHop", inbound)
    named = [("msisdn", hop.number_as_sent), ("sessionid", hop.session_as_sent)]
    if hop.transaction:
        named.append(("transactionid", hop.transaction))
    lines = "".join([f"  <{name}>{_plain(value)}</{name}>\n" for name, value in named])
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<response>\n{lines}"
        "  <freeflow>\n"
        f"    <freeflowState>{'FB' if reply.ends else 'FC'}</freeflowState>\n"
        "  </freeflow>\n"
        f"  <applicationResponse>{_plain(reply.text)}</applicationResponse>\n"
        "</response>\n"
    )
    return WireReply(body.encode(), _HEADERS)


def _entry(asked: FlatXml, wire: Wire) -> Entry:
    typed = asked.given("subscriberinput")
    if typed is None:
        raise BadRequest("<subscriberInput> is missing")
    return read_entry(typed, asked.given("newrequest"), wire.codes)


def _plain(text: str) -> str:
    return escape(text, quote=False)
