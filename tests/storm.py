"""Part of `make chaos`: payouts by the thousand under all troubles at once, by a seed.

The sender and the poller are killed at random steps and begin again; the clock is virtual. When the
storm is over every payment must be settled, failed or with staff, and the books must be right.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine
from sqlalchemy import Connection, func, select, update

from bot.i18n import load_catalogues
from bot.look_ups import LookUps
from bot.market.limits import PayoutRules
from bot.operations.logs import set_up_logs
from bot.sender import Sender, SenderRules
from bot.sms.provider import Sent, SmsAnswer, SmsMessage
from bot.storage.opening import open_records, upgrade
from bot.storage.records import Records
from bot.storage.schema import payments as rows
from tests import invariants
from tests.invariants import Paid
from tests.market.money import pay, person
from tests.mortal import Fate, Killed, MortalRecords
from tests.payments.stormy_operator import StormyOperator

_START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
_STORM = timedelta(minutes=10)
# "Settled, failed or flagged within 30 minutes after the faults stop".
_CALM = timedelta(minutes=45)
_RULES = PayoutRules(person_day_rwf=10**12)


class _Inbox:
    """Every SMS arrives: the storm is about money."""

    async def send(self, message: SmsMessage) -> SmsAnswer:
        return SmsAnswer(Sent.SENT)


def main() -> None:
    """Run the storm and print what was done to it and what it did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.payments:,} payouts", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        wrong = asyncio.run(_storm(Path(folder), options.payments, random.Random(options.seed)))
    print("\n".join(wrong) if wrong else "0 violated")
    sys.exit(bool(wrong))


async def _storm(folder: Path, count: int, chance: random.Random) -> list[str]:
    set_up_logs("critical", "console")
    load_catalogues()
    await upgrade("", folder)
    records = await open_records("", folder)
    operator, kills = StormyOperator(chance), 0
    with time_machine.travel(_START, tick=False) as clock:
        await records.write(lambda db: _make(db, count))
        while datetime.now(UTC) < _START + _STORM + _CALM:
            operator.calm = datetime.now(UTC) >= _START + _STORM
            kills += await _round(records, operator, chance)
            clock.shift(5 if not operator.calm else 20)
    faults = ", ".join(f"{number:,} {name}" for name, number in sorted(operator.faults.items()))
    print(f"faults: {kills:,} kills, {faults}")
    states = await records.read(_states)
    print("ends: " + ", ".join(f"{number:,} {state}" for state, number in sorted(states.items())))
    wrong = await records.read(lambda db: _violated(db, operator, count))
    await records.close()
    return wrong


def _make(db: Connection, count: int) -> None:
    contact_id = person(db, _START)
    for number in range(count):
        code = f"KW-{number}"
        pay(db, contact_id, _START, 1_000 + number, order_code=code, rules=_RULES)


async def _round(records: Records, operator: StormyOperator, chance: random.Random) -> int:
    """Processes send and ask until nothing is due; in a storm they are killed on the way."""
    killed = 0
    while True:
        steps = -2 if operator.calm else chance.randrange(2, 600)
        mortal = MortalRecords(records, Fate(steps, after=chance.random() < 0.5))
        providers = {operator.name: operator}
        sender = Sender(mortal, _Inbox(), providers, SenderRules(lease_s=1.0), _RULES)
        look_ups = LookUps(mortal, providers, sender.wake)
        try:
            if not operator.calm:
                await records.write(lambda db: _call_back(db, chance))
            while await sender.carry_out() + await look_ups.ask_due():
                pass
        except Killed:
            killed += 1
        else:
            return killed


def _call_back(db: Connection, chance: random.Random) -> None:
    """Callbacks, some twice, some of payments long settled: each makes a look-up due."""
    last = db.execute(select(func.max(rows.c.id))).scalar_one()
    some = rows.c.id.in_([chance.randrange(1, last + 1) for _ in range(50)])
    due = some & rows.c.look_up_at.is_not(None)
    db.execute(update(rows).where(due).values(look_up_at=datetime.now(UTC)))


def _states(db: Connection) -> Counter[str]:
    return Counter(db.execute(select(rows.c.state)).scalars())


def _violated(db: Connection, operator: StormyOperator, count: int) -> list[str]:
    """Every invariant that does not hold, in words; the numbers are the project's own list."""
    states = {
        row.reference: row.state for row in db.execute(select(rows.c.reference, rows.c.state))
    }
    book = [
        Paid(reference, order.amount_rwf, reference not in operator.failed)
        for reference, order in operator.taken.items()
    ]
    rules = {
        **invariants.of_money(db),
        **invariants.of_operators(db, book, frozenset(operator.altered)),
        **invariants.of_traffic(db),
        "every payout is there": len(states) == count,
        "I4 each was sent at most once": max(operator.sent.values(), default=0) <= 1,
        "what it refused is failed": all(
            states[one] == "failed"
            for one in (operator.failed | operator.refused) - operator.taken.keys()
        ),
    }
    print(f"invariants: {len(rules)} checked")
    return invariants.violated(rules)


if __name__ == "__main__":
    main()
