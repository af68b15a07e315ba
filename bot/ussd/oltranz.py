"""Oltranz: a JSON object comes in with the latest entry; the same one goes out with our answer.

Source: the gateway's own pages, as collected in the project's wire facts, section 1.2.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn, cast

import msgspec

from bot.conversation import Inbound, Reply
from bot.knock import WireReply
from bot.ussd.dialled import number_of, read_entry, session_of
from bot.ussd.gateway import BadRequest, Wire

path = "oltranz"
methods = ("POST",)
content_types = ("application/json",)
events = ""
tells_code = True

_HEADERS = (("Content-Type", "application/json;charset=UTF-8"),)


class OltranzHop(Inbound, frozen=True):
    """A hop with the object in which it came, which is sent back."""

    asked: dict[str, Any] = msgspec.field(default_factory=dict)


def read(wire: Wire, country: str) -> OltranzHop:
    """The hop: `newRequest` is 1 on the dial; no field numbers the hops after it."""
    asked = _object(wire.body)
    own_code = _text(asked, "serviceCode").strip().lstrip("*").rstrip("#")
    entry = read_entry(_text(asked, "text"), _flag(asked), (*wire.codes, own_code))
    # What a hop that is sent again has too. The transaction is named by us, if by anybody.
    stamp = f"{_text(asked, 'requestTime')} {_text(asked, 'transactionId')}".strip()
    return OltranzHop(
        channel="ussd",
        gateway=path,
        session_id=session_of(_text(asked, "sessionId")),
        msisdn=number_of(_text(asked, "phoneNumber"), country),
        kind=entry.kind,
        typed=entry.typed,
        service_code=f"*{own_code}#" if own_code else "",
        stamp=stamp,
        tail=entry.tail,
        asked=asked,
    )


def read_event(wire: Wire, country: str) -> NoReturn:
    """There is none: this gateway does not tell that a session ended."""
    raise BadRequest("this gateway tells no ends", 404)


def write(inbound: Inbound, reply: Reply) -> WireReply:
    """The object as it came, with `response` and `action` filled."""
    asked = cast("OltranzHop", inbound).asked
    said = {**asked, "response": reply.text, "action": "END" if reply.ends else "CON"}
    return WireReply(_written(said), _HEADERS)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body.decode(), object_pairs_hook=_each_once, parse_constant=_refuse)
        if not isinstance(found, dict):
            raise BadRequest("the body is not a JSON object")
        # What cannot be sent back, such as half a sign or a number past all bounds, is not taken.
        _written(found)
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON in UTF-8") from None
    return found


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadRequest("a field is given twice")
    return found


def _refuse(constant: str) -> NoReturn:
    raise BadRequest(f"{constant} is no JSON")


def _written(said: dict[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False, allow_nan=False).encode()


def _text(asked: dict[str, Any], name: str) -> str:
    """A field as text, "" when it is empty or missing; a number is what its digits say."""
    value = asked.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadRequest(f"field {name!r} is neither text nor a whole number")
    return str(value)


def _flag(asked: dict[str, Any]) -> str:
    value = asked.get("newRequest")
    if value is None:
        raise BadRequest("field 'newRequest' is missing")
    # A page says 1, a library of JSON may say true.
    flag = str(int(value)) if isinstance(value, bool) else _text(asked, "newRequest")
    if flag == "0" and asked.get("text") is None:
        raise BadRequest("field 'text' is missing")
    return flag
