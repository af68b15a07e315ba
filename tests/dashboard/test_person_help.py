"""The person's page: who looked at it, a call about a locked PIN, an end to the chat's link."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from bot.market import telegram_links
from bot.storage.schema import outbox, pins, tickets
from tests.dashboard.desk import Desk, joins
from tests.dashboard.test_desks import audited, value, write
from tests.phone import PIN
from tests.server import FARMER, Running
from tests.telegram.door import link

PAGE = "/dashboard/people/1"


async def test_the_page_says_who_looked_to_those_who_read_the_audit(
    server: Running, viewer: Desk, supervisor: Desk
) -> None:
    assert "Who looked at this person" not in await viewer.gets(PAGE)
    await supervisor.posts("/dashboard/people/find", number=FARMER)
    await supervisor.posts(f"{PAGE}/copy", reason="asked by letter, 0788 000 999")
    await viewer.gets("/dashboard/people/2")
    page = await supervisor.gets(PAGE)
    looks = page.partition("Who looked at this person")[2].partition("</section>")[0]
    assert looks.count("<li>") == 4 and looks.count("vera") == 1
    for seen in ("looked at this page", "found them by their number", "saw the whole number",
                 "took a copy of their data", "asked by letter, +2507"):  # fmt: skip
        assert seen in looks, seen
    assert "0788 000 999" not in looks
    other = await supervisor.gets("/dashboard/people/3")
    assert "Nobody before you." in other


async def lock(server: Running) -> None:
    """Too many wrong PINs were typed."""
    now = datetime.now(UTC)
    locked = {"locked_until": now + timedelta(hours=1), "locked_at": now}
    await write(server, update(pins).where(pins.c.contact_id == 1).values(locked))


async def test_P11_a_locked_pin_has_a_ticket_from_the_page_and_two_reset_it(
    server: Running,
) -> None:
    async with Desk(server) as first, Desk(server) as second:
        await joins(first, server, "amina", "agent")
        await joins(second, server, "eric", "supervisor")
        assert "Open a ticket, and call them" not in await first.gets(PAGE)
        await first.posts(f"{PAGE}/pin-ticket")
        assert first.headers["Location"].endswith("said=no_effect")
        await lock(server)
        assert "Open a ticket, and call them" in await first.gets(PAGE)
        await first.posts(f"{PAGE}/pin-ticket")
        ticket = first.headers["Location"]
        # A second press finds it, and opens no other.
        await first.posts(f"{PAGE}/pin-ticket")
        assert first.headers["Location"] == ticket
        assert "I called the person back" in await first.gets(ticket)
        await first.posts(f"{ticket}/pin-called")
        await second.gets(ticket)
        await second.posts(f"{ticket}/pin-reset")
        assert second.headers["Location"].endswith("pin=reset")
    (line,) = await audited(server, "PIN ticket opened")
    assert (line["actor"], line["subject"]) == ("amina", "contact 1")
    assert ticket.endswith(line["details"]["ticket"])
    assert await value(server, select(pins.c.hash).where(pins.c.contact_id == 1)) == "reset"


async def test_P11_a_ticket_of_before_the_lock_is_not_taken_for_it(
    server: Running, supervisor: Desk
) -> None:
    await lock(server)
    await supervisor.gets(PAGE)
    await supervisor.posts(f"{PAGE}/pin-ticket")
    old = supervisor.headers["Location"]
    before = datetime.now(UTC) - timedelta(hours=2)
    await write(server, update(tickets).values(opened_at=before))
    await supervisor.posts(f"{PAGE}/pin-ticket")
    assert supervisor.headers["Location"] not in {old, f"{PAGE}?said=no_effect"}


async def test_a_chat_is_unlinked_with_a_reason_on_record_and_told(
    server: Running, viewer: Desk, supervisor: Desk
) -> None:
    assert "End the link" not in await supervisor.gets(PAGE)
    await link(server, FARMER)
    assert "End the link" not in await viewer.gets(PAGE)
    assert "End the link" in await supervisor.gets(PAGE)
    for reason, said in ((" ", "no_reason"), ("by phone", "unlinked"), ("by phone", "no_effect")):
        await supervisor.posts(f"{PAGE}/unlink", reason=reason)
        assert supervisor.headers["Location"].endswith(f"said={said}")
    assert "No chat speaks" in await supervisor.gets(f"{PAGE}?said=unlinked")
    read = server.parts.market.records.read
    assert await read(lambda db: telegram_links.of_number(db, FARMER)) is None
    told = select(outbox.c.dedupe_key).where(outbox.c.dedupe_key.like("telegram-unlinked:%"))
    assert await value(server, told) is not None
    lines = {line["subject"]: line for line in await audited(server, "telegram unlinked")}
    assert lines["contact 1"]["details"] == {"reason": "by phone"}
    assert lines["contact 1"]["actor"] == "demo supervisor"
    assert lines["telegram link 1"]["details"]["why"] == "unlinked by demo supervisor"


async def test_who_forgets_somebody_reads_what_they_must_hear_first(
    server: Running, supervisor: Desk
) -> None:
    assert "must hear this first" not in await supervisor.gets("/dashboard/people/3")
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1", "1", PIN)
    page = await supervisor.gets(PAGE)
    assert "must hear this first" in page and "Accepted and not delivered: 1." in page
