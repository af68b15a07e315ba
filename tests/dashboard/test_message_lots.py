"""All messages of one reason are sent again as one job: each once, however often one presses."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, insert, select, update

from bot.dashboard.screens import lots
from bot.dashboard.screens.message_lots import reasons
from bot.storage.schema import outbox
from tests.dashboard.desk import Desk, joins
from tests.dashboard.test_desks import audited, value
from tests.patience import patient_s
from tests.server import Running

MANY = 450


def given_up(db) -> None:
    now = datetime.now(UTC)
    letter = {"kind": "sms", "payload": {"contact_id": 999}, "state": "dead", "attempts": 12}
    letter |= {"due_at": now, "written_at": now, "done_at": now}
    full, other = {"last_error": "refused no credit"}, {"last_error": "refused unknown number"}
    db.execute(insert(outbox), [letter | full | {"dedupe_key": f"m{n}"} for n in range(MANY)])
    db.execute(insert(outbox), [letter | other | {"dedupe_key": f"o{n}"} for n in range(3)])


@pytest.mark.usefixtures("either_store")
async def test_all_of_one_reason_are_sent_again_once_though_two_press(
    server: Running, viewer: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lots, "_PAUSE_S", 0.2)
    records = server.parts.market.records
    # They are looked at here, not carried out.
    server.parts.sender.leave_to("sms", lambda: None)
    await records.write(given_up)
    found = await reasons(records)
    assert [(one.why, one.count) for one in found] == [
        ("refused no credit", MANY), ("refused unknown number", 3),
    ]  # fmt: skip
    again = f"/dashboard/messages/reasons/{found[0].mark}/again"
    async with Desk(server) as one, Desk(server) as other:
        await joins(one, server, "sam", "supervisor")
        await joins(other, server, "sue", "supervisor")
        await viewer.posts(again)
        assert viewer.status == 403
        await asyncio.gather(one.posts(again), other.posts(again), one.posts(again))
        async with asyncio.timeout(patient_s(20)):
            while len(await audited(server, "messages sent again")) < 1:
                await asyncio.sleep(0.05)
        await one.posts(again)
        assert one.headers["Location"].endswith("said=no_effect")
        assert "450 wait to be sent again" in await one.gets(
            "/dashboard/messages?said=all_again&n=450"
        )
    done = [line["details"]["count"] for line in await audited(server, "messages sent again")]
    assert done == [MANY]
    of_state = select(func.count()).where(outbox.c.dedupe_key.like("o%"), outbox.c.state == "dead")
    assert await value(server, of_state) == 3


async def test_what_is_given_up_anew_while_the_job_goes_on_is_left_to_the_next(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lots, "AT_ONCE", 200)
    monkeypatch.setattr(lots, "_PAUSE_S", 0.3)
    records = server.parts.market.records
    server.parts.sender.leave_to("sms", lambda: None)
    await records.write(given_up)
    (first, _other) = await reasons(records)
    async with Desk(server) as one:
        await joins(one, server, "sam", "supervisor")
        pressing = asyncio.create_task(one.posts(f"/dashboard/messages/reasons/{first.mark}/again"))
        await asyncio.sleep(0.15)
        failed = {"state": "dead", "done_at": datetime.now(UTC), "last_error": first.why}
        last = update(outbox).where(outbox.c.dedupe_key == f"m{MANY - 1}").values(failed)
        await records.write(lambda db: db.execute(last))
        await pressing
        async with asyncio.timeout(patient_s(20)):
            while not (lines := await audited(server, "messages sent again")):
                await asyncio.sleep(0.05)
    assert lines[0]["details"]["count"] == MANY - 1
