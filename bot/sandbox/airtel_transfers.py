"""What becomes of money in the pretended Airtel Money, and of the hub's float with it."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from typing import Any

from bot.sandbox.memory import Notebook
from bot.sandbox.switches import Switches

FLOAT_RWF = 500_000_000
NATIONAL = re.compile(r"7[0-9]{8}")
FAMILY = {"collection": "DP00800001", "disbursement": "DP00900001"}
NOT_FOUND = {"collection": "025", "disbursement": "015"}
# Airtel publishes no numbers that steer a result; in ours the last three digits name its code.
_STEERED = re.compile(r"730001([0-9]{3})")
_EXPIRED, _AMBIGUOUS, _NO_FUNDS = "029", "000", "007"


class AirtelTransfers:
    """Every payout and collection. Its end is decided when it is taken; time brings it."""

    def __init__(self, notebook: Notebook, switches: Callable[[], Switches]) -> None:
        self._notebook, self._switches = notebook, switches
        self._promised_rwf = sum(_drawn_rwf(transfer) for transfer in self.all())

    def all(self) -> list[dict[str, Any]]:
        """Every one, oldest first."""
        return self._notebook.all("airtel")

    def get(self, our_id: str) -> dict[str, Any] | None:
        """The one with the caller's own id."""
        return self._notebook.get("airtel", our_id)

    def by_airtel_id(self, airtel_money_id: str) -> dict[str, Any] | None:
        """The one that Airtel calls so."""
        return next((t for t in self.all() if t["airtel_money_id"] == airtel_money_id), None)

    def float_rwf(self) -> int:
        """What is left of the hub's money with the operator, after what has been paid."""
        paid = (transfer for transfer in self.all() if self.state(transfer) == "TS")
        return FLOAT_RWF - sum(_drawn_rwf(transfer) for transfer in paid)

    def take(
        self, product: str, our_id: str, note: str, msisdn: str, amount_rwf: int
    ) -> dict[str, Any]:
        """Remember a new one, and what will become of it: the last digits of its code."""
        switches, now, steered = self._switches(), time.time(), _STEERED.fullmatch(msisdn)
        settle_after_s = 0.0 if switches.callback_before_202 else switches.settle_after_s
        transfer = {
            "id": our_id,
            "product": product,
            "note": note,
            "amount_rwf": amount_rwf,
            "msisdn": msisdn,
            "at": now,
            "settles_at": now + settle_after_s,
            "outcome": steered[1] if steered else "001",
            "airtel_money_id": f"CI{time.strftime('%y%m%d.%H%M')}.L{secrets.token_hex(4).upper()}",
            "refunded": False,
        }
        if self._promised_rwf + _drawn_rwf(transfer) > FLOAT_RWF:
            transfer["outcome"] = _NO_FUNDS
        self._promised_rwf += _drawn_rwf(transfer)
        self._notebook.put("airtel", our_id, transfer)
        return transfer

    def refund(self, transfer: dict[str, Any]) -> None:
        """Give a collection back."""
        self._notebook.put("airtel", transfer["id"], {**transfer, "refunded": True})

    def state(self, transfer: dict[str, Any]) -> str:
        """TIP, TA, TS, TF or TE, as it stands now."""
        if transfer["outcome"] == _AMBIGUOUS:
            return "TA"
        if time.time() < transfer["settles_at"]:
            return "TA" if self._switches().ambiguous_state else "TIP"
        ends = {"001": "TS", _EXPIRED: "TE", "006": "TIP"}
        return ends.get(str(transfer["outcome"]), "TF")

    def code(self, transfer: dict[str, Any]) -> str:
        """The response code that goes with its state."""
        family, outcome = FAMILY[transfer["product"]], str(transfer["outcome"])
        return family + {"TIP": "006", "TA": "000"}.get(self.state(transfer), outcome)

    def shown(self, transfer: dict[str, Any]) -> dict[str, Any]:
        """The transaction as an enquiry tells it: its amount stands in the words of success."""
        state = self.state(transfer)
        amount_rwf = transfer["amount_rwf"] + 1000 * self._switches().amount_altered
        words = {"TS": f"Paid RWF {amount_rwf}", "TIP": "In progress", "TA": "Ambiguous",
                 "TE": "Expired"}  # fmt: skip
        return {
            "airtel_money_id": transfer["airtel_money_id"],
            "id": transfer["id"],
            "message": words.get(state, "Transaction refused"),
            "status": state,
        }


def _drawn_rwf(transfer: dict[str, Any]) -> int:
    """What a payout takes out of the float, or a collection puts into it."""
    if transfer["outcome"] != "001" or transfer["refunded"]:
        return 0
    sign = 1 if transfer["product"] == "disbursement" else -1
    return sign * int(transfer["amount_rwf"])
