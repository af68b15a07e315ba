"""The order's page: calling off what nobody accepted, and sending a notice again."""

import re
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from bot.market import subscriptions
from bot.storage.schema import hub_orders, offer_events, offers, orders, outbox, payments
from tests.dashboard.desk import Desk
from tests.dashboard.test_desks import audited, value, write
from tests.hub.sender import Hub, order
from tests.phone import PIN
from tests.server import FARMER, TEA, Running

ORDER = "/dashboard/orders/KW-1042"
VERSION = re.compile(r'name="version" value="([0-9]+)"')


async def calls_off(desk: Desk, page: str, reason: str) -> str:
    """Press it as the page shows it; what came of it."""
    found = VERSION.search(await desk.gets(page))
    await desk.posts(f"{page}/cancel", version=found[1] if found else "", reason=reason)
    return desk.headers["Location"].partition("said=")[2].partition("#")[0]


async def state_of(server: Running, msisdn_id: int, code: str) -> object:
    mine = (orders.c.code == code) & (offers.c.contact_id == msisdn_id)
    query = select(offers.c.state).join(orders, orders.c.id == offers.c.order_id).where(mine)
    return await value(server, query)


async def test_what_nobody_accepted_is_called_off_with_a_reason_and_the_phone_says_so(
    server: Running, viewer: Desk, supervisor: Desk
) -> None:
    phone = server.phone(FARMER)
    await phone.dials()
    await phone.types("2", "1")
    assert "Call off" not in await viewer.gets(ORDER)
    assert await calls_off(supervisor, ORDER, " ") == "no_reason"
    assert await calls_off(supervisor, ORDER, "the buyer is gone, 0788000999") == "cancelled"
    page = await supervisor.gets(f"{ORDER}?said=cancelled")
    assert "Called off. What was accepted stands" in page and "Call it off" not in page
    assert await state_of(server, 1, "KW-1042") == "withdrawn"
    (line,) = await audited(server, "order called off")
    assert (line["actor"], line["subject"]) == ("demo supervisor", "order KW-1042")
    assert line["details"]["offers"] == 1 and "788000999" not in str(line["details"])
    # Who has it on the screen gets today's truth.
    screen = await phone.types("1", PIN)
    assert "KW-1042" in screen and await state_of(server, 1, "KW-1042") == "withdrawn"
    step = select(offer_events.c.by).where(offer_events.c.to_state == "withdrawn")
    assert await value(server, step) == "demo supervisor"


async def test_what_was_accepted_meanwhile_is_not_called_off_by_an_old_page(
    server: Running, supervisor: Desk
) -> None:
    old = VERSION.search(await supervisor.gets(ORDER))[1]
    phone = server.phone(FARMER)
    await phone.dials()
    await phone.types("2", "1", "1", PIN)
    assert await state_of(server, 1, "KW-1042") == "accepted"
    await supervisor.posts(f"{ORDER}/cancel", version=old, reason="the buyer is gone")
    assert supervisor.headers["Location"].endswith("said=changed")
    assert "Call it off" not in await supervisor.gets(ORDER)
    assert await state_of(server, 1, "KW-1042") == "accepted"


async def test_an_order_of_the_hub_is_offered_to_nobody_else_and_receivers_are_told(
    server: Running, supervisor: Desk
) -> None:
    hub = Hub(server)
    now = datetime.now(UTC)
    await server.parts.market.records.write(
        lambda db: subscriptions.subscribe(db, "https://hub.example/hook", (), now)
    )
    await hub.says("order.created", order())
    await hub.worked()
    page = "/dashboard/orders/KW-2001"
    assert await calls_off(supervisor, page, "ordered twice") == "cancelled"
    await hub.worked()
    ours = select(orders.c.id).where(orders.c.code == "KW-2001").scalar_subquery()
    open_ones = select(offers.c.id).where(offers.c.order_id == ours, offers.c.state == "offered")
    assert await value(server, open_ones) is None
    state = select(hub_orders.c.state).where(hub_orders.c.order_id == ours)
    assert await value(server, state) == "cancelled"
    told = select(outbox.c.payload).where(outbox.c.kind == "webhook").order_by(outbox.c.id.desc())
    assert (await value(server, told))["type"] == "order.cancelled"
    assert "called off" in await supervisor.gets(page)


async def test_a_notice_is_sent_again_once_an_hour_and_on_record(
    server: Running, viewer: Desk, supervisor: Desk
) -> None:
    assert "Send the notice again" not in await viewer.gets(ORDER)
    page = await supervisor.gets(ORDER)
    form = re.search(r"/dashboard/orders/KW-1042/offers/[0-9]+/notify", page)[0]
    other = form.replace("KW-1042", "KW-1043")
    before = len(await server.inbox(FARMER))
    said = []
    for path in (form, form, other):
        await supervisor.posts(path)
        said.append(supervisor.headers["Location"].partition("said=")[2].partition("#")[0])
    # Over the hour's end it may be two.
    assert said[0] == "told" and said[2] == "no_effect" and said[1] in {"told_before", "told"}
    found = await server.inbox(FARMER)
    assert len(found) > before and "KW-1042" in found[-1]
    lines = await audited(server, "notice sent again")
    assert [line["details"]["outcome"] for line in lines] == [said[0], said[1]]
    assert lines[0]["subject"] == "order KW-1042"
    over = datetime.now(UTC) - timedelta(minutes=1)
    await write(server, update(offers).values(answer_by=over))
    await supervisor.posts(form)
    assert "said=no_effect#" in supervisor.headers["Location"]


async def test_the_list_says_how_long_nothing_changed_and_where_the_payout_is(
    server: Running, viewer: Desk
) -> None:
    def row(page: str, code: str) -> str:
        return page.partition(f">{code}<")[2].partition("</tr>")[0]

    paid = row(await viewer.gets("/dashboard/orders"), "KW-1038")
    assert "succeeded" in paid
    flagged = {"state": "flagged", "settled_at": None, "confirmed_at": None}
    await write(server, update(payments).values(flagged))
    placed = datetime.now(UTC) - timedelta(days=9, hours=1)
    await write(server, update(orders).values(placed_at=placed))
    page = await viewer.gets("/dashboard/orders")
    # Its offer has moved since it was placed; nobody has answered the other.
    assert "● flagged" in row(page, "KW-1038") and "9 days" not in row(page, "KW-1038")
    assert "9 days" in row(page, "KW-1042") and "flagged" not in row(page, "KW-1042")
    assert TEA[4:] not in page
