"""Calls and chats are told at their beginning and their end, however often one key comes again."""

from datetime import UTC, datetime

from sqlalchemy import select

from bot.conversation import Session
from bot.market import subscriptions
from bot.operations.session_news import ENDED, STARTED, SessionNews
from bot.storage.records import Records
from bot.storage.schema import outbox


async def test_two_conversations_in_one_chat_are_four_events(records: Records) -> None:
    now = datetime.now(UTC)
    await records.write(
        lambda db: subscriptions.subscribe(db, "https://hub.example/", (STARTED, ENDED), now)
    )
    news = SessionNews(records, "secret")
    for began in (1_000.0, 2_000.0):
        session = Session("telegram", "7", "tg:7", started_at=began)
        news.add(STARTED, session)
        news.add(ENDED, session)
    await news.flush()
    query = select(outbox.c.payload).order_by(outbox.c.id)
    told = await records.read(lambda db: list(db.execute(query).scalars()))
    assert [one["type"] for one in told] == [STARTED, ENDED] * 2
