"""An operator in a storm: takes money once, and says so late, wrongly, twice or not at all."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from bot.payments.provider import Answer, CallbackHint, Outcome, PayoutOrder

_TROUBLE = ("time-out", "refused", "not there yet", "unclear", "slow", "altered", "failed")


class StormyOperator:
    """`PaymentProvider` whose trouble is drawn from a seed; when `calm` it only tells the truth."""

    name = "mtn-momo"

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.calm = False
        self.taken: dict[str, PayoutOrder] = {}
        self.sent = Counter[str]()
        self.refused: set[str] = set()
        self.altered: set[str] = set()
        self.failed: set[str] = set()
        self.faults = Counter[str]()
        self._hidden_until: dict[str, datetime] = {}

    async def ask(self, order: PayoutOrder) -> Answer:
        """Take it once for its reference; what is answered may be something else."""
        reference = order.reference
        if reference in self.taken:
            return Answer(Outcome.UNKNOWN, "RESOURCE_ALREADY_EXIST")
        trouble = self._trouble(0.5)
        if trouble == "refused":
            self.refused.add(reference)
            return Answer(Outcome.REFUSED, "PAYEE_NOT_FOUND")
        if trouble == "time-out" and self._chance.random() < 0.5:
            return Answer(Outcome.UNKNOWN, "never arrived")
        self.taken[reference] = order
        self.sent[reference] += 1
        if trouble == "not there yet":
            self._hidden_until[reference] = datetime.now(UTC) + timedelta(minutes=2)
        if trouble == "altered":
            self.altered.add(reference)
        if trouble == "failed":
            self.failed.add(reference)
        if trouble in {"time-out", "unclear"}:
            return Answer(Outcome.UNKNOWN, trouble)
        return Answer(Outcome.ACCEPTED)

    async def look_up(self, reference: str) -> Answer:
        """What became of it, when the weather lets it through."""
        order = self.taken.get(reference)
        hidden = self._hidden_until.get(reference)
        if order is None or (hidden is not None and datetime.now(UTC) < hidden):
            return Answer(Outcome.NOT_THERE)
        trouble = self._trouble(0.4)
        if trouble in {"time-out", "unclear"}:
            return Answer(Outcome.UNKNOWN, trouble)
        if trouble == "slow":
            return Answer(Outcome.PENDING)
        if reference in self.failed:
            return Answer(Outcome.REFUSED, "INTERNAL_PROCESSING_ERROR")
        amount_rwf = order.amount_rwf + (1_000 if reference in self.altered else 0)
        return Answer(
            Outcome.SUCCEEDED, "", amount_rwf, order.currency, order.payee_msisdn, reference[:10]
        )

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackHint:
        """Not used: in the storm a callback is a look-up made due at once."""
        return CallbackHint()

    def _trouble(self, share: float) -> str:
        if self.calm or self._chance.random() > share:
            return ""
        trouble = self._chance.choice(_TROUBLE)
        self.faults[trouble] += 1
        return trouble
