"""Who holds a number, at the desk: the same as `isoko people` does, by who is signed in."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from bot.market import verifying
from bot.market.tickets import open_ticket
from bot.storage.schema import audit, contacts, payments, pins
from tests.dashboard.desk import Desk, joins
from tests.dashboard.test_desks import audited, flag, value
from tests.dashboard.test_screens import asks_for_a_call
from tests.server import FARMER, Running
from tests.test_new_owner_of_a_number import says_so

IN_DOUBT = select(contacts.c.verify_since).where(contacts.c.id == 1)


async def in_doubt(server: Running) -> str:
    """The number must be checked, and its holder asks to be called; the ticket's page."""

    def work(db) -> str:
        now = datetime.now(UTC)
        verifying.report_sim(db, FARMER, "test", now)
        asked = {"category": "verify", "msisdn": FARMER, "contact_id": 1, "language": "rw"}
        return open_ticket(db, **asked, now=now)

    return f"/dashboard/tickets/{await server.parts.market.records.write(work)}"


async def test_who_called_the_owner_trusts_the_number_again(server: Running, viewer: Desk) -> None:
    page = await in_doubt(server)
    assert "trust the number" not in await viewer.gets(page)
    await viewer.posts(f"{page}/verified")
    assert viewer.status == 403 and await value(server, IN_DOUBT) is not None
    async with Desk(server) as desk:
        await joins(desk, server, "amina", "agent")
        shown = await desk.gets(page)
        assert "It is the owner: trust the number" in shown and "another person" not in shown
        await desk.posts(f"{page}/verified")
        shown = await desk.gets(desk.headers["Location"])
        assert "is trusted again" in shown and "<button" not in shown.partition("<main")[2]
        await desk.posts(f"{page}/verified")
        assert desk.headers["Location"].endswith("number=no_ticket")
    assert await value(server, IN_DOUBT) is None
    (line,) = await audited(server, "number verified")
    assert (line["actor"], line["subject"]) == ("amina", "contact 1")
    assert page.endswith(line["details"]["ticket"])


async def test_solved_solves_nothing_while_the_number_must_be_checked(
    server: Running, supervisor: Desk
) -> None:
    page = await in_doubt(server)
    code = page.rpartition("/")[2]
    await supervisor.gets("/dashboard/call-backs")
    await supervisor.posts(f"/dashboard/call-backs/{code}/tried", outcome="solved", tries="0")
    said = await supervisor.gets(supervisor.headers["Location"])
    assert "The ticket stays open" in said and f'<a href="{page}">{code}</a>' in said
    await supervisor.gets(page)
    await supervisor.posts(f"{page}/verified")
    assert supervisor.headers["Location"].endswith("number=verified")
    assert await value(server, IN_DOUBT) is None


async def test_solved_solves_nothing_while_the_pin_is_locked(
    server: Running, supervisor: Desk
) -> None:
    now = datetime.now(UTC)

    def work(db) -> str:
        db.execute(update(pins).values(locked_until=now + timedelta(hours=1), locked_at=now))
        asked = {"category": "pin_forgotten", "msisdn": FARMER, "contact_id": 1, "language": "rw"}
        return open_ticket(db, **asked, now=now)

    code = await server.parts.market.records.write(work)
    path = f"/dashboard/call-backs/{code}/tried"
    await supervisor.gets("/dashboard/call-backs")
    await supervisor.posts(path, outcome="solved", tries="0")
    assert f"said=undecided&ticket={code}" in supervisor.headers["Location"]
    await server.parts.market.records.write(
        lambda db: db.execute(update(pins).values(locked_until=now)) and None
    )
    await supervisor.posts(path, outcome="solved", tries="1")
    assert "said=solved" in supervisor.headers["Location"]


async def test_P09_two_members_each_signed_in_give_a_number_to_its_new_owner(
    server: Running,
) -> None:
    page = f"/dashboard/tickets/{await says_so(server)}"
    async with Desk(server) as first, Desk(server) as second:
        await joins(first, server, "amina", "agent")
        await joins(second, server, "eric", "supervisor")
        await second.posts(f"{page}/new-owner")
        assert "nobody has noted a call back" in await second.gets(second.headers["Location"])
        assert "another person's now" in await first.gets(page)
        await first.posts(f"{page}/owner-called")
        assert "must approve it now" in await first.gets(first.headers["Location"])
        await first.posts(f"{page}/new-owner")
        assert "different member" in await first.gets(first.headers["Location"])
        owner = select(contacts.c.msisdn).where(contacts.c.id == 1)
        assert await value(server, owner) == FARMER
        assert "amina has called: another person" in await second.gets(page)
        await second.posts(f"{page}/new-owner")
        assert "taken off this number" in await second.gets(second.headers["Location"])
        assert await value(server, owner) is None
    lines = select(audit.c.actor, audit.c.action).where(
        audit.c.action.in_(("called back about a new owner", "taken off the number"))
    )
    found = await server.parts.market.records.read(lambda db: db.execute(lines).all())
    assert [tuple(line) for line in found] == [
        ("amina", "called back about a new owner"),
        ("eric", "taken off the number"),
    ]


async def test_a_ticket_leads_to_its_person_its_order_and_its_payment(
    server: Running, supervisor: Desk
) -> None:
    code = await asks_for_a_call(server)
    assert '<a href="/dashboard/people/1">' in await supervisor.gets(f"/dashboard/tickets/{code}")
    assert '<a href="/dashboard/people/1">' in await supervisor.gets("/dashboard/call-backs")
    asked = {"msisdn": "", "contact_id": 1, "language": "rw", "now": datetime.now(UTC)}
    one = await flag(server)
    write, read = server.parts.market.records.write, server.parts.market.records.read
    query = select(payments).where(payments.c.id == one)
    known = await read(lambda db: db.execute(query).mappings().one())
    for category, about, paid in (
        ("payment_flagged", f"{known['order_code']} {known['proof_code']}", True),
        ("payment_unclear", known["reference"], True),
        ("payment_missing", known["order_code"], True),
        ("order", "KW-1042", False),
    ):
        code = await write(
            lambda db, c=category, a=about: open_ticket(db, category=c, about=a, **asked)
        )
        page = await supervisor.gets(f"/dashboard/tickets/{code}")
        order = "KW-1042" if category == "order" else known["order_code"]
        assert f'<a href="/dashboard/orders/{order}">' in page, category
        assert (f'<a href="/dashboard/payments/{one}">' in page) == paid, category
        # What is flagged is ended on its page: nobody is sent to the shell.
        assert "<code>isoko" not in page
        settles = "on its page, which closes the ticket too" in page
        assert settles == (category in {"payment_flagged", "payment_unclear"})
