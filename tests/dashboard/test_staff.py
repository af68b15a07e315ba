"""The staff's own page: roles, links, sessions, and what one administrator alone cannot do."""

import re
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from bot.dashboard.access import newly_set_up
from bot.dashboard.access.newly_set_up import NewlySetUp
from bot.storage.schema import audit, staff
from tests.dashboard.desk import (
    PASSWORD,
    PROPOSAL,
    SHOWN,
    Desk,
    code_of,
    guard_of,
    joins,
    new_link,
)
from tests.server import Running

LINK = re.compile(r"(/dashboard/welcome/[A-Za-z0-9_-]{43})")


async def number_of(server: Running, name: str) -> int:
    query = select(staff.c.id).where(staff.c.name == name)
    return int(await server.parts.market.records.read(lambda db: db.execute(query).scalar()))


async def uses(server: Running, link: str) -> tuple[Desk, list[str]]:
    """A browser in which this link was used, and the codes for paper."""
    desk = Desk(server)
    secret = SHOWN.search(await desk.gets(link))[1].replace(" ", "")
    page = await desk.posts(link, password=PASSWORD, again=PASSWORD, code=code_of(secret))
    await desk.gets("/dashboard/")
    assert desk.status == 200
    return desk, re.findall(r"<li>([0-9a-z]{5}-[0-9a-z]{5})</li>", page)


async def joins_by_page(server: Running, admin: Desk, code: str, name: str, role: str) -> Desk:
    """Somebody whom an administrator adds on the page, once they have used the link."""
    fields = {"name": name, "role": role, "language": "en", "code": code}
    page = await admin.posts("/dashboard/staff/add", **fields)
    desk, _papers = await uses(server, LINK.search(page)[1])
    return desk


async def role_of(server: Running, name: str) -> str:
    query = select(staff.c.role).where(staff.c.name == name)
    return str(await server.parts.market.records.read(lambda db: db.execute(query).scalar()))


@pytest.fixture
async def admins(server: Running):
    """Two administrators, each with codes on paper."""
    async with AsyncExitStack() as stack:
        desks = []
        for name in ("adam", "benita"):
            desk = await stack.enter_async_context(Desk(server))
            secret, codes = await joins(desk, server, name, "admin")
            desks.append((desk, codes, secret))
        yield desks


async def test_A08_the_last_administrator_stays_one(server: Running) -> None:
    async with Desk(server) as desk:
        _secret, codes = await joins(desk, server, "adam", "admin")
        mine = f"/dashboard/staff/{await number_of(server, 'adam')}"
        page = await desk.posts(f"{mine}/role", role="viewer", code=codes[0])
        assert desk.status == 409 and "nobody else could change the staff" in page
        await desk.posts(f"{mine}/revoke", code=codes[1])
        assert desk.status == 409
        assert await role_of(server, "adam") == "admin"


async def test_A08_nobody_makes_their_own_link_and_nobody_without_a_code(
    server: Running, admins
) -> None:
    (desk, codes, secret), _other = admins
    await new_link(server, "amina", "agent")
    mine, other = await number_of(server, "adam"), await number_of(server, "amina")
    page = await desk.posts(f"/dashboard/staff/{mine}/link", code=codes[0])
    assert desk.status == 409 and not LINK.search(page)
    for code in ("", "000000", codes[0]):
        page = await desk.posts(f"/dashboard/staff/{other}/link", code=code)
        assert desk.status == 401 and not LINK.search(page), code
    # Who has not used theirs has no account yet that anybody could take.
    page = await desk.posts(f"/dashboard/staff/{other}/link", code=code_of(secret, 30))
    assert desk.status == 200 and LINK.search(page)
    query = select(audit.c.actor).where(audit.c.action == "staff link made")
    read = server.parts.market.records.read
    assert await read(lambda db: db.execute(query).scalars().all()) == ["adam"]


