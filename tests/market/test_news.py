"""Where news reaches people, and when; on both stores."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from bot.market import news, news_wishes, people
from bot.market.news import NEVER, QuietHours
from bot.market.orders import create_order, make_offer
from bot.storage.schema import contacts, transcripts
from bot.storage.schema import outbox as rows
from tests.market.money import person
from tests.market.test_offers import order_of
from tests.telegram.outside import ALINE, linked

NIGHT = QuietHours(21, 6, "Africa/Kigali")


def was_in(db, where: str) -> None:
    line = {"session_key": where, "hop": 1, "owner": ALINE["phone"], "place": "home", "typed": "1",
            "shown": "x", "micros": 1, "at_ms": 1}  # fmt: skip
    db.execute(insert(transcripts).values(line))


def told(db, contact_id: int, now, **more) -> str:
    """By which way this person's newest news goes."""
    key = f"money:{len(db.execute(select(rows.c.id)).all())}"
    news.tell(db, contact_id, key, lambda: "It is there.", now, **more)
    row = db.execute(select(rows).where(rows.c.dedupe_key == key)).one()
    # Whatever the way, words for an SMS are with it.
    assert (row.payload.get("sms") or row.payload.get("text")) == "It is there."
    return row.kind


async def test_news_goes_where_the_person_was_last_and_else_by_sms(records, now) -> None:
    def work(db):
        contact_id = person(db, now)
        ways = [told(db, contact_id, now)]
        was_in(db, "telegram:700100200.0")
        # Nobody has confirmed that this chat is theirs.
        ways.append(told(db, contact_id, now))
        linked(db, contact_id)
        ways.append(told(db, contact_id, now))
        was_in(db, "africastalking:ATUid_1")
        ways.append(told(db, contact_id, now))
        was_in(db, "telegram:700100200.1")
        return [*ways, told(db, contact_id, now), told(db, contact_id, now, by_phone=True)]

    assert await records.write(work) == ["sms", "sms", "telegram", "sms", "telegram", "sms"]


async def test_news_about_somebody_who_must_be_called_first_stays_with_the_number(
    records, now
) -> None:
    def work(db):
        contact_id = person(db, now)
        linked(db, contact_id)
        was_in(db, "telegram:700100200.1")
        db.execute(update(contacts).values(verify_since=now))
        return told(db, contact_id, now)

    assert await records.write(work) == "sms"


async def test_news_for_the_chat_of_an_erased_person_is_cancelled(records, now) -> None:
    def work(db):
        contact_id = person(db, now)
        linked(db, contact_id)
        was_in(db, "telegram:700100200.1")
        assert told(db, contact_id, now) == "telegram"
        people.erase(db, contact_id, now)
        return db.execute(select(rows.c.id)).all()

    assert await records.write(work) == []


@pytest.mark.parametrize(
    ("hour", "minute", "day_after", "waits"),
    [(20, 59, 0, False), (21, 0, 1, True), (23, 59, 1, True), (0, 0, 0, True), (5, 59, 0, True),
     (6, 0, 0, False), (12, 0, 0, False)],
)  # fmt: skip
def test_quiet_hours_end_in_the_morning(
    hour: int, minute: int, day_after: int, waits: bool
) -> None:
    # Kigali is two hours ahead of UTC, all year.
    at = datetime(2026, 11, 24, hour, minute, tzinfo=UTC) - timedelta(hours=2)
    morning = datetime(2026, 11, 24, 4, 0, tzinfo=UTC) + timedelta(days=day_after)
    assert NIGHT.leaves_at(at) == (morning if waits else at)
    assert NEVER.leaves_at(at) == at
    # What could be answered only before the morning is of no use then.
    assert NIGHT.leaves_at(at, morning) == at


def test_quiet_hours_at_noon_end_on_the_same_day() -> None:
    noon = QuietHours(12, 14, "UTC")
    at = datetime(2026, 11, 24, 13, 30, tzinfo=UTC)
    assert noon.leaves_at(at) == datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
    assert noon.leaves_at(at + timedelta(hours=1)) == at + timedelta(hours=1)


