"""What has left: emptied after some days under its key; and found by whose it is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from bot.market import held_data, people, retries, telegram_links
from bot.operations.backlog import waiting
from bot.operations.housekeeping import Housekeeping
from bot.settings import load_settings
from bot.storage import old_letters, outbox
from bot.storage.opening import open_records
from bot.storage.records import Records
from bot.storage.schema import outbox as rows
from bot.wiring import market_of
from tests.market.money import PAYEE, person
from tests.migrated import begin_in
from tests.plans import scans

CODE = "*384*801*4711#"


def leaves(db, key: str, kind: str, payload: dict, now: datetime) -> None:
    """Write a letter, and let it leave."""
    outbox.put(db, kind, key, payload, now)
    for row in outbox.claim(db, "me", now, 30, 100, (kind,)):
        outbox.done(db, row, now)


async def test_what_a_message_said_is_gone_after_some_days_and_it_still_leaves_once(
    records: Records, now: datetime
) -> None:
    said = {"chat_id": 7, "method": "sendMessage", "args": {"text": f"Dial {CODE}"}}
    await records.write(lambda db: leaves(db, "code:1", "telegram", said, now))
    note = {"msisdn": PAYEE, "about_contact": 5, "text": "words"}
    await records.write(lambda db: leaves(db, "note:1", "sms", note, now + timedelta(days=1)))
    until = now + timedelta(hours=1)
    assert await records.write(lambda db: old_letters.empty_before(db, until, 10)) == 1
    assert await records.write(lambda db: old_letters.empty_before(db, until, 10)) == 0
    query = select(rows.c.payload, rows.c.lane, rows.c.contact_id, rows.c.msisdn).order_by(
        rows.c.id
    )
    first, second = await records.read(lambda db: db.execute(query).all())
    assert tuple(first) == ({}, "", None, None)
    assert tuple(second) == (note, "", 5, PAYEE)
    assert not await records.write(lambda db: outbox.put(db, "telegram", "code:1", said, now))


async def test_what_names_nobody_stays_so_that_staff_know_which_it_was(
    records: Records, now: datetime
) -> None:
    said = {"subscription": 1, "event_id": "evt_1", "type": "order.accepted", "body": "{}"}
    await records.write(lambda db: leaves(db, "hook:1:evt_1", "webhook", said, now))
    await records.write(lambda db: old_letters.empty_before(db, now + timedelta(days=1), 10))
    (left,) = await records.read(lambda db: list(db.execute(select(rows.c.payload)).scalars()))
    assert left == {"subscription": 1, "event_id": "evt_1", "type": "order.accepted"}


async def test_housekeeping_empties_as_long_as_the_setting_says(
    records: Records,
) -> None:
    now = datetime.now(UTC)
    market = market_of(load_settings({}), records)

    def write(db) -> None:
        for age in (3, 1):
            leaves(db, f"age:{age}", "sms", {"text": f"age {age}"}, now - timedelta(days=age))

    await records.write(write)
    days = timedelta(days=2)
    await Housekeeping(market, lambda: None, days, keep_letters=days).keep()
    mine = select(rows.c.payload).where(rows.c.dedupe_key.like("age:%")).order_by(rows.c.id)
    assert await records.read(lambda db: list(db.execute(mine).scalars())) == [
        {},
        {"text": "age 1"},
    ]


async def test_no_letter_of_others_is_read_where_one_person_or_one_kind_is_asked_for(
    tmp_path: Path, now: datetime
) -> None:
    await begin_in(tmp_path)
    store = await open_records("", tmp_path)

    def look(db) -> dict[str, list[str]]:
        mine = person(db, now)
        outbox.put(db, "sms", "mine", {"contact_id": mine, "text": "x"}, now)
        works = {
            "held": lambda db: held_data.everything(db, mine),
            "erase": lambda db: people.erase(db, mine, now),
            "chat": lambda db: telegram_links.forget(db, mine, PAYEE, now),
            "number": lambda db: people.cancel_messages(db, mine, PAYEE),
            "claim": lambda db: outbox.claim(db, "me", now, 30, 10, ("sms", "telegram")),
            "webhooks": lambda db: outbox.claim_in_turn(
                db, "webhook", "me", now, 9, 9, ("hook:1",)
            ),
            "backlog": lambda db: waiting(db, now),
            "dated anew": lambda db: outbox.bring_back(db, now, 10),
            "empty": lambda db: old_letters.empty_before(db, now, 10),
            "unsent": outbox.unsent,
            "untaken": retries.untaken,
        }
        return {name: scans(db, "outbox", work) for name, work in works.items()}

    found = await store.write(look)
    await store.close()
    assert {name: asked for name, asked in found.items() if asked} == {}
