"""T-14 and D-12 at the real webhook: what stands after /start, and an update that comes again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.market import telegram_invites
from bot.storage import telegram_updates
from bot.storage.schema import audit
from bot.storage.schema import telegram_invites as invites
from tests.server import Running
from tests.telegram.door import ALINE, Chat, post, rows, said, settle

THIEF = 700100299


async def invited(server: Running, hours_ago: int = 0) -> str:
    made_at = datetime.now(UTC) - timedelta(hours=hours_ago)
    write = server.parts.market.records.write
    return await write(lambda db: telegram_invites.make(db, "amina", "", 72, made_at))


async def used_by(server: Running) -> list[int]:
    query = select(invites.c.used_by).order_by(invites.c.made_at)
    return list(await server.parts.market.records.read(lambda db: db.execute(query).scalars()))


async def test_T14_an_invitation_is_used_once_by_who_starts_with_it(server: Running) -> None:
    token = await invited(server)
    first, thief = Chat(server), Chat(server, THIEF)
    plain = await Chat(server, 700100300).types("/start")
    assert await first.types(f"/start {token}") == plain and plain
    assert await used_by(server) == [ALINE]
    # Once more, and by another: a plain start.
    assert await thief.types(f"/start {token}") == plain
    await first.types(f"/start {token}")
    assert await used_by(server) == [ALINE]
    assert token not in str(await rows(server))


@pytest.mark.parametrize(
    "payload",
    ["aGVsbG8=", "x" * 64, "A" * 32, "x" * 65, "x" * 4000, "' OR 1=1 --", "\u202egnirts", "0788000001", "*"],
)  # fmt: skip
async def test_T14_whatever_else_stands_there_is_a_plain_start(
    server: Running, payload: str
) -> None:
    await invited(server)
    plain = await Chat(server, 700100300).types("/start")
    assert await Chat(server).types(f"/start {payload}") == plain
    assert await used_by(server) == [0]


async def test_T14_an_invitation_that_is_over_is_a_plain_start(server: Running) -> None:
    token = await invited(server, hours_ago=73)
    plain = await Chat(server, 700100300).types("/start")
    assert await Chat(server).types(f"/start {token}") == plain
    assert await used_by(server) == [0]


async def test_D12_an_update_that_was_applied_changes_nothing_when_it_comes_again(
    server: Running,
) -> None:
    chat = Chat(server)
    await chat.types("/start")
    update = chat.message(text="/prices")
    assert await post(server, update) == 200
    (*_before, applied) = await settle(server)
    assert applied.update_id == update["update_id"] and applied.state == "applied"

    async def everything() -> list[Any]:
        lines = select(audit.c.action).order_by(audit.c.id)
        read = server.parts.market.records.read
        acts = await read(lambda db: list(db.execute(lines).scalars()))
        return [await rows(server), await said(server), acts]

    kept = await everything()
    # From Telegram, and by a person who asks for it to be applied again.
    assert await post(server, update) == 200
    write = server.parts.market.records.write
    assert not await write(lambda db: telegram_updates.replay(db, applied.update_id))
    await settle(server)
    assert await everything() == kept