async def test_an_offer_of_the_night_is_told_in_the_morning_and_money_at_once(records, now) -> None:
    night = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)

    def work(db):
        contact_id = person(db, now)
        order_id = create_order(db, order_of(now, 10, "KW-77"), night)
        late = night + timedelta(days=2)
        make_offer(db, order_id, contact_id, 10, late, "*384*801#", night, "Africa/Kigali", NIGHT)
        told(db, contact_id, night)
        return [row.due_at for row in db.execute(select(rows.c.due_at).order_by(rows.c.id)).all()]

    assert await records.write(work) == [datetime(2026, 11, 25, 4, 0, tzinfo=UTC), night]


async def test_news_goes_where_the_person_wishes(records, now) -> None:
    def work(db):
        contact_id = person(db, now)
        # Nothing can go to a chat that is nobody's yet.
        news_wishes.set_way(db, contact_id, "chat")
        ways = [told(db, contact_id, now, quiet=NIGHT)]
        linked(db, contact_id)
        was_in(db, "africastalking:ATUid_1")
        ways.append(told(db, contact_id, now, quiet=NIGHT))
        ways.append(told(db, contact_id, now, quiet=NIGHT, by_phone=True))
        # What never waits, such as money, is promised on the screen as an SMS.
        ways.append(told(db, contact_id, now))
        news_wishes.set_way(db, contact_id, "sms")
        was_in(db, "telegram:700100200.1")
        ways.append(told(db, contact_id, now))
        news_wishes.set_way(db, contact_id, "last")
        return [*ways, told(db, contact_id, now)]

    assert await records.write(work) == ["sms", "telegram", "sms", "sms", "sms", "telegram"]


async def test_news_waits_in_the_hours_that_the_person_wishes(records) -> None:
    # 20:30 in Kigali: the hub's own night is not yet.
    evening = datetime(2026, 11, 24, 18, 30, tzinfo=UTC)
    morning = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)

    def work(db):
        contact_id = person(db, evening)
        leaving = []

        def tell(**more) -> None:
            key = f"news:{len(leaving)}"
            news.tell(db, contact_id, key, lambda: "x", evening, **more)
            due = select(rows.c.due_at).where(rows.c.dedupe_key == key)
            leaving.append(db.execute(due).scalar_one())

        tell(quiet=NIGHT)
        news_wishes.set_hours(db, contact_id, (20, 6))
        tell(quiet=NIGHT)
        # Of no use by then, and what never waits.
        tell(quiet=NIGHT, before=morning)
        tell()
        news.tell_by_sms(db, [contact_id], "many", lambda: "x", evening, NIGHT)
        many = select(rows.c.due_at).where(rows.c.dedupe_key == f"many:{contact_id}")
        leaving.append(db.execute(many).scalar_one())
        news_wishes.set_hours(db, contact_id, (0, 0))
        tell(quiet=QuietHours(20, 6, "Africa/Kigali"))
        # Back to the hub's, whatever they are by now.
        news_wishes.set_hours(db, contact_id, None)
        tell(quiet=QuietHours(20, 6, "Africa/Kigali"))
        return leaving

    due = [evening, morning, evening, evening, morning, evening, morning]
    assert await records.write(work) == due


async def test_a_wish_goes_with_its_person(records, now) -> None:
    def work(db):
        contact_id = person(db, now)
        news_wishes.set_way(db, contact_id, "sms")
        news_wishes.set_hours(db, contact_id, (20, 6))
        held = people.copy_of(db, contact_id)["news_wishes"]
        people.erase(db, contact_id, now)
        return held, news_wishes.of(db, contact_id)

    held, after = await records.write(work)
    ours = {name: value for name, value in held[0].items() if name != "contact_id"}
    unmuted = {"muted_since": None, "muted_by": "", "muted_why": ""}
    assert ours == {"way": "sms", "quiet_from": 20, "quiet_until": 6} | unmuted
    assert after == news_wishes.Wish()
