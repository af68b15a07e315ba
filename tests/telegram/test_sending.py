"""What leaves for chats, over real HTTP, whatever Telegram answers; on both stores."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.market import news, telegram_links
from bot.sandbox.telegram import Fault
from bot.storage import outbox
from bot.storage.records import RecordsDown
from bot.storage.schema import outbox as rows
from bot.storage.schema import transcripts, turns
from bot.telegram import sending
from bot.telegram.sending import ChatRules
from tests.market.money import person
from tests.telegram.outside import ALINE, Outside, linked, now, outside

QUICK = ChatRules(chat_every_s=1.0)
ERIC = {"id": 700100201, "first_name": "Eric", "phone": "+250788000002"}


@pytest.fixture
async def there(records) -> AsyncIterator[Outside]:
    async with outside(records) as one:
        yield one


async def due_again(there: Outside) -> None:
    """Time has passed: what waits is due, and a process that died holds nothing any more."""

    def work(db) -> None:
        db.execute(update(rows).values(due_at=now()))
        db.execute(update(turns).values(until=now()))

    await there.records.write(work)


async def test_answers_of_every_kind_are_carried_out(there: Outside) -> None:
    press = there.telegram.people.presses(ALINE, 1, "x")
    keyboard = {"inline_keyboard": [[{"text": "Prices", "callback_data": "v1"}]]}
    sends = [
        ("sendMessage", {"text": "one", "reply_markup": keyboard}),
        ("answerCallbackQuery", {"callback_query_id": press, "text": "already decided"}),
        ("editMessageText", {"message_id": 2, "text": "two"}),
        ("deleteMessage", {"message_id": 1}),
        ("sendDocument", {"document": {"file": "JVBERi0xLjQ=", "name": "statement.pdf"}}),
    ]

    def put(db) -> None:
        for number, (method, args) in enumerate(sends):
            payload = {"chat_id": ALINE["id"], "method": method, "args": args}
            outbox.put(db, "telegram", f"telegram:5:{number}", payload, now())

    await there.records.write(put)
    sender = there.sender(ChatRules(chat_every_s=1.02))
    assert [await sender.carry_out() for _ in range(6)] == [1, 1, 1, 1, 1, 0]
    chat = there.telegram.chats.known(ALINE["id"])
    text, document = chat.messages.values()
    assert text["text"] == "two" and "reply_markup" not in text
    assert document["document"]["file_name"] == "statement.pdf"
    assert there.telegram.chats.files[document["document"]["file_id"]].data == b"%PDF-1.4"
    assert chat.toasts == [{"text": "already decided", "alert": False}]


async def test_a_chat_goes_in_order_a_second_apart_and_chats_beside_each_other(
    there: Outside,
) -> None:
    there.telegram.people.says(ERIC, "/start")
    await there.put("a", "b", "c")
    await there.put("x", "y", "z", chat_id=ERIC["id"])
    sender, began = there.sender(), time.monotonic()
    running = asyncio.create_task(sender.run())
    try:
        while len(there.seen_by(ALINE)) + len(there.seen_by(ERIC)) < 6:
            await asyncio.sleep(0.02)
            assert time.monotonic() - began < 20
    finally:
        running.cancel()
        await asyncio.wait([running])
    assert (there.seen_by(ALINE), there.seen_by(ERIC)) == (["a", "b", "c"], ["x", "y", "z"])
    assert 2.0 <= time.monotonic() - began < 10 and there.telegram.flood.refused == 0


async def test_T17_a_429_is_waited_for_and_burns_no_try(there: Outside) -> None:
    there.telegram.faults = [Fault(status=429, retry_after=37)]
    await there.put("one", "two")
    sender, began = there.sender(), now()
    assert await sender.carry_out() == 1
    row = await there.row()
    assert row.due_at >= began + timedelta(seconds=37) and row.attempts == 0
    assert (row.state, row.dedupe_key) == ("waiting", f"telegram:{ALINE['id']}:one")
    # Not even the next in this chat goes before it.
    assert await sender.carry_out() == 0 and there.seen_by(ALINE) == []
    await due_again(there)
    # The server was started anew, and knows of no wait any more but that of the row.
    sender = there.sender(QUICK)
    while await sender.carry_out():
        pass
    assert there.seen_by(ALINE) == ["one", "two"]


async def test_T17_while_one_waits_out_a_flood_no_other_sends(
    there: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "_TURN_S", 0.2)
    people = [ERIC, *({"id": 700100300 + number, "first_name": "x"} for number in range(3))]
    for one in people:
        there.telegram.people.says(one, "/start")
    # Three chats at once are refused: then it is the bot as a whole that must wait.
    there.telegram.faults = [Fault(status=429, retry_after=3) for _chat in range(3)]
    for one in people[1:]:
        await there.put("a", chat_id=one["id"])
    first, second = there.sender(QUICK), there.sender(QUICK)
    running = asyncio.create_task(first.run())
    began = time.monotonic()
    try:
        while not first._pace.flood_s():
            assert time.monotonic() - began < 20
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.6)
        await there.put("b", chat_id=ERIC["id"])
        # The turn would be over by now.
        assert await second.carry_out() == 0 and there.seen_by(ERIC) == []
    finally:
        running.cancel()
        await asyncio.wait([running])
    # Nor once the first has gone: what it was told holds for all.
    assert await second.carry_out() == 0 and there.seen_by(ERIC) == []


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_T17_a_5xx_is_repeated_under_the_same_key(there: Outside, status: int) -> None:
    there.telegram.faults = [Fault(status=status)]
    await there.put("one")
    sender = there.sender()
    assert await sender.carry_out() == 1
    row = await there.row()
    assert (row.state, row.attempts) == ("waiting", 1) and row.last_error.startswith("retry")
    await due_again(there)
    assert await sender.carry_out() == 1
    assert there.seen_by(ALINE) == ["one"] and (await there.row()).state == "sent"
    assert (there.calls("down"), there.calls("unsure"), there.calls("done")) == (1, 0, 1)


@pytest.mark.parametrize("how", ["reset", "silence"])
async def test_T17_what_was_cut_off_after_the_body_may_arrive_twice_and_is_counted(
    there: Outside, how: str
) -> None:
    there.telegram.faults = [Fault(how)]
    await there.put("one")
    sender = there.sender()
    assert await sender.carry_out() == 1
    assert (await there.row()).state == "waiting"
    await due_again(there)
    await asyncio.sleep(1.0)
    assert await sender.carry_out() == 1
    assert there.seen_by(ALINE) == ["one", "one"] and (await there.row()).state == "sent"
    assert (there.calls("unsure"), there.calls("done")) == (1, 1)


async def test_while_nobody_answers_one_message_tries_for_all(there: Outside) -> None:
    there.telegram.faults = [Fault(status=503)] * 100
    for number in range(10):
        user = {"id": 800 + number, "first_name": "x"}
        there.telegram.people.says(user, "/start")
        await there.put("one", chat_id=user["id"])
    sender = there.sender(ChatRules(width=3))
    assert await sender.carry_out() == 3
    assert await sender.carry_out() == 0
    await asyncio.sleep(1.1)
    assert await sender.carry_out() == 1
    attempts = select(rows.c.attempts).order_by(rows.c.attempts)
    tried = await there.records.read(lambda db: list(db.execute(attempts).scalars()))
    assert tried == [0] * 6 + [1] * 4


@pytest.mark.parametrize("last_s", [0, 30])
async def test_three_chats_refused_at_once_hold_all_back_and_one_does_not(
    there: Outside, last_s: int
) -> None:
    for number in range(4):
        user = {"id": 800 + number, "first_name": "x"}
        there.telegram.people.says(user, "/start")
        await there.put("one", chat_id=user["id"])
    waits = (30, 30, last_s) if last_s else (30,)
    there.telegram.faults = [Fault(status=429, retry_after=wait_s) for wait_s in waits]
    sender = there.sender(ChatRules(width=3))
    assert await sender.carry_out() == 3
    assert await sender.carry_out() == (0 if last_s else 1)


async def test_what_is_as_it_should_be_counts_as_sent_and_what_is_wrong_is_a_dead_letter(
    there: Outside,
) -> None:
    await there.put("one")
    sender = there.sender(ChatRules(chat_every_s=1.02))
    await sender.carry_out()
    calls = {"same": {"message_id": 2, "text": "one"}, "gone": {"message_id": 99, "text": "two"}}

    def put(db) -> None:
        for name, args in calls.items():
            payload = {"chat_id": ALINE["id"], "method": "editMessageText", "args": args}
            outbox.put(db, "telegram", name, payload, now())

    await there.records.write(put)
    while await sender.carry_out():
        pass
    query = select(rows.c.dedupe_key, rows.c.state, rows.c.last_error)
    found = await there.records.read(
        lambda db: {row.dedupe_key: row for row in db.execute(query).all()}
    )
    assert found["same"].state == "sent"
    assert found["gone"].state == "dead" and "essage to edit not found" in found["gone"].last_error


async def told(there: Outside, *, key: str = "money:1") -> int:
    """Aline's link is confirmed, she was in the chat last, and there is news for her."""

    def work(db) -> int:
        contact_id = person(db, now())
        linked(db, contact_id)
        line = {"session_key": "telegram:700100200.1", "hop": 1, "owner": ALINE["phone"],
                "place": "home", "typed": "1", "shown": "x", "micros": 1, "at_ms": 1}  # fmt: skip
        db.execute(transcripts.insert().values(line))
        news.tell(db, contact_id, key, lambda: "Isoko: the money is there.", now())
        return contact_id

    return await there.records.write(work)


