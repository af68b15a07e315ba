"""The demo's chat that is linked beforehand."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.demo_chats import MEMBER, link_a_member
from bot.market import telegram_links
from bot.simulator.routes import account_of
from tests.server import DEBTOR, running
from tests.telegram.door import Chat


async def test_a_member_answers_her_cooperative_in_a_chat_nobody_had_to_link(tmp_path) -> None:
    async with running(tmp_path) as server:
        write, now = server.parts.market.records.write, datetime.now(UTC)
        assert MEMBER == DEBTOR
        assert await write(lambda db: link_a_member(db, now))
        # At the next start she is linked already.
        assert not await write(lambda db: link_a_member(db, now))
        chat = Chat(server, user_id=account_of(MEMBER))
        await chat.types("/menu")
        # All of the menu in one message.
        assert len(chat.buttons) == 9 and "Language" in chat.buttons
        await chat.presses("Orders")
        assert any("KW-1045" in label for label in chat.buttons), chat.buttons
        linked = await write(lambda db: telegram_links.of_user(db, account_of(MEMBER)))
        assert linked is not None and linked.confirmed
