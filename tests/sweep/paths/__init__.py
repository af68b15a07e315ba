"""The paths of money. One a file; a new one is a file and a line here."""

from __future__ import annotations

from tests.sweep.path import Path
from tests.sweep.paths import (
    accept,
    airtel,
    by_hand,
    callback_airtel,
    callback_mtn,
    collect_airtel,
    collect_callback,
    collect_mtn,
    confirm,
    hand_over,
    mtn,
    mtn_later,
    mtn_refused,
    outage,
    problem,
    refund,
    release,
    sale,
    wrong_pin,
)

_ALL = (
    accept,
    hand_over,
    mtn,
    mtn_later,
    mtn_refused,
    airtel,
    callback_mtn,
    callback_airtel,
    confirm,
    wrong_pin,
    problem,
    release,
    collect_mtn,
    collect_callback,
    collect_airtel,
    refund,
    sale,
    by_hand,
    outage,
)
PATHS: dict[str, Path] = {module.path.name: module.path for module in _ALL}
