"""A day's backlog leaves within the flood limits: 3,500 messages, in order, none twice."""

import asyncio
import time

import pytest
from sqlalchemy import func, insert, select

from bot.storage.schema import outbox as rows
from bot.telegram.sending import ChatRules
from tests.telegram.outside import now, outside

CHATS, EACH = 350, 10
# Telegram's limits, ten times as fast: 3,500 messages take two minutes at its own pace.
TIMES = 10


@pytest.mark.timeout(300)
async def test_flood_3500_waiting_messages_leave_in_order_and_each_once(records) -> None:
    # What is not answered in time may have arrived, and is sent again: here nothing is ever unsure,
    # however long this machine stands still.
    async with outside(records, overall_per_s=26.0 * TIMES, timeout_s=60.0) as there:
        flood = there.telegram.flood
        flood.period_s = 1 / TIMES
        people = [{"id": 1000 + number, "first_name": "x"} for number in range(CHATS)]
        for one in people:
            there.telegram.people.says(one, "/start")

        def put(db) -> None:
            lines = [
                {
                    "kind": "telegram", "dedupe_key": f"telegram:{number}:{one['id']}",
                    "payload": {"chat_id": one["id"], "method": "sendMessage", "args": {"text": str(number)}},
                    "lane": str(one["id"]), "due_at": now(), "written_at": now(),
                }
                for number in range(EACH) for one in people
            ]  # fmt: skip
            db.execute(insert(rows), lines)

        await records.write(put)
        sender = there.sender(ChatRules(chat_every_s=1 / TIMES))
        running, began = asyncio.create_task(sender.run()), time.monotonic()
        left = select(func.count()).where(rows.c.state == "waiting")
        try:
            while await records.read(lambda db: db.execute(left).scalar()):
                await asyncio.sleep(0.2)
                assert time.monotonic() - began < 240
            took_s = time.monotonic() - began
        finally:
            # Whatever comes, it must not go on in the records of the next test.
            running.cancel()
            await asyncio.wait([running])
        expected = [str(number) for number in range(EACH)]
        wrong = {one["id"]: seen for one in people if (seen := there.seen_by(one)) != expected}
        assert wrong == {}
        # Ten times as fast, a stall of this machine is ten times as long: some arrive in a bunch, are
        # refused, and come again. Without any pace it is nearly all. The limits themselves are
        # tested below, at their own pace.
        assert flood.refused <= CHATS * EACH / 10, flood.refused
        assert took_s >= CHATS * EACH / (30 * TIMES)
        print(f"{CHATS * EACH} messages in {took_s:.1f} s, {flood.refused} refused")


async def test_a_chat_and_the_bot_as_a_whole_are_held_to_telegrams_own_limits(records) -> None:
    async with outside(records) as there:
        people = [{"id": 1000 + number, "first_name": "x"} for number in range(60)]
        for one in people:
            there.telegram.people.says(one, "/start")
            await there.put("a", chat_id=one["id"])
        sender, began = there.sender(), time.monotonic()
        while (await there.left()) and await sender.carry_out() >= 0:
            await asyncio.sleep(0.01)
        # Thirty a second, not all at once.
        assert time.monotonic() - began >= 1.9
        assert all(there.seen_by(one) == ["a"] for one in people)
        assert there.telegram.flood.refused <= 1
