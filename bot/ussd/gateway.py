"""What a USSD gateway is to us: a way to read a request and a way to write the reply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import unquote

import msgspec

from bot.conversation import Inbound, Reply
from bot.knock import WireReply


class BadRequest(Exception):
    """The request is not one this gateway sends; `status` is the HTTP status to answer."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


class Wire(msgspec.Struct, frozen=True):
    """A request as it came, whatever the transport: form, JSON, XML, query or path.

    `query` is as it came too, not decoded. `codes` are ours as they are dialled, without the first
    `*` and the `#`, the longest first. `login` is the user and password that the gateway must
    name in the request, where its dialect has such; two empty ones ask for none.
    """

    method: str
    tail: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    codes: tuple[str, ...] = ()
    login: tuple[str, str] = ("", "")


class Gateway(Protocol):
    """One gateway's dialect, pure: no network, no session, no language.

    `path` is what follows `/ussd/`; `methods` and `content_types` are what it sends ("" in
    `content_types` accepts a request without a body). `events` is a further path for the notice
    that a session ended, "" where the gateway tells so on the same path (a hop of kind "end") or
    not at all. `tells_code` says that every request names the code that was dialled.
    """

    @property
    def path(self) -> str: ...
    @property
    def methods(self) -> tuple[str, ...]: ...
    @property
    def content_types(self) -> tuple[str, ...]: ...
    @property
    def events(self) -> str: ...
    @property
    def tells_code(self) -> bool: ...

    def read(self, wire: Wire, country: str) -> Inbound:
        """The hop in this request. Raises `BadRequest`."""
        ...

    def read_event(self, wire: Wire, country: str) -> Inbound:
        """The end of a session in this request. Raises `BadRequest`."""
        ...

    def write(self, inbound: Inbound, reply: Reply) -> WireReply:
        """The reply in this dialect."""
        ...


def read_form(body: bytes) -> dict[str, str]:
    """The fields of a form body. Raises `BadRequest` for a field given twice, or broken text."""
    fields: dict[str, str] = {}
    try:
        text = body.decode("ascii").replace("+", " ")
        # The three escapes that fill nearly every request are undone without the general decoder.
        text = text.replace("%2A", "*").replace("%23", "#").replace("%2B", "+")
        for part in text.split("&"):
            name, _, value = part.partition("=")
            if name in fields:
                raise BadRequest(f"field {name[:20]!r} is given twice")
            fields[name] = unquote(value, errors="strict") if "%" in value else value
    except UnicodeDecodeError:
        raise BadRequest("the form is not URL-encoded UTF-8") from None
    return fields
