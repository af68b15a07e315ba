"""The commands of the books, as staff type them beside a running server."""

import asyncio
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import update

from bot.market import payments
from bot.storage.schema import payments as rows
from tests.server import Running, running
from tests.test_payout_loop import operator, pay, settled

_STRICT = {"ISOKO_PAYOUTS__RELEASE_ABOVE_RWF": "50000"}


async def isoko(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "ISOKO_DATA_DIR": str(folder), "COLUMNS": "120", **_STRICT}
    command = [sys.executable, "-m", "bot", *arguments]
    return await asyncio.to_thread(
        subprocess.run,
        command,
        env=variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def now_of(server: Running, reference: str):
    return await server.parts.market.records.read(lambda db: payments.by_reference(db, reference))


async def test_a_large_payout_waits_is_released_by_two_and_stands_in_the_books(tmp_path) -> None:
    async with running(tmp_path, **_STRICT) as server:
        operator(server)
        payment = await pay(server)
        await asyncio.sleep(0.5)
        assert (await now_of(server, payment.reference)).state == "created"
        listed = await isoko(tmp_path, "payouts", "waiting")
        assert payment.reference in listed.stdout and "nobody yet" in listed.stdout
        assert "0788000001" not in listed.stdout.replace(" ", "")

        async def release(name: str) -> subprocess.CompletedProcess[str]:
            return await isoko(tmp_path, "payouts", "release", payment.reference, "--by", name)

        first, again = await release("amina"), await release("Amina")
        assert first.returncode == 0 and "one more is needed" in first.stdout
        assert again.returncode == 1 and "somebody else" in again.stderr
        assert (await now_of(server, payment.reference)).state == "created"
        second = await release("eric")
        assert "released by amina and eric: it leaves now" in second.stdout
        await settled(server, payment.reference, "succeeded")
        assert "no payout waits" in (await isoko(tmp_path, "payouts", "waiting")).stdout
        await the_books_are_right(server, tmp_path)


async def the_books_are_right(server: Running, folder: Path) -> None:
    good = await isoko(folder, "ledger", "verify")
    assert good.returncode == 0 and "checked: 5 entries, 10 lines, 2 payments" in good.stdout
    today = datetime.now(ZoneInfo("Africa/Kigali")).date().isoformat()
    url = f"{server.parts.sandbox.url}/sandbox/mtn-momo/statement.csv"
    async with server.parts.http.get(url, params={"date": today}) as answer:
        file = folder / "statement.csv"
        file.write_text(await answer.text(), encoding="utf-8")
    options = ("--operator", "mtn-momo", "--date", today)
    same = await isoko(folder, "ledger", "reconcile", str(file), *options)
    assert same.returncode == 0, same.stdout + same.stderr
    assert "60,000 there, 60,000 here; 0 new tickets" in same.stdout
    file.write_text(
        file.read_text(encoding="utf-8").replace(",60000,", ",61000,"), encoding="utf-8"
    )
    for tickets in (1, 0):
        other = await isoko(folder, "ledger", "reconcile", str(file), *options)
        assert other.returncode == 1 and "line 2" in other.stdout and "do: " in other.stdout
        assert f"{tickets} new tickets" in other.stdout
    wrong = rows.c.order_code == "KW-77"
    await server.parts.market.records.write(
        lambda db: db.execute(update(rows).where(wrong).values(amount_rwf=61_000))
    )
    bad = await isoko(folder, "ledger", "verify")
    assert bad.returncode == 1 and "FAULT" in bad.stdout and "do: " in bad.stdout


async def test_what_is_typed_wrong_is_said_in_one_line(tmp_path: Path) -> None:
    options = ("--operator", "mtn-momo", "--date", "2026-11-24")
    missing = await isoko(tmp_path, "ledger", "reconcile", "none.csv", *options)
    assert missing.returncode == 1 and "cannot open none.csv" in missing.stderr
    strange = await isoko(
        tmp_path, "ledger", "reconcile", "x", "--operator", "mpesa", "--date", "2026-11-24"
    )
    assert strange.returncode == 2 and "mtn-momo" in strange.stderr
    gone = await isoko(tmp_path, "payouts", "release", "nobody", "--by", "amina")
    assert gone.returncode == 1 and "isoko payouts waiting" in gone.stderr
    for one in (missing, strange, gone):
        assert "Traceback" not in one.stderr
