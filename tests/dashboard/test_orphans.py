"""Callbacks for nobody are matched by hand, and what was said with the operator is on the page."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from bot.storage.schema import audit, inbox, payment_talks, payments
from tests.dashboard.desk import Desk, joins
from tests.server import Running
from tests.test_orphan_callbacks import calls_back
from tests.test_payout_loop import operator, pay, settled

PAGE = "/dashboard/payments/orphans"


async def rows(server: Running, query) -> list:
    return await server.parts.market.records.read(lambda db: db.execute(query).mappings().all())


@pytest.mark.usefixtures("either_store")
async def test_M07_a_callback_matched_by_hand_makes_us_ask_and_decides_nothing(
    server: Running,
) -> None:
    operator(server, settle_after_s=1.0, lost_callback=True)
    payment = await settled(server, (await pay(server)).reference, "sent")
    later = datetime.now(UTC) + timedelta(minutes=20)
    mine = payments.c.reference == payment.reference
    wait = update(payments).where(mine).values(look_up_at=later)
    await server.parts.market.records.write(lambda db: db.execute(wait))
    await calls_back(server, "mtn-momo", "another-path")
    number = (await rows(server, select(inbox.c.id)))[0]["id"]
    async with Desk(server) as finance, Desk(server) as viewer:
        await joins(finance, server, "fiona", "finance")
        await joins(viewer, server, "vera", "viewer")
        await viewer.gets(PAGE)
        assert viewer.status == 403
        assert "SUCCESSFUL" in await finance.gets(PAGE)
        match = f"{PAGE}/{number}/match"
        for typed, reason, said in (
            (payment.reference, "", "no_reason"),
            (payment.reference[:-1], "letter", "no_payment"),
            (payment.reference, "MTN's letter", "asked"),
            (payment.reference, "MTN's letter", "no_effect"),
        ):
            await finance.posts(match, payment=typed, reason=reason)
            assert finance.headers["Location"].endswith(f"said={said}"), (typed, said)
        (row,) = await rows(server, select(payments.c.state, payments.c.look_up_at).where(mine))
        # It was believed in nothing: its claim of success leads to a question and no further.
        assert row["state"] == "succeeded" or row["look_up_at"] < later - timedelta(minutes=10)
        await settled(server, payment.reference, "succeeded")
        assert "✓" in await finance.gets(PAGE)
        (kept,) = await rows(server, select(inbox.c.outcome, inbox.c.token))
        assert kept["outcome"] == "asked by hand: fiona"
        assert kept["token"] == payment.callback_token
        page = await finance.gets(f"/dashboard/payments/{payment.id}")
        for words in ("we asked for it", "we asked about it", "it called back", "asked by hand"):
            assert words in page, words
        assert payment.callback_token not in page and "another-path" not in page
    said = await rows(server, select(payment_talks).order_by(payment_talks.c.id))
    assert said[0]["what"] == "ask" and said[0]["outcome"] == "accepted"
    assert said[-1]["outcome"] == "succeeded" and {one["what"] for one in said[1:]} == {"look_up"}


async def test_a_callback_of_one_operator_is_matched_with_no_payment_of_another(
    server: Running, supervisor: Desk
) -> None:
    payment = await settled(server, (await pay(server)).reference, "succeeded")
    await calls_back(server, "airtel-money", "x", "nobody")
    query = select(inbox.c.id).where(inbox.c.source == "airtel-money")
    number = (await rows(server, query))[0]["id"]
    await supervisor.posts(f"{PAGE}/{number}/match", payment=payment.reference, reason="r")
    assert supervisor.headers["Location"].endswith("said=no_payment")
    await supervisor.posts(f"{PAGE}/{number}/nobodys", reason="a test of theirs")
    assert supervisor.headers["Location"].endswith("said=nobodys")
    assert "✓" in await supervisor.gets(PAGE)
    (line,) = await rows(server, select(audit).where(audit.c.action == "callback is nobody's"))
    # Where they were stands beside who they are.
    assert line["ip"] == "127.0.0.1" and len(line["session"]) == 12
