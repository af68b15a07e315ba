"""The operator's nuisances, each a switch: what really happens on the other side."""

from __future__ import annotations

import msgspec


class Switches(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the pretended operator misbehaves; all off by default.

    `settle_after_s`: how long a transfer stays pending. `late_s`: how long after that its callback
    comes. `hang_s`, `sms_hang_s`: how long an answer is held back, after the thing was taken.
    `not_found_s`: how long a new transfer cannot be looked up. `token_ttl_s`: how long a token
    really lasts, whatever it says. `drip_s`: over how long a body comes, byte after byte.
    `outage`: the connection is cut before anything is taken; `cut_answer`: after it.
    `callback_hash` signs Airtel's callbacks over their transaction, `hash_whole` over all of them;
    `forged_callback` claims success of what is still pending, signed with a key that is not ours.
    `hop_twice`, `hop_reply_lost`, `hop_slow_s` and `hop_out_of_order` are of the network between
    the web phone and the gateway: see `bot.simulator.network`.
    `refuse_with_200`: Airtel's newer way, HTTP 200 for a refusal.
    """

    settle_after_s: float = 2.0
    lost_callback: bool = False
    put_callback: bool = False
    callback_twice: bool = False
    callback_before_202: bool = False
    string_reason: bool = False
    created_state: bool = False
    ambiguous_state: bool = False
    refuse_with_200: bool = False
    callback_hash: bool = True
    hash_whole: bool = False
    forged_callback: bool = False
    answer_503: bool = False
    outage: bool = False
    html_200: bool = False
    cut_json: bool = False
    cut_answer: bool = False
    drip_s: float = 0.0
    amount_altered: bool = False
    late_s: float = 0.0
    hang_s: float = 0.0
    not_found_s: float = 0.0
    token_ttl_s: float = 3600.0
    sms_down: bool = False
    sms_blocked: bool = False
    sms_bad_sender: bool = False
    sms_hang_s: float = 0.0
    hop_twice: bool = False
    hop_reply_lost: bool = False
    hop_slow_s: float = 0.0
    hop_out_of_order: bool = False


def changed(switches: Switches, body: bytes) -> Switches:
    """The switches with the changes in a JSON body. Raises msgspec.ValidationError."""
    names = msgspec.json.decode(body, type=dict[str, bool | float])
    return msgspec.convert({**msgspec.structs.asdict(switches), **names}, Switches, strict=False)
