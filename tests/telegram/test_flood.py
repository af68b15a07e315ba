"""A day's backlog leaves within the flood limits: 3,500 messages, in order, none twice."""

import asyncio
import time

from sqlalchemy import func, insert, select

from bot.storage.schema import outbox as rows
from bot.telegram.sending import ChatRules
from tests.telegram.outside import now, outside

CHATS, EACH = 350, 10
# Telegram's limits, thirty times as fast: 3,500 messages take two minutes at its own pace.
TIMES = 30


async def test_flood_3500_waiting_messages_leave_in_order_and_none_is_refused(records) -> None:
    async with outside(records, overall_per_s=28.0 * TIMES) as there:
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
        while await records.read(lambda db: db.execute(left).scalar()):
            await asyncio.sleep(0.2)
            assert time.monotonic() - began < 100
        took_s = time.monotonic() - began
        running.cancel()
        await asyncio.wait([running])
        expected = [str(number) for number in range(EACH)]
        assert all(there.seen_by(one) == expected for one in people)
        # A busy machine may bunch two that left apart; then Telegram says when to come again.
        assert flood.refused <= CHATS * EACH / 100
        assert took_s >= CHATS * EACH / (30 * TIMES)
        print(f"{CHATS * EACH} messages in {took_s:.1f} s, {flood.refused} refused")


async def test_a_chat_and_the_bot_as_a_whole_are_held_to_telegrams_own_limits(records) -> None:
    async with outside(records) as there:
        people = [{"id": 1000 + number, "first_name": "x"} for number in range(60)]
        for one in people:
            there.telegram.people.says(one, "/start")
            await there.put("a", chat_id=one["id"])
        sender, began = there.sender(), time.monotonic()
        while await sender.carry_out():
            pass
        # Thirty a second, not all at once.
        assert time.monotonic() - began >= 1.9
        assert there.telegram.flood.refused == 0
