"""The commands of the books, as staff type them beside a running server."""

import asyncio
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from bot.market import payments, settlement
from bot.payments.provider import Answer, Outcome
from bot.storage.schema import payments as rows
from tests import typed_command
from tests.market.money import pay as make
from tests.server import TEA, Running, running
from tests.test_payout_loop import operator, pay, settled

_STRICT = {"ISOKO_PAYOUTS__RELEASE_ABOVE_RWF": "50000"}


async def isoko(folder: Path, *arguments: str) -> CompletedProcess[str]:
    return await asyncio.to_thread(partial(typed_command.isoko, folder, *arguments, **_STRICT))


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

        async def release(name: str) -> CompletedProcess[str]:
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


async def test_a_bill_is_asked_flagged_settled_and_seen_by_staff(tmp_path) -> None:
    async with running(tmp_path, ISOKO_COLLECTIONS__PROMPT_AFTER_S="0") as server:
        ask = ("collections", "ask", "0788000002", "9000", "--order", "KW-1042", "--why", "bags")
        asked = await isoko(tmp_path, *ask)
        assert asked.returncode == 0 and "9,000\xa0Frw for KW-1042" in asked.stdout
        assert any("payer 9 000 Frw" in sms.replace("\xa0", " ") for sms in await server.inbox(TEA))
        operator(server, amount_altered=True)
        phone = server.phone(TEA)
        await phone.dials()
        await phone.types("3")
        await phone.picks("Payer KW-1042")
        await phone.types("1")
        query = select(rows.c.reference).where(rows.c.direction == "collection")
        reference = await server.parts.market.records.read(lambda db: db.execute(query).scalar())
        await settled(server, reference, "flagged")
        listed = await isoko(tmp_path, "payments", "flagged")
        assert reference in listed.stdout and "the operator says 10000" in listed.stdout
        assert "in suspense: -10,000\xa0Frw" in listed.stdout and "do: ask the op" in listed.stdout
        end = (
            "payments",
            "settle",
            reference,
            "--as",
            "succeeded",
            "--reason",
            "portal",
            "--by",
            "amina",
        )
        alone = await isoko(tmp_path, *end, "--second", "Amina")
        assert alone.returncode == 1 and "two different people" in alone.stderr
        done = await isoko(tmp_path, *end, "--second", "eric")
        assert done.returncode == 0 and "settled" in done.stdout
        assert "no payment is flagged" in (await isoko(tmp_path, "payments", "flagged")).stdout
        assert any("vous avez payé" in sms for sms in await server.inbox(TEA))
        # One that failed may be made again: this one stays on its way.
        operator(server, settle_after_s=3600.0)
        first = await isoko(tmp_path, "collections", "refund", reference, "--by", "amina")
        again = await isoko(tmp_path, "collections", "refund", reference, "--by", "amina")
        assert first.returncode == 0 and again.returncode == 1 and "already" in again.stderr
        assert (await isoko(tmp_path, "ledger", "verify")).returncode == 0


async def test_M16_a_bill_typed_twice_is_made_once_and_withdrawn_while_nobody_pays(
    tmp_path,
) -> None:
    async with running(tmp_path) as server:
        ask = ("collections", "ask", "0788000002", "9000", "--order", "KW-1042", "--why", "bags")
        made = await isoko(tmp_path, *ask)
        number = made.stdout.split()[1].rstrip(":")
        twice = await isoko(tmp_path, *ask)
        assert twice.returncode == 1 and f"bill {number} asks them for 9000" in twice.stderr
        phone = server.phone(TEA)
        await phone.dials()
        await phone.types("3")
        # The person looks at the question while staff withdraw the bill.
        await phone.picks("Payer KW-1042")
        drop = ("collections", "withdraw", number, "--by", "amina", "--why", "asked by mistake")
        done = await isoko(tmp_path, *drop)
        assert done.returncode == 0 and "withdrawn" in done.stdout
        await phone.types("1")
        assert phone.ended
        assert any("ne devez plus payer 9 000" in sms.replace("\xa0", " ")
                   for sms in await server.inbox(TEA))  # fmt: skip
        paid = select(rows.c.id).where(rows.c.direction == "collection")
        assert await server.parts.market.records.read(lambda db: db.execute(paid).all()) == []
        again = await isoko(tmp_path, *drop)
        assert again.returncode == 1 and "withdrawn already" in again.stderr
        more = await isoko(tmp_path, *ask, "--again")
        assert more.returncode == 0
        assert (await isoko(tmp_path, "ledger", "verify")).returncode == 0


async def test_a_bill_that_may_not_be_is_said_in_one_line(tmp_path: Path) -> None:
    async with running(tmp_path):
        pass
    for arguments, said in (
        (("0788000009", "9000", "--order", "KW-1042"), "nobody is registered"),
        (("0788000002", "0", "--order", "KW-1042"), "positive whole number"),
        (("0788000002", "5000001", "--order", "KW-1042"), "over the largest"),
        (("0788000002", "9000", "--order", "KW-9"), "there is no order KW-9"),
    ):
        done = await isoko(tmp_path, "collections", "ask", *arguments)
        assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr


async def test_an_outage_is_shown_to_staff(tmp_path: Path) -> None:
    slow = {"ISOKO_OUTAGE__FAILURES": "1", "ISOKO_OUTAGE__PROBE_S": "600"}
    async with running(tmp_path, **slow) as server:
        operator(server, answer_503=True)
        await pay(server)
        await asyncio.sleep(0.8)
        shown = await isoko(tmp_path, "payouts", "waiting")
        assert "mtn-momo is down since" in shown.stdout and "1 payments wait" in shown.stdout
        checked = await isoko(tmp_path, "doctor")
        assert "outages     mtn-momo is down (" in checked.stdout


async def test_a_payment_that_is_turned_away_is_shown_before_anything_counts_as_an_outage(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as server:
        operator(server, answer_503=True)
        await pay(server)
        await asyncio.sleep(0.8)
        checked = await isoko(tmp_path, "doctor")
        assert "wait   outages     payments not taken yet" in checked.stdout
        assert (
            "mtn-momo (SERVICE_UNAVAILABLE): 1" in checked.stdout
            or "TokenRefused" in checked.stdout
        )


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


async def test_a_payment_that_no_answer_ends_is_stopped_and_then_ended_by_two(tmp_path) -> None:
    async with running(tmp_path) as server:
        operator(server, settle_after_s=3600.0)
        young = await pay(server)
        await settled(server, young.reference, "sent")
        why = ("--reason", "MTN has never heard of it", "--by", "amina")
        early = await isoko(tmp_path, "payments", "stop", young.reference, *why)
        assert early.returncode == 1 and "asked about still" in early.stderr
        assert "unknown for long" in (await isoko(tmp_path, "payments", "unknown")).stdout

        def an_hour_ago(db):
            then = server.parts.engine._clock() - timedelta(hours=1)
            made = make(db, 1, then)
            return settlement.record_asked(db, made.reference, Answer(Outcome.ACCEPTED), then)

        old = await server.parts.market.records.write(an_hour_ago)
        await asyncio.sleep(1.0)
        listed = await isoko(tmp_path, "payments", "unknown")
        assert old.reference in listed.stdout and young.reference not in listed.stdout
        done = await isoko(tmp_path, "payments", "stop", old.reference, *why)
        assert done.returncode == 0 and "now, not before" in done.stdout
        flagged = await isoko(tmp_path, "payments", "flagged")
        assert "stopped: MTN has never heard of it" in flagged.stdout
