"""Which nuisances a payment meets: drawn from the seed and its own name, never from the order.

So the same seed gives every payment the same fate, whoever is asked first.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from bot.sandbox.switches import Switches

STORM = timedelta(minutes=110)
_OUTAGE = (timedelta(minutes=20), timedelta(minutes=80))
# What waited leaves only while answers come: after this, for a while, none is cut or spoiled.
_LULL = (timedelta(minutes=82), timedelta(minutes=95))
_ALTERED = 0.02
# Of a payment, for as long as it lives; several may come together.
_LASTING = {
    "callback late": (0.15, {"late_s": 400.0}),
    "callback twice": (0.2, {"callback_twice": True}),
    "callback never": (0.2, {"lost_callback": True}),
    "callback before the 202": (0.1, {"callback_before_202": True}),
    "callback by PUT": (0.1, {"put_callback": True}),
    "callback forged by the operator's line": (0.1, {"forged_callback": True}),
    "404 for two minutes": (0.15, {"not_found_s": 120.0}),
    "slow to settle": (0.1, {"settle_after_s": 200.0}),
    "CREATED instead of PENDING": (0.1, {"created_state": True}),
    "ambiguous state": (0.1, {"ambiguous_state": True}),
    "reason as a string": (0.3, {"string_reason": True}),
    "refusal with 200": (0.3, {"refuse_with_200": True}),
}  # fmt: skip
# Of one request; at most one of them.
_ONCE = {
    "503": {"answer_503": True},
    "HTML with 200": {"html_200": True},
    "truncated JSON": {"cut_json": True},
    "cut after it was taken": {"cut_answer": True},
    "slow drip": {"drip_s": 60.0},
    "time-out after it was taken": {"hang_s": 60.0},
}
_ONCE_SHARE = 0.35

NameOf = Callable[[str], Awaitable[str]]


class Weather:
    """Draws switches; `name_of` reads what the seed calls the payment with a reference."""

    def __init__(self, seed: str, start: datetime, name_of: NameOf) -> None:
        self._seed, self._start, self._name_of = seed, start, name_of
        self._known: dict[str, str] = {}
        self._asked = Counter[str]()
        self.faults = Counter[str]()

    @property
    def is_calm(self) -> bool:
        """Whether the storm is over."""
        return datetime.now(UTC) >= self._start + STORM

    def is_altered(self, name: str) -> bool:
        """Whether the operator pays this one with another amount. Never of a contested order."""
        return name.startswith(("KR", "KB")) and self._chance(name, "altered").random() < _ALTERED

    async def over(self, reference: str, kind: str, operator: str) -> Switches:
        """The switches for one request about a payment; `kind` is "ask" or "look"."""
        if reference and not self._known.get(reference):
            self._known[reference] = await self._name_of(reference)
        name = self._known.get(reference, "")
        chosen: dict[str, bool | float] = {"amount_altered": self.is_altered(name)}
        if chosen["amount_altered"]:
            self.faults["amount altered"] += kind == "ask"
        if self.is_calm:
            return Switches(**chosen)
        if self._is_out(operator):
            self.faults["cut by the hour's outage"] += 1
            return Switches(**chosen, outage=True)
        if name:
            self._lasting(name, kind, chosen)
        if name and not self._is_within(_LULL):
            self._once(name, kind, chosen)
        return Switches(**chosen)

    def sms(self, text: str) -> Switches:
        """The same for one message."""
        if self.is_calm:
            return Switches()
        self._asked[text] += 1
        chance = self._chance(text, f"sms {self._asked[text]}").random()
        if chance < 0.1:
            self.faults["SMS down"] += 1
            return Switches(sms_down=True)
        if chance < 0.2:
            self.faults["SMS delivered, answer late"] += 1
            return Switches(sms_hang_s=60.0)
        return Switches()

    def _lasting(self, name: str, kind: str, chosen: dict[str, bool | float]) -> None:
        for fault, (share, switches) in _LASTING.items():
            if self._chance(name, fault).random() < share:
                chosen |= switches
                self.faults[fault] += kind == "ask"

    def _once(self, name: str, kind: str, chosen: dict[str, bool | float]) -> None:
        self._asked[f"{name} {kind}"] += 1
        chance = self._chance(name, f"{kind} {self._asked[f'{name} {kind}']}")
        if chance.random() < _ONCE_SHARE:
            fault = chance.choice(list(_ONCE))
            chosen |= _ONCE[fault]
            self.faults[fault] += 1

    def _is_out(self, operator: str) -> bool:
        return operator == "mtn-momo" and self._is_within(_OUTAGE)

    def _is_within(self, span: tuple[timedelta, timedelta]) -> bool:
        return span[0] <= datetime.now(UTC) - self._start < span[1]

    def _chance(self, name: str, what: str) -> random.Random:
        return random.Random(f"{self._seed} {name} {what}")
