"""`make chaos`: calls under kill -9, duplicates and lost replies; then the books are checked."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
import urllib.error
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from bot.i18n import load_catalogues
from bot.market import people
from bot.market.orders import NewOrder, create_order, make_offer
from bot.market.pin_hashing import PinHashing
from bot.market.share import Line
from bot.storage.opening import open_records, upgrade
from tests import invariants
from tests.phone import PIN
from tests.server_process import ServerProcess

_EACH = 10
_LINES = (Line("transport", "x", 2_000),)


def main() -> None:
    """Run so many calls with faults drawn from a seed, and check what is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--farmers", type=int, default=120)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.farmers} farmers, stock for half of them")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        asyncio.run(_prepare(path, options.farmers))
        faults, accepted, worst_s = _calls(path, options.farmers, random.Random(options.seed))
        wrong = asyncio.run(_check(path, accepted, options.farmers))
    print("faults: " + ", ".join(f"{count} {name}" for name, count in sorted(faults.items())))
    print(
        f"worst start after a kill: {worst_s:.2f} s; acceptances told to farmers: {len(accepted)}"
    )
    print("\n".join(wrong) if wrong else "0 violated")
    sys.exit(bool(wrong))


async def _prepare(folder: Path, farmers: int) -> None:
    load_catalogues()
    await upgrade("", folder)
    records = await open_records("", folder)
    hashing = PinHashing("demo-pepper", 64, 1, 1, 1, 1)
    pin_hash, now = await hashing.hash(PIN), datetime.now(UTC)
    soon = now + timedelta(days=2)

    def write(db) -> None:
        packs = farmers * _EACH // 2
        order = NewOrder("KW-1", "COF-ROAST", packs, 500, 9_000, 11_000, _LINES, "Ruli", soon)
        order_id = create_order(db, order, now)
        for number in range(farmers):
            contact = people.register(
                db, msisdn=_msisdn(number), names="Farmer", district="Gakenke", language="en",
                role="farmer", crop="coffee", pin_hash=pin_hash, channel="chaos", now=now,
            )  # fmt: skip
            make_offer(db, order_id, contact.id, _EACH, soon, "*384*801#", now, "Africa/Kigali")

    await records.write(write)
    hashing.close()
    await records.close()


def _msisdn(number: int) -> str:
    return f"+25078{2_000_000 + number}"


def _calls(
    folder: Path, farmers: int, chance: random.Random
) -> tuple[Counter[str], set[int], float]:
    faults: Counter[str] = Counter()
    server, accepted, worst_s = ServerProcess(folder), set(), 0.0
    for number in range(farmers):
        history: list[str] = []
        for entry in ("", "2", "1", "1", PIN):
            history += [entry] if entry else []
            text, session = "*".join(history), f"ATUid_{number}"
            if chance.random() < 0.10:
                faults["lost replies"] += 1
                server.send_and_drop(session, _msisdn(number), text)
            if chance.random() < 0.12:
                faults["kills"] += 1
                server.kill()
                worst_s = max(worst_s, server.start())
            reply = _hop(server, session, number, text)
            if chance.random() < 0.10:
                faults["duplicates"] += 1
                again = _hop(server, session, number, text)
                assert again == reply, (text, reply, again)
        if "You accepted" in reply:
            accepted.add(number)
    server.stop()
    return faults, accepted, worst_s


def _hop(server: ServerProcess, session: str, number: int, text: str) -> str:
    for _try in range(50):
        try:
            return server.hop(session, _msisdn(number), text)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError("no answer")


async def _check(folder: Path, accepted: set[int], farmers: int) -> list[str]:
    """Every invariant that is violated, in words."""
    records = await open_records("", folder)

    def look(db: Connection) -> dict[str, bool]:
        # The farmers were the first contacts, in their order.
        told = {number + 1 for number in accepted}
        return {
            **invariants.of_offers(db, told),
            **invariants.of_money(db),
            "everyone who could be served was": len(told) == farmers // 2,
        }

    rules = await records.read(look)
    await records.close()
    print(f"invariants: {len(rules)} checked")
    return invariants.violated(rules)


if __name__ == "__main__":
    main()