async def test_A08_a_link_to_an_account_takes_two_administrators(server: Running, admins) -> None:
    (first, codes, _s), (second, others, _t) = admins
    async with Desk(server) as third:
        await joins(third, server, "carine", "admin")
    # A proposes C; alone, A has no link to B with which to agree as B.
    amina = await joins_by_page(server, first, codes[0], "amina", "agent")
    path = f"/dashboard/staff/{await number_of(server, 'amina')}/role"
    await first.posts(path, role="admin", code=codes[1])
    benita = f"/dashboard/staff/{await number_of(server, 'benita')}"
    page = await first.posts(f"{benita}/link", code=codes[2])
    assert first.status == 303 and not LINK.search(page)
    page = await first.gets(f"{benita}?said=link_proposed")
    assert "A second administrator makes the link." in page and "adam wants a new link" in page
    waits = PROPOSAL.search(page)[1]
    page = await first.posts(f"{benita}/link", code=codes[3], proposal=waits)
    assert first.status == 409 and not LINK.search(page)
    # Nor does who is to have it agree to it; somebody third does.
    page = await second.posts(f"{benita}/link", code=others[0], proposal=waits)
    assert second.status == 409 and not LINK.search(page)
    async with Desk(server) as fourth:
        _secret, papers = await joins(fourth, server, "diane", "admin")
        page = await fourth.posts(f"{benita}/link", code=papers[0])
        assert fourth.status == 409 and not LINK.search(page)
        page = await fourth.posts(f"{benita}/link", code=papers[1], proposal=waits)
        assert fourth.status == 200 and LINK.search(page)
    assert await role_of(server, "amina") == "agent"
    await amina.http.close()


async def test_A08_without_another_administrator_the_shell_is_the_way(
    server: Running, admins
) -> None:
    (desk, codes, _s), _other = admins
    benita = f"/dashboard/staff/{await number_of(server, 'benita')}"
    page = await desk.gets(benita)
    assert "isoko staff link" in page and f"{benita}/link" not in page
    page = await desk.posts(f"{benita}/link", code=codes[0])
    assert desk.status == 409 and "isoko staff link" in page and not LINK.search(page)


async def test_A08_who_came_by_a_link_of_the_page_decides_nothing_for_a_day(
    server: Running, admins
) -> None:
    (admin, codes, _s), _other = admins
    desks = [
        await joins_by_page(server, admin, codes[at], name, role)
        for at, (name, role) in enumerate((("sara", "supervisor"), ("fiona", "finance")))
    ]
    for desk in desks:
        for deed in ("payments/1/release", "payments/1/settle", "payments/1/propose",
                     "fees/1/approve"):  # fmt: skip
            page = await desk.posts(f"/dashboard/{deed}", reason="sure", end="failed")
            assert desk.status == 409 and "takes part in from" in page, deed
        # What one person does alone, they do.
        await desk.posts("/dashboard/payments/1/ask")
        assert desk.status == 303
        await desk.http.close()
    write = server.parts.market.records.write
    query = select(audit.c.actor).where(audit.c.action == "refused")
    refused = await write(lambda db: db.execute(query).scalars().all())
    assert set(refused) == {"sara", "fiona"}
    now = datetime.now(UTC)
    with pytest.raises(NewlySetUp):
        await write(lambda db: newly_set_up.check(db, "sara", now + timedelta(hours=23)))
    await write(lambda db: newly_set_up.check(db, "sara", now + timedelta(hours=24)))
    # Who has the server's shell can do more than this anyway.
    async with Desk(server) as desk:
        await joins(desk, server, "sonia", "supervisor")
        await desk.posts("/dashboard/payments/1/release")
        assert desk.status == 303


async def test_A08_a_new_administrator_of_one_cannot_agree_with_that_one(
    server: Running, admins
) -> None:
    (first, codes, _s), _other = admins
    await new_link(server, "carine", "admin")
    carine = await number_of(server, "carine")
    page = await first.posts(f"/dashboard/staff/{carine}/link", code=codes[0])
    hers, papers = await uses(server, LINK.search(page)[1])
    async with Desk(server) as agent:
        await joins(agent, server, "amina", "agent")
    path = f"/dashboard/staff/{await number_of(server, 'amina')}"
    for deed in ("role", "link"):
        await hers.posts(f"{path}/{deed}", role="admin", code=papers.pop())
        assert hers.status == 409
    await first.posts(f"{path}/role", role="admin", code=codes[1])
    waits = PROPOSAL.search(await hers.gets(path))[1]
    await hers.posts(f"{path}/role", role="admin", code=papers.pop(), proposal=waits)
    assert hers.status == 409 and await role_of(server, "amina") == "agent"
    await hers.http.close()


