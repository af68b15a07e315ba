"""Views of lists: kept under a name, one's own to change, everybody's to open by a link."""

import re

import pytest

from bot.dashboard.screens.views import LISTS, plain_query
from tests.dashboard.desk import Desk, joins
from tests.server import Running

VIEWS = "/dashboard/views"


async def keeps(desk: Desk, page: str, query: str, name: str) -> str:
    await desk.posts(VIEWS, page=page, query=query, name=name)
    return desk.headers.get("Location", "").partition("said=")[2]


@pytest.mark.usefixtures("either_store")
async def test_a_view_is_kept_shared_replaced_and_removed(server: Running) -> None:
    async with Desk(server) as ann, Desk(server) as ben:
        await joins(ann, server, "ann", "agent")
        await joins(ben, server, "ben", "viewer")
        came = f"{ann.base}/dashboard/orders?state=offered&product=TEA-MADE&before=7"
        page = await ann.gets(VIEWS, Referer=came)
        assert 'value="state=offered&product=TEA-MADE"' in page and "Keep this view" in page
        assert await keeps(ann, "orders", "state=offered&before=7", "Tea") == "kept"
        assert await keeps(ann, "orders", "state=accepted", "Tea") == "kept"
        shared = re.findall(r'href="(/dashboard/views/[0-9]+)"', await ann.gets(VIEWS))
        assert len(shared) == 1 and ">Tea<" in ann.text
        # It is nobody else's list, and everybody's link.
        assert shared[0] not in await ben.gets(VIEWS)
        await ben.gets(shared[0])
        assert (ben.status, ben.headers["Location"]) == (303, "/dashboard/orders?state=accepted")
        await ben.posts(f"{shared[0]}/drop")
        assert ben.headers["Location"].endswith("said=no_effect")
        await ann.posts(f"{shared[0]}/drop")
        assert ann.headers["Location"].endswith("said=gone")
        await ben.gets(shared[0])
        assert ben.status == 404


async def test_a_view_leads_nowhere_but_to_a_list_of_ours(server: Running, viewer: Desk) -> None:
    for elsewhere in ("https://evil.example/dashboard/orders?state=offered", "http://[", "about:"):
        assert "Keep this view" not in await viewer.gets(VIEWS, Referer=elsewhere)
    await keeps(viewer, "//evil.example", "", "x")
    assert viewer.status == 400
    assert await keeps(viewer, "orders", "x", "  ") == "no_name"
    assert await keeps(viewer, "calls", "", "<b>all</b>") == "kept"
    assert "&lt;b&gt;all" in await viewer.raw(VIEWS)
    for number in range(49):
        assert await keeps(viewer, "calls", "", f"v{number}") == "kept"
    assert await keeps(viewer, "calls", "", "one more") == "too_many"
    assert await keeps(viewer, "calls", "risk=slow", "v3") == "kept"


async def test_every_list_that_can_be_kept_is_there(server: Running) -> None:
    async with Desk(server) as admin:
        await joins(admin, server, "ada", "admin")
        for page in LISTS:
            await admin.gets(f"/dashboard/{page}")
            assert admin.status == 200, page


def test_of_an_address_only_filters_are_kept_and_no_persons_name() -> None:
    assert plain_query("people", "q=Mukamana&role=farmer") == "role=farmer"
    assert plain_query("orders", "q=KW-1042&said=x&<b>=1&before=9&n=2") == "q=KW-1042"
    assert plain_query("orders", "q=" + "x" * 500) == ""
