"""The page of alerts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from bot.market import staff_alerts
from bot.market.staff_alerts import Found, Manner
from bot.storage.schema import audit
from tests.dashboard.desk import Desk, joins
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


async def test_one_looks_after_an_alert_and_a_rule_is_muted_with_a_reason(
    server: Running, supervisor: Desk, viewer: Desk
) -> None:
    records, now = server.parts.market.records, datetime.now(UTC)
    await records.write(
        lambda db: staff_alerts.note(db, ["gateway_silent"], [SILENT], AT_ONCE, now)
    )
    raised = await records.read(staff_alerts.listed)
    one = f"/dashboard/alerts/{next(row['id'] for row in raised if row['about'])}"
    page = await viewer.gets("/dashboard/alerts")
    assert "I look after it" not in page and "Tell nobody" not in page
    await viewer.posts(f"{one}/own", why="x")
    assert viewer.status == 403
    await supervisor.gets("/dashboard/alerts")
    await supervisor.posts(f"{one}/own", why="MTN called, +250788000001, PIN 73914")
    assert supervisor.headers["Location"].endswith("said=taken")
    page = await supervisor.gets("/dashboard/alerts")
    assert "MTN called" in page and "+2507•••••01" in page and "73914" not in page
    async with Desk(server) as other:
        await joins(other, server, "amina", "agent")
        for deed in ("own", "let-go"):
            await other.posts(f"{one}/{deed}", why="mine")
            assert other.headers["Location"].endswith("said=changed")
    await supervisor.posts(f"{one}/let-go")
    assert supervisor.headers["Location"].endswith("said=let_go")
    await supervisor.posts("/dashboard/alerts/rules/slow_hops/mute", hours="4", why=" ")
    assert supervisor.headers["Location"].endswith("said=no_reason")
    for odd in ({"hours": "5", "why": "x"}, {"why": "x"}, {"hours": "", "why": "x"}):
        await supervisor.posts("/dashboard/alerts/rules/slow_hops/mute", **odd)
        assert supervisor.status == 404
    await supervisor.posts("/dashboard/alerts/rules/slow_hops/mute", hours="4", why="a load test")
    assert "a load test" in await viewer.gets("/dashboard/alerts")
    assert await records.read(lambda db: "slow_hops" in staff_alerts.mutes(db, datetime.now(UTC)))
    await supervisor.posts("/dashboard/alerts/rules/slow_hops/mute", hours="0")
    assert not await records.read(lambda db: staff_alerts.mutes(db, datetime.now(UTC)))
    query = select(audit.c.action).where(audit.c.action.like("alert%")).order_by(audit.c.id)
    done = await records.read(lambda db: list(db.execute(query).scalars()))
    assert done == ["alert taken", "alert let go", "alert muted", "alert muted"]


async def test_an_agent_does_not_mute_what_watches_the_staff_and_the_books(
    server: Running, supervisor: Desk
) -> None:
    read = server.parts.market.records.read
    async with Desk(server) as agent:
        await joins(agent, server, "amina", "agent")
        await agent.gets("/dashboard/alerts")
        assert "rules/slow_hops/mute" in agent.wire
        page = agent.wire
        for rule in ("reveals", "audit_chain", "ledger_sum"):
            path = f"/dashboard/alerts/rules/{rule}/mute"
            assert path not in page
            await agent.posts(path, hours="4", why="quiet")
            assert agent.status == 403
        assert not await read(lambda db: staff_alerts.mutes(db, datetime.now(UTC)))
        # As every refusal is.
        refused = select(audit.c.actor, audit.c.details).where(audit.c.action == "refused")
        rows = await read(lambda db: db.execute(refused).all())
        assert [(one.actor, one.details["why"]) for one in rows] == [("amina", "not this role")] * 3
        await supervisor.gets("/dashboard/alerts")
        await supervisor.posts("/dashboard/alerts/rules/reveals/mute", hours="4", why="a drill")
        assert supervisor.headers["Location"].endswith("said=muted")
        await agent.gets("/dashboard/alerts")
        await agent.posts("/dashboard/alerts/rules/reveals/mute", hours="0")
        assert agent.headers["Location"].endswith("said=spoken")
