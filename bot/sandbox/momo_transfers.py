"""What becomes of a transfer in the pretended MoMo, and of the hub's money with it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

from bot.sandbox.memory import Notebook
from bot.sandbox.momo_numbers import OUTCOMES
from bot.sandbox.switches import Switches

FLOAT_RWF = 500_000_000
PARTY = {"collection": "payer", "disbursement": "payee", "refund": "payee"}
# As seen on MTN's own sandbox for its number of delays.
_DELAY_S = 20.0


class Transfers:
    """Every transfer, request to pay and refund. Its end is decided at once; time brings it."""

    def __init__(self, notebook: Notebook, switches: Callable[[], Switches]) -> None:
        self._notebook, self._switches = notebook, switches
        self._promised_rwf = sum(_drawn_rwf(transfer) for transfer in self.all())

    def all(self) -> list[dict[str, Any]]:
        """Every one, oldest first."""
        return self._notebook.all("transfer")

    def get(self, reference: str) -> dict[str, Any] | None:
        """The one with this reference."""
        return self._notebook.get("transfer", reference.lower())

    def float_rwf(self) -> int:
        """What is left of the hub's money with the operator, after what has been paid."""
        return FLOAT_RWF - sum(
            _drawn_rwf(transfer) for transfer in self.all() if self.status(transfer) == "SUCCESSFUL"
        )

    def collected_rwf(self) -> int:
        """What requests to pay have brought in."""
        return sum(
            int(transfer["amount"])
            for transfer in self.all()
            if transfer["product"] == "collection"
            and transfer["currency"] == "RWF"
            and self.status(transfer) == "SUCCESSFUL"
        )

    def take(
        self, kind: str, reference: str, callback_url: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        """Remember a new one, and what will become of it."""
        switches, now = self._switches(), time.time()
        settle_after_s = 0.0 if switches.callback_before_202 else switches.settle_after_s
        party, outcome, refunds = self._foreseen(kind, body)
        transfer = {
            "reference": reference,
            "product": kind,
            "amount": body["amount"],
            "currency": body["currency"],
            "externalId": str(body["externalId"]),
            "party": party,
            "callback": callback_url,
            "at": now,
            "settles_at": now + settle_after_s,
            "outcome": outcome,
            "refunds": refunds,
            "txn": str(secrets.randbelow(9_000_000_000) + 1_000_000_000),
        }
        if self._promised_rwf + _drawn_rwf(transfer) > FLOAT_RWF:
            transfer["outcome"] = "NOT_ENOUGH_FUNDS"
        self._promised_rwf += _drawn_rwf(transfer)
        self._notebook.put("transfer", reference.lower(), transfer)
        return transfer

    def _foreseen(self, kind: str, body: dict[str, Any]) -> tuple[str, str, str]:
        """Whose wallet it is, what will become of it, and which payment it refunds."""
        if kind != "refund":
            party = str(body[PARTY[kind]]["partyId"])
            return party, OUTCOMES[kind].get(party, ""), ""
        reference = str(body["referenceIdToRefund"]).lower()
        paid = self.get(reference)
        if paid is None or paid["product"] != "collection" or self.status(paid) != "SUCCESSFUL":
            return "", "TRANSACTION_NOT_FOUND", reference
        given_back = sum(
            int(transfer["amount"])
            for transfer in self.all()
            if transfer.get("refunds") == reference and _will_succeed(transfer)
        )
        # No page says what more than was paid ends with.
        fits = given_back + int(body["amount"]) <= int(paid["amount"])
        return paid["party"], "" if fits else "NOT_ALLOWED", reference

    def ends_at(self, transfer: dict[str, Any]) -> float | None:
        """When it is decided, in seconds of the clock; None when never."""
        if transfer["outcome"] == "ONGOING":
            return None
        extra_s = _DELAY_S if transfer["outcome"] == "DELAYED" else 0.0
        return float(transfer["settles_at"]) + extra_s

    def status(self, transfer: dict[str, Any]) -> str:
        """PENDING, CREATED, SUCCESSFUL or FAILED, as it stands now."""
        ends_at = self.ends_at(transfer)
        if ends_at is None or time.time() < ends_at:
            return "CREATED" if self._switches().created_state else "PENDING"
        return "SUCCESSFUL" if _will_succeed(transfer) else "FAILED"

    def shown(self, transfer: dict[str, Any]) -> dict[str, Any]:
        """The status object, also the body of a callback."""
        status, amount = self.status(transfer), transfer["amount"]
        if self._switches().amount_altered and status == "SUCCESSFUL":
            amount = str(int(amount) + 1000)
        party = {"partyIdType": "MSISDN", "partyId": transfer["party"]}
        shown: dict[str, Any] = {
            "externalId": transfer["externalId"],
            "amount": amount,
            "currency": transfer["currency"],
            "status": status,
        }
        if transfer["party"]:
            shown[PARTY[transfer["product"]]] = party
        if status == "SUCCESSFUL":
            shown["financialTransactionId"] = transfer["txn"]
        if status == "FAILED":
            code = transfer["outcome"]
            reason = {"code": code, "message": code.replace("_", " ").lower()}
            shown["reason"] = code if self._switches().string_reason else reason
        return shown


def _will_succeed(transfer: dict[str, Any]) -> bool:
    return transfer["outcome"] in ("", "DELAYED")


def _drawn_rwf(transfer: dict[str, Any]) -> int:
    draws = transfer["product"] != "collection" and _will_succeed(transfer)
    return int(transfer["amount"]) if draws and transfer["currency"] == "RWF" else 0
