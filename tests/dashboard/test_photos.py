"""The page "Photo to check": the picture for those who answer, and two buttons, once."""

from __future__ import annotations

import re

from tests.dashboard.desk import Desk
from tests.server import FARMER, Running
from tests.telegram.door import link
from tests.telegram.test_photos import at_my_stock, jpeg, sent


async def photos_of(server: Running, count: int) -> None:
    """A farmer's photos that wait."""
    await link(server, FARMER)
    chat = await at_my_stock(server)
    for _photo in range(count):
        await chat.sends(chat.message(photo=sent(server, jpeg(400))))


async def test_a_photo_is_looked_at_and_shown_or_refused_once(
    server: Running, supervisor: Desk
) -> None:
    assert "No photo waits" in await supervisor.gets("/dashboard/photos")
    await photos_of(server, 2)
    ticket = re.search(r"/dashboard/tickets/T-\w+", await supervisor.gets("/dashboard/tickets"))[0]
    assert "/dashboard/photos" in await supervisor.gets(ticket)
    page = await supervisor.gets("/dashboard/photos")
    first, second = dict.fromkeys(re.findall(r"/dashboard/photos/\d+", page))
    page = await supervisor.gets(first)
    assert f"{first}/picture.jpg" in page and "Mukamana Claudine" in page
    async with supervisor.http.get(f"{supervisor.base}{first}/picture.jpg") as answer:
        assert answer.content_type == "image/jpeg"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert (await answer.read()).startswith(b"\xff\xd8")
    await supervisor.gets(first)
    await supervisor.posts(f"{first}/show")
    assert supervisor.status == 303
    await supervisor.posts(f"{first}/refuse")
    assert supervisor.status == 409 and "decided already" in supervisor.text
    await supervisor.posts(f"{second}/refuse")
    assert supervisor.status == 303
    async with supervisor.http.get(f"{supervisor.base}{second}/picture.jpg") as answer:
        assert answer.status == 404
    assert "No photo waits" in await supervisor.gets("/dashboard/photos")


async def test_who_only_reads_sees_no_photo(server: Running, viewer: Desk) -> None:
    await photos_of(server, 1)
    for path in ("/photos", "/photos/1", "/photos/1/picture.jpg"):
        await viewer.gets(f"/dashboard{path}")
        assert viewer.status == 403
    for deed in ("show", "refuse"):
        await viewer.posts(f"/dashboard/photos/1/{deed}")
        assert viewer.status == 403


async def test_the_ticket_of_a_photo_that_waits_is_not_closed_by_a_note(
    server: Running, supervisor: Desk, viewer: Desk
) -> None:
    await photos_of(server, 1)
    ticket = re.search(r"/dashboard/tickets/T-\w+", await supervisor.gets("/dashboard/tickets"))[0]
    await supervisor.gets(ticket)
    await supervisor.posts(f"{ticket}/close", note="looked at it")
    assert supervisor.status == 409 and "show or refuse it" in supervisor.text
    page = await supervisor.gets("/dashboard/")
    assert '<a href="/dashboard/photos">' in page
    assert '<a href="/dashboard/photos">' not in await viewer.gets("/dashboard/")
    await supervisor.gets("/dashboard/photos/1")
    await supervisor.posts("/dashboard/photos/1/show")
    assert "closed" in await supervisor.gets(ticket)