async def test_T09_who_has_blocked_us_gets_the_news_by_sms_and_is_written_to_no_more(
    there: Outside,
) -> None:
    contact_id = await told(there)
    await there.put("the answer to a press")
    there.telegram.people.blocks(ALINE)
    sender = there.sender()
    assert await sender.carry_out() == 1
    row = await there.row()
    assert (row.kind, row.state, row.dedupe_key) == ("sms", "waiting", "money:1")
    assert row.payload == {"contact_id": contact_id, "text": "Isoko: the money is there."}
    assert there.sms_woken == 1
    link = await there.records.read(lambda db: telegram_links.of_user(db, ALINE["id"]))
    assert link is not None and link.blocked
    # An answer in the chat is of no use by SMS, and nobody has to look at it either.
    await sender.carry_out()
    states = select(rows.c.kind, rows.c.state, rows.c.last_error).order_by(rows.c.id)
    answer = (await there.records.read(lambda db: db.execute(states).all()))[1]
    assert (answer.kind, answer.state) == ("telegram", "sent") and "403" in answer.last_error
    # The next news does not even try.
    await there.records.write(
        lambda db: news.tell(db, contact_id, "money:2", lambda: "Again.", now())
    )
    newest = select(rows.c.kind).order_by(rows.c.id.desc()).limit(1)
    assert await there.records.read(lambda db: db.execute(newest).scalar()) == "sms"
    assert there.seen_by(ALINE) == []


