"""Airtel's answers as tests need them."""

from __future__ import annotations

from tests.payments.operators import fixture

AIRTEL_FARMER, OUR_ID = "+250738000004", "isoko-1042-1"
CODES = fixture("airtel_codes")
TOKEN = {"access_token": "X7kP", "expires_in": "180", "token_type": "bearer"}
# What each documented code says to our asking.
ACCEPTED = {"DP00900001001", "DP00900001006", "DP00800001001", "DP00800001006"}
UNDECIDED = {
    "DP00900001000", "DP00900001011", "DP00900001014", "DP00900001015", "DP00900001016",
    "DP00900001017", "DP00800001000", "DP00800001024", "DP00800001025", "DP00800001026",
}  # fmt: skip


def asked(code: str, success: bool, our_id: str = OUR_ID, **transaction: str) -> dict:
    """An answer as Airtel words it."""
    return {
        "data": {"transaction": {"id": our_id, **transaction}},
        "status": {"code": "200", "success": success, "response_code": code},
    }
