"""Tags on a call: on its page and on the board, live and after it is over."""

import pytest

from tests.dashboard.desk import Desk, joins
from tests.dashboard.stream import streaming
from tests.dashboard.test_acting import acts, on_call
from tests.dashboard.test_screens import audited
from tests.server import Running

FLAG = '<span class="flag">⚑ '


@pytest.mark.usefixtures("either_store")
async def test_a_call_is_tagged_without_being_taken_and_all_see_it(
    server: Running, viewer: Desk
) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("2")
    async with Desk(server) as ann:
        await joins(ann, server, "ann", "agent")
        call = await on_call(server, ann, phone)
        for field, tag in (("tag", "fault"), ("tag", "fault"), ("tag", "money"),
                           ("untag", "money"), ("untag", "pin")):  # fmt: skip
            await ann.posts(f"{call.path}/tag", **{field: tag})
            assert ann.status == 303
        # What is there already is not put there again.
        assert await acts(server) == ["tagged", "tagged", "untagged"]
        await ann.posts(f"{call.path}/tag", tag="my own words 0788000001")
        assert ann.status == 404
        page = await call.looks()
        assert f"{FLAG}fault of ours" in page and f"{FLAG}Payments" not in page
        assert "tagged the call" in page and "took a tag off the call" in page
        # Somebody takes the call in the same way as before.
        await call.does("take")
        assert ann.headers["Location"].endswith("did=take")
    assert f"{FLAG}fault of ours" in await viewer.gets("/dashboard/calls?channel=phone")
    page = await viewer.gets(call.path)
    assert f"{FLAG}fault of ours" in page and 'name="tag"' not in page
    await viewer.posts(f"{call.path}/tag", tag="pin")
    assert viewer.status == 403
    (first, _second) = await audited(server, "call tagged")
    assert first.actor == "ann" and first.details["tag"] == "fault"


async def test_a_tag_reaches_an_open_board(server: Running, supervisor: Desk) -> None:
    phone = server.phone()
    await phone.dials()
    call = await on_call(server, supervisor, phone)
    async with streaming(supervisor) as stream:
        (shown,) = (await stream.event("calls")).data["calls"]
        assert shown["tags"] == []
        await supervisor.posts(f"{call.path}/tag", tag="unclear")
        (shown,) = (await stream.event("calls")).data["calls"]
        assert shown["tags"] == ["not understood"]