async def test_T09_who_is_gone_from_telegram_gets_the_news_by_sms(there: Outside) -> None:
    await told(there)
    there.telegram.chats.known(ALINE["id"]).started = False
    assert await there.sender().carry_out() == 1
    assert (await there.row()).kind == "sms"


async def test_T09_a_link_that_ended_meanwhile_takes_no_news_any_more(there: Outside) -> None:
    await told(there)
    rows_of_links = telegram_links.rows
    await there.records.write(lambda db: db.execute(update(rows_of_links).values(ended_at=now())))
    assert await there.sender().carry_out() == 1
    assert (await there.row()).kind == "sms" and there.seen_by(ALINE) == []


async def test_news_reaches_the_chat_whole(there: Outside) -> None:
    await told(there)
    assert await there.sender().carry_out() == 1
    assert there.seen_by(ALINE) == ["Isoko: the money is there."]
    assert (await there.row()).state == "sent"


async def test_after_the_last_try_news_leaves_by_sms_and_an_answer_is_a_dead_letter(
    there: Outside,
) -> None:
    await told(there)
    await there.put("an answer", chat_id=ERIC["id"])
    there.telegram.people.says(ERIC, "/start")
    there.telegram.faults = [Fault()] * 2
    assert await there.sender(ChatRules(max_attempts=1)).carry_out() == 2
    query = select(rows.c.kind, rows.c.state).order_by(rows.c.id)
    found = await there.records.read(lambda db: [tuple(row) for row in db.execute(query).all()])
    assert found == [("sms", "waiting"), ("telegram", "dead")]


async def test_of_two_senders_one_sends_until_it_lets_go(there: Outside) -> None:
    await there.put("one", "two")
    first, second = there.sender(), there.sender()
    assert await first.carry_out() == 1
    assert await second.carry_out() == 0
    await first.let_go()
    await asyncio.sleep(1.0)
    while await second.carry_out():
        pass
    assert there.seen_by(ALINE) == ["one", "two"]


async def test_what_is_to_leave_in_the_morning_holds_up_no_answer(there: Outside) -> None:
    payload = {"chat_id": ALINE["id"], "method": "sendMessage", "args": {"text": "morning"}}
    later = now() + timedelta(hours=8)
    await there.records.write(
        lambda db: outbox.put(db, "telegram", "offered:1", payload, now(), later)
    )
    await there.put("an answer")
    assert await there.sender().carry_out() == 1
    assert there.seen_by(ALINE) == ["an answer"]


async def test_what_arrived_is_written_down_when_the_records_were_away_for_that_moment(
    there: Outside, monkeypatch
) -> None:
    # Else it would come once more when its lease has run out: the records were gone for a second.
    await there.put("one")
    write, away = there.records.write, []

    async def falters(work):
        if there.seen_by(ALINE) and len(away) < 3:
            away.append(now())
            raise RecordsDown("gone")
        return await write(work)

    monkeypatch.setattr(there.records, "write", falters)
    assert await there.sender().carry_out() == 1
    assert len(away) == 3 and await there.left() == 0
    assert there.seen_by(ALINE) == ["one"]
