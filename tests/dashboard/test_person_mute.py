"""A person's news is muted: what may wait is not sent, money and PINs are, until a button ends it."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, func, insert, select

from bot.market import held_data, news, people, price_alerts
from bot.market.news import QuietHours
from bot.storage.schema import news_wishes, outbox, prices
from bot.storage.schema import price_alerts as alerts
from tests.dashboard.desk import Desk, joins
from tests.dashboard.test_desks import audited, value, write
from tests.server import FARMER, Running

PAGE = "/dashboard/people/1"
WHY = "asked by phone, 0788 000 999"


@pytest.mark.usefixtures("either_store")
async def test_what_may_wait_is_not_sent_to_whom_staff_muted_and_money_is(
    server: Running, viewer: Desk
) -> None:
    async with Desk(server) as ann:
        await joins(ann, server, "ann", "agent")
        for reason, said in ((" ", "no_reason"), (WHY, "muted"), (WHY, "no_effect")):
            await ann.posts(f"{PAGE}/mute", reason=reason)
            assert ann.headers["Location"].endswith(f"said={said}")
        page = await ann.gets(PAGE)
        assert "by ann: asked by phone" in page and "000 999" not in page
        assert "Send them all news again" in page and "Mute their news" not in page
        assert "muted since" in await viewer.gets(PAGE)
        for deed in ("mute", "unmute"):
            await viewer.posts(f"{PAGE}/{deed}", reason=WHY)
            assert viewer.status == 403
        assert await told(server) == ["never waits", "by sms to 2"]
        await ann.posts(f"{PAGE}/unmute")
        assert ann.headers["Location"].endswith("said=unmuted")
        await ann.posts(f"{PAGE}/unmute")
        assert ann.headers["Location"].endswith("said=no_effect")
        assert "muted since" not in await ann.gets(PAGE)
        assert await told(server, "again ") == [
            "again may wait", "again never waits", "again by sms to 1", "again by sms to 2"
        ]  # fmt: skip
    (on,), (off,) = await audited(server, "person muted"), await audited(server, "person unmuted")
    assert (on["actor"], on["subject"], off["subject"]) == ("ann", "contact 1", "contact 1")
    assert on["details"]["reason"].startswith("asked by phone") and "999" not in str(on["details"])


async def told(server: Running, mark: str = "") -> list[str]:
    """Tell the first person what may wait and what may not, and two of them by SMS; what leaves."""
    now, quiet = datetime.now(UTC), QuietHours()

    def work(db) -> list[str]:
        news.tell(db, 1, f"{mark}may wait", lambda: "x", now, quiet)
        news.tell(db, 1, f"{mark}never waits", lambda: "x", now)
        news.tell_by_sms(db, (1, 2), f"{mark}by sms", lambda: "x", now, quiet)
        keys = [f"{mark}{key}" for key in ("may wait", "never waits", "by sms:1", "by sms:2")]
        query = select(outbox.c.dedupe_key).where(outbox.c.dedupe_key.in_(keys))
        there = db.execute(query.order_by(outbox.c.id)).scalars()
        return [key.replace("sms:", "sms to ") for key in there]

    return await server.parts.market.records.write(work)


async def test_a_muted_order_waits_in_the_menu_and_its_notice_is_not_sent_by_hand_either(
    server: Running, supervisor: Desk
) -> None:
    await supervisor.gets(PAGE)
    await supervisor.posts(f"{PAGE}/mute", reason=WHY)
    order = "/dashboard/orders/KW-1042"
    page = await supervisor.gets(order)
    notify = page.partition("/notify")[0].rpartition('"')[2] + "/notify"
    await supervisor.posts(notify)
    assert "?said=muted#" in supervisor.headers["Location"]
    assert "is muted" in await supervisor.gets(supervisor.headers["Location"])
    phone = server.phone(FARMER)
    await phone.dials()
    assert "KW-1042" in await phone.types("2")


async def test_an_alert_for_a_price_is_kept_until_news_is_sent_again(
    server: Running, supervisor: Desk
) -> None:
    work, now = server.parts.market.records.write, datetime.now(UTC)
    await supervisor.gets(PAGE)
    await supervisor.posts(f"{PAGE}/mute", reason=WHY)
    product = await value(server, select(prices.c.product).where(prices.c.state == "shown"))
    await write(server, delete(alerts))
    row = {"product": product, "above_rwf": 1, "after_price_id": 0, "asked_at": now}
    await write(server, insert(alerts).values([row | {"contact_id": whose} for whose in (1, 2)]))
    since = (now - timedelta(days=4000)).date()
    await work(lambda db: price_alerts.tell_due(db, since, now))
    assert await value(server, select(func.sum(alerts.c.contact_id))) == 1
    await supervisor.posts(f"{PAGE}/unmute")
    await work(lambda db: price_alerts.tell_due(db, since, now))
    assert await value(server, select(alerts.c.contact_id)) is None


async def test_a_mute_is_in_the_copy_and_goes_with_the_person(
    server: Running, supervisor: Desk
) -> None:
    records = server.parts.market.records
    await supervisor.gets(PAGE)
    await supervisor.posts(f"{PAGE}/mute", reason="asked by letter")
    held = await records.read(lambda db: held_data.everything(db, 1))
    assert held["news_wishes"][0]["muted_why"] == "asked by letter"
    await records.write(lambda db: people.erase(db, 1, datetime.now(UTC)))
    assert await value(server, select(news_wishes.c.contact_id)) is None
    await supervisor.posts(f"{PAGE}/mute", reason="after")
    assert supervisor.headers["Location"].endswith("said=no_effect")
