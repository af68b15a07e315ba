"""Standard Webhooks: who signed it, and our own signature. Nothing is believed before this."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from multidict import CIMultiDictProxy
from standardwebhooks import Webhook, WebhookVerificationError

_ID, _MOMENT, _SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_WELL_FORMED = {
    _ID: re.compile(r"[\x21-\x7e]{1,160}"),
    # The library also takes fractions of a second, which it does not sign.
    _MOMENT: re.compile(r"[0-9]{9,11}"),
    # A few signatures: a longer list is work for us and nothing else.
    _SIGNATURE: re.compile(r"[A-Za-z0-9]+,[A-Za-z0-9+/=]+( [A-Za-z0-9]+,[A-Za-z0-9+/=]+){0,7}"),
}


class Forged(Exception):
    """No valid signature of ours or of the hub's, or one that is too old or too new."""


def verify(body: bytes, headers: CIMultiDictProxy[str], secrets: Sequence[str]) -> str:
    """The id of the message that one of `secrets` signed, within 5 minutes of now.

    Raises `Forged`. `body` is what came on the wire, byte by byte.
    """
    given: dict[str, str] = {}
    for name, form in _WELL_FORMED.items():
        values = headers.getall(name, [])
        if len(values) != 1 or not form.fullmatch(values[0]):
            raise Forged(f"{name} is missing, given twice or malformed")
        given[name] = values[0]
    why = "no secret"
    for secret in secrets:
        try:
            Webhook(secret).verify(body, given, json_parse=False)
        except WebhookVerificationError as error:
            why = str(error)
        except ValueError:
            # Bytes that are no text, or a signature that is no base64.
            why = "malformed"
        else:
            return given[_ID]
    raise Forged(why)


def sign(message_id: str, at: datetime, body: str, secrets: Sequence[str]) -> dict[str, str]:
    """The three headers of a message, with a signature for each of `secrets`."""
    moment = at.astimezone(UTC)
    signatures = [Webhook(secret).sign(message_id, moment, body) for secret in secrets]
    return {
        _ID: message_id,
        _MOMENT: str(int(moment.timestamp())),
        _SIGNATURE: " ".join(signatures),
    }
