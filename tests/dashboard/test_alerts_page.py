"""The page of alerts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.market import staff_alerts
from bot.market.staff_alerts import Found, Manner
from tests.dashboard.desk import Desk
from tests.server import Running

SILENT = Found("gateway_silent", "africastalking", 25)
AT_ONCE = Manner(timedelta(0), timedelta(0))


async def test_staff_see_what_is_raised_and_what_is_muted(
    server: Running, supervisor: Desk
) -> None:
    records, now = server.parts.market.records, datetime.now(UTC)
    assert "Nothing was ever raised." in await supervisor.gets("/dashboard/alerts")
    await records.write(
        lambda db: staff_alerts.note(db, ["gateway_silent"], [SILENT], AT_ONCE, now)
    )
    await records.write(
        lambda db: staff_alerts.mute(db, "slow_hops", now + timedelta(hours=1), "amina", "<b>", now)
    )
    page = await supervisor.gets("/dashboard/alerts")
    assert "No hop through africastalking for 25 minutes" in page
    assert "slow_hops" in page and "amina: &lt;b&gt;" in supervisor.wire
