"""P-11 at the desk: who called says so, somebody else approves, and no page shows or takes a PIN."""

from sqlalchemy import select

from bot.storage.schema import audit, pins
from tests.dashboard.desk import Desk, joins
from tests.phone import PIN
from tests.server import Running


async def asked_for(server: Running) -> str:
    """A farmer has forgotten the PIN and asks to be called; the ticket's page."""
    phone = server.phone()
    await phone.dials()
    screen = await phone.types("8", "4", "8")
    return "/dashboard/tickets/T-" + screen.partition("T-")[2][:5]


async def kept(server: Running) -> str:
    query = select(pins.c.hash).where(pins.c.contact_id == 1)
    return await server.parts.market.records.read(lambda db: db.execute(query).scalar())


async def test_P11_two_members_each_signed_in_reset_a_pin(server: Running) -> None:
    page = await asked_for(server)
    before = await kept(server)
    async with Desk(server) as first, Desk(server) as second:
        await joins(first, server, "amina", "agent")
        await joins(second, server, "eric", "supervisor")
        assert "I called the person back" in await first.gets(page)
        await first.posts(f"{page}/pin-called")
        assert "must approve it now" in await first.gets(first.headers["Location"])
        # The first cannot be the second, and their page asks for nobody's PIN.
        await first.posts(f"{page}/pin-reset")
        assert "different member" in await first.gets(first.headers["Location"])
        assert await kept(server) == before
        shown = await second.gets(page)
        assert "amina has called" in shown and "Approve: delete the PIN" in shown
        assert PIN not in shown and 'type="password"' not in shown
        await second.posts(f"{page}/pin-reset")
        assert "PIN is deleted" in await second.gets(second.headers["Location"])
        assert await kept(server) == "reset"
        again = await first.gets(page)
        assert "Approve" not in again and "closed" in again
    query = select(audit.c.actor, audit.c.action, audit.c.details).where(
        audit.c.action.in_(("called back about the PIN", "PIN reset"))
    )
    lines = await server.parts.market.records.read(lambda db: db.execute(query).all())
    assert [(line.actor, line.action) for line in lines] == [
        ("amina", "called back about the PIN"),
        ("eric", "PIN reset"),
    ]
    assert lines[1].details["called_by"] == "amina"


async def test_P11_who_only_looks_resets_nothing_and_no_call_is_made_up(
    server: Running, viewer: Desk, supervisor: Desk
) -> None:
    page = await asked_for(server)
    before = await kept(server)
    assert "I called the person back" not in await viewer.gets(page)
    for button in ("pin-called", "pin-reset"):
        await viewer.posts(page + "/" + button)
        assert viewer.status == 403
    await supervisor.gets(page)
    await supervisor.posts(f"{page}/pin-reset")
    assert "nobody has noted" in await supervisor.gets(supervisor.headers["Location"])
    assert await kept(server) == before
