"""Somebody who knows the callback's address and lies: forged, contradicting and guessed callbacks."""

from __future__ import annotations

import random

import aiohttp
from sqlalchemy import Connection, func, select

from bot.storage.records import Records
from bot.storage.schema import payments
from tests.storm.weather import Weather

_LIES = ("SUCCESSFUL", "FAILED", "PENDING")


class Stranger:
    """Calls back by the seed; not even a right token makes its words true."""

    def __init__(
        self, seed: str, http: aiohttp.ClientSession, records: Records, weather: Weather
    ) -> None:
        self._chance = random.Random(f"{seed} stranger")
        self._http, self._records, self._weather = http, records, weather

    async def calls_back(self) -> None:
        """One lie, mostly about a real payment; whether anybody hears it does not matter."""
        which, lie = self._chance.randrange(10**9), self._chance.choice(_LIES)
        found = await self._records.read(lambda db: _one_of(db, which))
        self._weather.faults["callback forged"] += 1
        if found is None or self._chance.random() < 0.2:
            path, body = f"mtn-momo/callback/guess{which}", {"status": lie}
        elif found.provider == "mtn-momo":
            path = f"mtn-momo/callback/{found.callback_token}"
            body = {"externalId": found.order_code, "status": lie, "amount": "1", "currency": "EUR"}
        else:
            state = "TS" if lie == "SUCCESSFUL" else "TF"
            path = "airtel-money/callback/portal"
            body = {"transaction": {"id": found.reference, "status_code": state}, "hash": "bGll"}
        try:
            async with self._http.post(f"http://isoko/payments/{path}", json=body) as answer:
                await answer.read()
        except (aiohttp.ClientError, OSError):
            self._weather.faults["callbacks to nobody"] += 1


def _one_of(db: Connection, which: int):
    last = db.execute(select(func.max(payments.c.id))).scalar()
    if last is None:
        return None
    return db.execute(select(payments).where(payments.c.id == which % last + 1)).first()