async def test_A08_an_administrator_is_made_by_two(server: Running, admins) -> None:
    (first, codes, _s), (second, others, _t) = admins
    async with Desk(server) as agent:
        await joins(agent, server, "amina", "agent")
        path = f"/dashboard/staff/{await number_of(server, 'amina')}/role"
        await first.posts(path, role="admin", code=codes[0])
        assert await role_of(server, "amina") == "agent"
        waits = PROPOSAL.search(await second.gets(path.removesuffix("/role")))[1]
        await first.posts(path, role="admin", code=codes[1], proposal=waits)
        assert first.status == 409 and await role_of(server, "amina") == "agent"
        await second.posts(path, role="admin", code=others[0])
        assert second.status == 409 and await role_of(server, "amina") == "agent"
        await second.posts(path, role="admin", code=others[1], proposal=waits)
        assert await role_of(server, "amina") == "admin"
        # A session is of the role with which it began.
        await agent.gets("/dashboard/staff")
        assert agent.status == 303 and agent.headers["Location"].startswith("/dashboard/sign-in")


async def test_A08_nobody_without_access_is_given_a_role(server: Running, admins) -> None:
    (desk, codes, _s), _other = admins
    async with Desk(server) as agent:
        await joins(agent, server, "amina", "agent")
    path = f"/dashboard/staff/{await number_of(server, 'amina')}"
    await desk.posts(f"{path}/revoke", code=codes[0])
    page = await desk.posts(f"{path}/role", role="supervisor", code=codes[1])
    assert "No effect" in page and await role_of(server, "amina") == "agent"


async def test_A08_guessing_the_code_ends_after_five_tries(server: Running, admins) -> None:
    (desk, codes, _s), _other = admins
    path = f"/dashboard/staff/{await number_of(server, 'benita')}/role"
    for _try in range(5):
        await desk.posts(path, role="viewer", code="000000")
        assert desk.status == 401
    await desk.posts(path, role="viewer", code=codes[0])
    assert desk.status == 429 and await role_of(server, "benita") == "admin"


async def test_a_new_member_comes_by_a_link_that_is_shown_once(server: Running, admins) -> None:
    (desk, codes, _s), _other = admins
    fields = {"name": "Chantal", "role": "agent", "language": "fr"}
    page = await desk.posts("/dashboard/staff/add", **fields, code=codes[0])
    link = LINK.search(page)
    assert link and desk.status == 200
    assert not LINK.search(await desk.gets("/dashboard/staff"))
    assert "chantal" in desk.text and "has not used the link yet" in desk.text
    page = await desk.posts("/dashboard/staff/add", **fields, code=codes[1])
    assert desk.status == 409 and "this name already" in page
    await desk.posts("/dashboard/staff/add", name="x", role="admin", code=codes[2])
    assert desk.status == 400
    async with Desk(server) as stranger:
        await stranger.gets(link[1])
        assert stranger.status == 200


async def test_B08_a_session_is_ended_at_once_by_an_administrator(server: Running, admins) -> None:
    (desk, codes, _s), _other = admins
    async with Desk(server) as agent:
        await joins(agent, server, "amina", "agent")
        path = f"/dashboard/staff/{await number_of(server, 'amina')}"
        mark = re.search(r'name="which" value="([0-9a-f]{12})"', await desk.gets(path))
        assert mark
        await desk.posts(f"{path}/sign-out", which="f" * 12)
        await agent.gets("/dashboard/")
        assert agent.status == 200
        await desk.posts(f"{path}/sign-out", which=mark[1])
        await agent.gets("/dashboard/")
        assert agent.status == 303
        await desk.posts(f"{path}/revoke", code=codes[0])
        assert "no access any more" in await desk.gets("/dashboard/staff")


async def test_an_auditor_reads_the_staff_and_changes_nothing(server: Running) -> None:
    async with Desk(server) as desk:
        _secret, codes = await joins(desk, server, "odile", "auditor")
        page = await desk.gets("/dashboard/staff")
        assert "odile" in page and "Somebody new" not in page
        mine = f"/dashboard/staff/{await number_of(server, 'odile')}"
        assert "Give this role" not in await desk.gets(mine)
        await desk.posts(f"{mine}/role", role="admin", code=codes[0])
        assert desk.status == 403 and await role_of(server, "odile") == "auditor"


async def test_a_link_names_the_address_that_browsers_use(server: Running, admins) -> None:
    (desk, codes, _s), _other = admins
    fields = {"role": "agent", "language": "fr"}
    guard_of(server)._address = "https://isoko.example"
    page = await desk.posts("/dashboard/staff/add", name="chantal", code=codes[0], **fields)
    assert "https://isoko.example/dashboard/welcome/" in page
    # Behind a proxy that ends TLS, a request comes by http.
    guard_of(server)._address, guard_of(server)._secure = "", True
    page = await desk.posts("/dashboard/staff/add", name="diane", code=codes[1], **fields)
    assert f"https://{desk.base.partition('//')[2]}/dashboard/welcome/" in page
