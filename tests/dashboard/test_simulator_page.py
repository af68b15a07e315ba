"""The simulator's page: its switches reach the pretended outside, and in production it is off."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.dashboard.screens.simulator import SWITCH_WORDS, Pretended
from bot.sandbox.switches import Switches
from bot.storage.schema import audit
from tests.dashboard.desk import Desk
from tests.server import Running

pytestmark = pytest.mark.embedded


async def test_switches_reach_the_pretended_operator_and_are_put_back(
    server: Running, supervisor: Desk, viewer: Desk
) -> None:
    sandbox = server.parts.sandbox
    assert SWITCH_WORDS.keys() <= set(Switches.__struct_fields__)
    page = await supervisor.gets("/dashboard/simulator")
    assert "/simulator/" in page and "No callback comes" in page
    await supervisor.posts("/dashboard/simulator", lost_callback="on", hang_s="1.5", all="set")
    assert supervisor.headers["Location"].endswith("said=set")
    assert sandbox.momo.switches.lost_callback and sandbox.airtel.switches.hang_s == 1.5
    assert 'name="lost_callback" checked' in await supervisor.gets("/dashboard/simulator")
    for odd in ("x", "-1", "1e99", "nan", "inf"):
        await supervisor.posts("/dashboard/simulator", hang_s=odd, all="set")
        assert supervisor.headers["Location"].endswith("said=odd"), odd
    assert sandbox.momo.switches.hang_s == 1.5
    await supervisor.posts("/dashboard/simulator", all="off")
    assert sandbox.momo.switches == Switches()
    query = select(audit.c.details).where(audit.c.action == "simulator switched")
    lines = await server.parts.market.records.read(lambda db: list(db.execute(query).scalars()))
    # What was not on the form was 0 there: a pending transfer then settles at once.
    assert lines[0] == {"lost_callback": True, "hang_s": 1.5, "settle_after_s": 0.0}
    page = await viewer.gets("/dashboard/simulator")
    assert "fieldset disabled" in page and "All off" not in page
    await viewer.posts("/dashboard/simulator", all="off")
    assert viewer.status == 403


async def test_an_outside_that_is_gone_is_said(server: Running, supervisor: Desk) -> None:
    await server.parts.sandbox._runner.cleanup()
    assert "does not answer" in await supervisor.gets("/dashboard/simulator")
    await supervisor.posts("/dashboard/simulator", all="off")
    assert supervisor.headers["Location"].endswith("said=no_answer")


async def test_without_a_pretended_outside_the_page_says_that_it_is_off(
    server: Running, supervisor: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = next(
        handler.__self__
        for handler in supervisor_routes(server)
        if type(getattr(handler, "__self__", None)).__name__ == "Simulator"
    )
    assert isinstance(page._pretended, Pretended)
    monkeypatch.setattr(page, "_pretended", None)
    shown = await supervisor.gets("/dashboard/simulator")
    assert (
        "off in production" in shown and '<form method="post" action="/dashboard/sim' not in shown
    )
    await supervisor.posts("/dashboard/simulator", all="off")
    assert supervisor.status == 404


def supervisor_routes(server: Running):
    from tests.dashboard.desk import routes

    return [handler for _method, _path, handler in routes(server)]
