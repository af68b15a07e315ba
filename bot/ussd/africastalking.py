"""Africa's Talking: a form comes in with all that was typed so far; CON or END text goes out.

Source: the provider's USSD pages, as collected in the project's wire facts, section 1.1.
"""

from __future__ import annotations

from bot.conversation import Inbound, Reply
from bot.knock import WireReply
from bot.msisdn import read_msisdn
from bot.ussd.gateway import BadRequest, Wire, read_form

path = "africastalking"
methods = ("POST",)
content_types = ("application/x-www-form-urlencoded",)
events = "africastalking/events"
tells_code = True

_SESSION_ID_MAX = 128
_ENDS = {"Success": "completed", "Incomplete": "abandoned", "Failed": "abandoned"}
_HEADERS = (("Content-Type", "text/plain; charset=utf-8"),)


def read(wire: Wire, country: str) -> Inbound:
    """The hop: `text` is empty on a plain dial, and the typed history joined by `*` after."""
    fields = read_form(wire.body)
    history = fields.get("text")
    if history is None:
        raise BadRequest("field 'text' is missing")
    return Inbound(
        channel="ussd",
        gateway=path,
        session_id=_session_id(fields),
        msisdn=_number(fields, country),
        kind="input" if history else "dial",
        history=history,
        network=fields.get("networkCode", ""),
        service_code=fields.get("serviceCode", ""),
    )


def read_event(wire: Wire, country: str) -> Inbound:
    """The end-of-session notice; a hint only: it may come twice, late, or never."""
    fields = read_form(wire.body)
    how = _ENDS.get(fields.get("status", ""), "")
    return Inbound("ussd", path, _session_id(fields), _number(fields, country), "end", how)


def write(inbound: Inbound, reply: Reply) -> WireReply:
    """`CON` keeps the call open, `END` closes it; nothing may stand before them."""
    verb = "END" if reply.ends else "CON"
    return WireReply(f"{verb} {reply.text}".encode(), _HEADERS)


def _session_id(fields: dict[str, str]) -> str:
    session_id = fields.get("sessionId", "")
    if not session_id or len(session_id) > _SESSION_ID_MAX or not session_id.isprintable():
        raise BadRequest("field 'sessionId' is missing or not an id")
    return session_id


def _number(fields: dict[str, str], country: str) -> str:
    number = read_msisdn(fields.get("phoneNumber", ""), country)
    if number is None:
        raise BadRequest("field 'phoneNumber' is missing or not a mobile number")
    return number
