"""Looks at everything outside the server when the storm is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.parts import Parts
from tests.storm import world
from tests.storm.farmers import Farmer
from tests.storm.lives import Lives
from tests.storm.outside import Outside
from tests.storm.payers import Payer
from tests.storm.seen import Seen, Taken

_MTN = {"SUCCESSFUL": "paid", "FAILED": "refused"}
_AIRTEL = {"TS": "paid", "TF": "refused", "TE": "refused"}
_KINDS = {"disbursement": "payout", "collection": "collection", "refund": "refund"}


def look(
    outside: Outside,
    lives: Lives,
    people: list[Farmer],
    payers: list[Payer],
    names: Mapping[str, str],
) -> Seen:
    """What was seen from outside; `names` is what the seed calls each payment."""
    assert lives.process is not None
    taken = _taken(outside)
    altered = outside.weather.is_altered
    return Seen(
        accepted={world.farmer(one.number) for one in people if one.accepted},
        locked={world.farmer(one.number) for one in people if one.locked},
        let_in_though_locked={world.farmer(p.number) for p in people if p.let_in_though_locked},
        told_of_payment={world.bill_code(one.number) for one in payers if one.told},
        unequal_replies=[what for one in (*people, *payers) for what in one.handset.unequal],
        taken=taken,
        given_back=_given_back(outside),
        altered={one.reference for one in taken if altered(names.get(one.reference, ""))},
        sms=outside.sms_texts(),
        acknowledged=lives.acknowledged,
        acknowledged_early=lives.early,
        backlog=_backlog(lives.process.parts),
    )


def _taken(outside: Outside) -> list[Taken]:
    momo, airtel = outside.momo, outside.airtel
    of_mtn = [
        _one(one, one["reference"], int(one["amount"]), _MTN.get(momo.status(one), "?"))
        for one in momo.transfers()
    ]
    return of_mtn + [
        _one(one, one["id"], one["amount_rwf"], _AIRTEL.get(airtel.state(one), "?"))
        for one in airtel.transfers()
    ]


def _one(transfer: dict[str, Any], reference: str, amount_rwf: int, end: str) -> Taken:
    return Taken(reference, _KINDS[transfer["product"]], amount_rwf, end)


def _given_back(outside: Outside) -> list[tuple[str, int]]:
    momo = outside.momo
    back = [
        (one["refunds"], int(one["amount"]))
        for one in momo.transfers()
        if one["product"] == "refund" and momo.status(one) == "SUCCESSFUL"
    ]
    # Airtel marks what it gives back whole.
    return back + [
        (one["id"], one["amount_rwf"]) for one in outside.airtel.transfers() if one["refunded"]
    ]


def _backlog(parts: Parts) -> dict[str, int]:
    return {
        "hops in flight": parts.engine.hops_in_flight,
        "sessions at the turnstile": len(parts.engine._turnstile),
        "rows of transcripts": len(parts.transcripts._rows),
        "dropped transcripts": parts.transcripts.dropped,
    }
