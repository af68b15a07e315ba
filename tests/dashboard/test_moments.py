"""Moments on pages: in the hub's time, and in UTC for whoever points at one."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tests.dashboard.desk import Desk
from tests.server import Running

ORDER = "/dashboard/orders/KW-1042"
PERSON = "/dashboard/people/1"
MOMENT = re.compile(r'<time datetime="([0-9T:-]+Z)" title="([0-9/]+, [0-9:]+) UTC">([^<]+)</time>')


def is_shown(moment: tuple[str, str, str], server: Running) -> bool:
    """Whether an element's three ways to say its moment are one moment."""
    machine, title, shown = moment
    at = datetime.fromisoformat(machine)
    local = at.astimezone(ZoneInfo(server.parts.market.hub.timezone))
    ours = {f"{local:%d/%m/%Y},\N{NO-BREAK SPACE}{local:%H:%M}", f"{local:%H:%M:%S}"}
    return at.tzinfo == UTC and title == f"{at:%d/%m/%Y, %H:%M:%S}" and shown in ours


@pytest.mark.parametrize(
    "path",
    [
        ORDER, PERSON, "/dashboard/orders", "/dashboard/people", "/dashboard/audit",
        "/dashboard/payments", "/dashboard/health", "/dashboard/funnel", "/dashboard/tickets",
        "/dashboard/system", "/dashboard/calls",
    ],
)  # fmt: skip
async def test_every_moment_of_a_page_says_what_it_is_in_utc(
    server: Running, supervisor: Desk, path: str
) -> None:
    page = await supervisor.raw(path)
    found = MOMENT.findall(page)
    assert supervisor.status == 200 and found, path
    assert all(is_shown(one, server) for one in found)
    # All of them are such elements, also those within a sentence, and none stands as text.
    assert page.count("<time") == len(found) and "&lt;time" not in page
    assert not re.search(r"\d\d/\d\d/\d{4},\s\d\d:\d\d", MOMENT.sub("", page))
    assert not re.search(r'="[^"<>]*<time', page)


async def test_what_people_wrote_beside_a_moment_stays_text(
    server: Running, supervisor: Desk
) -> None:
    await supervisor.gets(PERSON)
    await supervisor.posts(f"{PERSON}/mute", reason="<b>too many</b> {name}")
    page = await supervisor.raw(PERSON)
    assert re.search(r"muted since <time [^>]+>[^<]+</time> by", page)
    assert "&lt;b&gt;too many&lt;/b&gt; {name}" in page and "<b>too many" not in page
