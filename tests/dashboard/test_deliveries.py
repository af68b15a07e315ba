"""One webhook delivery: each try with its answer, sent again by hand, a receiver's new secret."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, func, select, update

from bot.hub import hooks
from bot.market import hub_news, subscriptions
from bot.operations.housekeeping import Housekeeping
from bot.storage import old_letters
from bot.storage.schema import audit, outbox, webhook_tries
from tests.dashboard.desk import Desk, joins
from tests.hub.receiver import Receiver, receiving
from tests.patience import patient_s
from tests.server import FARMER, Running

OUT = "/dashboard/webhooks/out"


def _now() -> datetime:
    return datetime.now(UTC)


async def told(server: Running, receiver: Receiver, data: dict) -> tuple[int, str, int]:
    """A receiver that hears of something: its number and secret, and the delivery's number."""

    def work(db: Connection) -> tuple[int, str, int]:
        number, secret = subscriptions.subscribe(db, receiver.url, (), _now())
        hub_news.put(db, number, "order.accepted", "o1", "1", data, _now())
        letter = select(outbox.c.id).where(outbox.c.via == f"hook:{number}")
        return number, secret, int(db.execute(letter).scalar_one())

    return await server.parts.market.records.write(work)


async def value(server: Running, query) -> object:
    return await server.parts.market.records.read(lambda db: db.execute(query).scalar())


async def came(receiver: Receiver, count: int) -> None:
    async with asyncio.timeout(patient_s(10)):
        while len(receiver.came) < count:
            await asyncio.sleep(0.02)


async def comes_to(server: Running, query, wanted: object) -> None:
    async with asyncio.timeout(patient_s(10)):
        while await value(server, query) != wanted:
            await asyncio.sleep(0.02)


async def state_is(server: Running, letter: int, state: str) -> None:
    await comes_to(server, select(outbox.c.state).where(outbox.c.id == letter), state)


@pytest.mark.usefixtures("either_store")
async def test_each_try_is_shown_with_its_answer_and_how_long_it_waits(
    server: Running, supervisor: Desk
) -> None:
    async with receiving() as receiver:
        receiver.answers = [503, 200]
        _number, secret, letter = await told(server, receiver, {"note": f"call {FARMER}"})
        page = f"/dashboard/webhooks/deliveries/{letter}"
        await came(receiver, 1)
        tries = select(func.count()).where(webhook_tries.c.letter_id == letter)
        await comes_to(server, tries, 1)
        shown = await supervisor.gets(page)
        assert "answered 503" in shown and "1 / 8" in shown and re.search(r"after [456] s", shown)
        # It does not wait for its turn; who presses twice sends once.
        await supervisor.posts(f"{page}/now")
        await came(receiver, 2)
        await state_is(server, letter, "sent")
        await supervisor.posts(f"{page}/now")
        assert supervisor.headers["Location"].endswith("said=arrived")
        assert len(receiver.came) == 2
        shown = await supervisor.gets(page)
        sent = receiver.came[1][0]
        assert sent["webhook-id"] in shown and sent["webhook-timestamp"] in shown
        assert sent["webhook-signature"] not in shown and secret not in shown
        assert '"note": "call +2507•••••01"' in shown and FARMER[4:] not in shown
        await supervisor.posts(f"{page}/now", twice="yes")
        await came(receiver, 3)
        assert receiver.came[2][0]["webhook-id"] == sent["webhook-id"]


async def test_nobody_else_sends_it_again_and_other_letters_are_no_deliveries(
    server: Running, viewer: Desk
) -> None:
    async with receiving() as receiver:
        _number, _secret, letter = await told(server, receiver, {})
        await came(receiver, 1)
        page = f"/dashboard/webhooks/deliveries/{letter}"
        assert "Send now" not in await viewer.gets(page)
        await viewer.posts(f"{page}/now", twice="yes")
        assert viewer.status == 403 and len(receiver.came) == 1
        await viewer.gets("/dashboard/webhooks/deliveries/999999")
        assert viewer.status == 404


@pytest.mark.usefixtures("either_store")
async def test_a_receivers_secret_is_changed_once_and_both_sign_for_a_while(
    server: Running,
) -> None:
    async with receiving() as receiver, Desk(server) as admin, Desk(server) as supervisor:
        await joins(admin, server, "ada", "admin")
        await joins(supervisor, server, "sam", "supervisor")
        number, old, letter = await told(server, receiver, {})
        await came(receiver, 1)
        await state_is(server, letter, "sent")
        page, rotate = (f"/dashboard/webhooks/deliveries/{letter}",
                        f"/dashboard/webhooks/receivers/{number}/rotate")  # fmt: skip
        seen = re.search(r'name="seen" value="([0-9a-f]{16})"', await admin.gets(page))[1]
        await supervisor.posts(rotate, seen=seen, hours="24")
        assert supervisor.status == 403
        new = re.search(r"whsec_[A-Za-z0-9+/=]+", await admin.posts(rotate, seen=seen, hours="24"))
        assert new and new[0] != old
        # Pressed twice it is changed once: else the receiver would have the wrong one.
        await admin.posts(rotate, seen=seen, hours="24")
        assert admin.status == 409 and "whsec_" not in admin.text
        await admin.posts(f"{page}/now", twice="yes")
        await came(receiver, 2)
        assert receiver.signed_by(1, old) and receiver.signed_by(1, new[0])
    lines = select(func.count()).where(audit.c.action == "secret rotated")
    assert await value(server, lines) == 1


async def test_what_was_tried_long_ago_is_forgotten(server: Running) -> None:
    async with receiving() as receiver:
        _number, _secret, letter = await told(server, receiver, {})
        await state_is(server, letter, "sent")
        records = server.parts.market.records
        old = update(webhook_tries).values(at=_now() - timedelta(days=61))
        await records.write(lambda db: db.execute(old))
        await Housekeeping(server.parts.market, lambda: None, timedelta(days=1)).keep()
        assert await value(server, select(func.count()).select_from(webhook_tries)) == 0
    assert hooks.RETRY_AFTER_S[-1] < 60 * 86_400


@pytest.mark.usefixtures("either_store")
async def test_what_is_so_old_that_its_words_are_gone_is_not_sent_again(
    server: Running, supervisor: Desk
) -> None:
    async with receiving() as receiver:
        _number, _secret, letter = await told(server, receiver, {"note": "x"})
        await state_is(server, letter, "sent")
        page = f"/dashboard/webhooks/deliveries/{letter}"
        assert "Send now" in await supervisor.gets(page)
        soon = _now() + timedelta(seconds=1)
        records = server.parts.market.records
        assert await records.write(lambda db: old_letters.empty_before(db, soon, 100)) >= 1
        assert "Send now" not in await supervisor.gets(page)
        # From a page that was opened before.
        await supervisor.posts(f"{page}/now", twice="yes")
        assert supervisor.headers["Location"].endswith("said=emptied")
        await state_is(server, letter, "sent")
        assert len(receiver.came) == 1
