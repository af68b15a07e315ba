"""The pretended operator's statement, and the whole way from payouts to a comparison."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.market.collecting import refund
from bot.market.reconciliation import Kind, reconcile
from tests.server import FARMER, Running
from tests.test_collections import owing, says_yes, the_collection
from tests.test_payout_loop import operator, pay, settled


async def statement(server: Running, query: str = "") -> str:
    url = f"{server.parts.sandbox.url}/sandbox/mtn-momo/statement.csv{query}"
    async with server.parts.http.get(url) as answer:
        assert answer.status == 200 and answer.content_type == "text/csv"
        return await answer.text()


async def test_I07_the_operators_book_and_ours_are_one(server: Running, tmp_path: Path) -> None:
    operator(server)
    await settled(server, (await pay(server)).reference, "succeeded")
    await settled(server, (await pay(server, payee="+46733123457")).reference, "failed")
    operator(server, amount_altered=True)
    await settled(server, (await pay(server, 70_000)).reference, "flagged")
    text = await statement(server)
    assert text.count("\n") == 4 and FARMER[1:] in text
    file, found = tmp_path / "statement.csv", []
    file.write_text(text, encoding="utf-8")
    today = datetime.now(ZoneInfo("Africa/Kigali")).date()
    tally = await reconcile(
        file, server.parts.market.records, provider="mtn-momo", day=today,
        timezone="Africa/Kigali", now=datetime.now(UTC), report=found.append,
    )  # fmt: skip
    # The switch alters what the operator says of the first payment too.
    assert tally.kinds == {Kind.DIFFERING: 2, Kind.MATCHED: 1} and tally.tickets == 1
    assert "the operator says 61000" in found[0].what


async def test_I07_what_was_collected_and_given_back_stands_in_the_statement(tmp_path) -> None:
    async with owing(tmp_path) as (server, phone):
        await says_yes(phone)
        paid = await settled(server, await the_collection(server), "succeeded")
        records, now = server.parts.market.records, server.parts.engine._clock()
        _outcome, back = await records.write(lambda db: refund(db, paid.reference, now))
        server.parts.sender.wake()
        await settled(server, back.reference, "succeeded")
        text = await statement(server)
        assert paid.reference in text and back.reference in text
        file, found = tmp_path / "statement.csv", []
        file.write_text(text, encoding="utf-8")
        today = datetime.now(ZoneInfo("Africa/Kigali")).date()
        tally = await reconcile(
            file, records, provider="mtn-momo", day=today, timezone="Africa/Kigali",
            now=datetime.now(UTC), report=found.append,
        )  # fmt: skip
        assert tally.kinds[Kind.MATCHED] == 2 and found == []


async def test_another_day_is_empty_and_a_wrong_one_is_refused(server: Running) -> None:
    assert (await statement(server, "?date=2026-01-01")).count("\n") == 1
    url = f"{server.parts.sandbox.url}/sandbox/mtn-momo/statement.csv?date=soon"
    async with server.parts.http.get(url) as answer:
        assert answer.status == 400
