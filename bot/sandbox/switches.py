"""The operator's nuisances, each a switch: what really happens on the other side."""

from __future__ import annotations

import msgspec


class Switches(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the pretended operator misbehaves; all off by default.

    `settle_after_s`: how long a transfer stays pending. `late_s`: how long after that its callback
    comes. `hang_s`, `sms_hang_s`: how long an answer is held back, after the thing was taken.
    `not_found_s`: how long a new transfer cannot be looked up. `token_ttl_s`: how long a token
    really lasts, whatever it says.
    """

    settle_after_s: float = 2.0
    lost_callback: bool = False
    put_callback: bool = False
    callback_twice: bool = False
    callback_before_202: bool = False
    string_reason: bool = False
    created_state: bool = False
    answer_503: bool = False
    html_200: bool = False
    amount_altered: bool = False
    late_s: float = 0.0
    hang_s: float = 0.0
    not_found_s: float = 0.0
    token_ttl_s: float = 3600.0
    sms_down: bool = False
    sms_blocked: bool = False
    sms_bad_sender: bool = False
    sms_hang_s: float = 0.0


def changed(switches: Switches, body: bytes) -> Switches:
    """The switches with the changes in a JSON body. Raises msgspec.ValidationError."""
    names = msgspec.json.decode(body, type=dict[str, bool | float])
    return msgspec.convert({**msgspec.structs.asdict(switches), **names}, Switches, strict=False)
