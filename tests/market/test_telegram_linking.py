"""T-08, T-09: an account speaks for a number by its phone's word alone; on both stores."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.i18n import load_catalogues, speaking
from bot.market import people, telegram_linking, telegram_links, telegram_words, verifying
from bot.market.link_codes import LinkCodes
from bot.market.telegram_linking import CODE_MINUTES, WRONG_CODES_MAX
from bot.storage.schema import audit, outbox, transcripts
from bot.storage.schema import telegram_links as rows
from tests.market.money import PAYEE, person
from tests.market.test_erasure import everything

CODES = LinkCodes("test-secret")
ALINE, THIEF = 700100200, 5_000_000_000_000
OTHER = "+250788000077"


def ask(db, now, user_id: int = ALINE, msisdn: str = PAYEE):
    load_catalogues()
    return telegram_linking.ask(
        db, CODES, user_id=user_id, chat_id=user_id, msisdn=msisdn, language="en", now=now
    )


def linked(db, now, user_id: int = ALINE, msisdn: str = PAYEE) -> int:
    """Ask, type the code on the phone, confirm; the link's number."""
    code = ask(db, now, user_id, msisdn).code
    tried = telegram_linking.try_code(db, CODES, msisdn, code, now)
    contact = people.by_msisdn(db, msisdn)
    whose = contact.id if contact else 0
    assert telegram_linking.confirm(db, tried.link_id, msisdn, whose, now) == "confirmed"
    return tried.link_id


def told(db, chat_id: int) -> list[str]:
    query = select(outbox.c.payload).where(outbox.c.kind == "telegram").order_by(outbox.c.id)
    payloads = db.execute(query).scalars().all()
    return [one["args"]["text"] for one in payloads if one["chat_id"] == chat_id]


def noted(db) -> list[str]:
    query = select(audit.c.action).where(audit.c.action.like("telegram%")).order_by(audit.c.id)
    return list(db.execute(query).scalars())


async def test_T08_nothing_is_linked_before_the_phone_has_typed_the_code(records, now) -> None:
    def work(db):
        contact_id = person(db, now)
        asked = ask(db, now)
        before = telegram_links.of_user(db, ALINE), telegram_links.of_contact(db, contact_id)
        tried = telegram_linking.try_code(db, CODES, PAYEE, asked.code, now)
        between = telegram_links.of_user(db, ALINE)
        telegram_linking.confirm(db, tried.link_id, PAYEE, contact_id, now)
        return contact_id, before, between, telegram_links.of_user(db, ALINE), told(db, ALINE)

    contact_id, before, between, link, said = await records.write(work)
    assert before == (None, None) and between is None
    assert (link.user_id, link.msisdn, link.contact_id) == (ALINE, PAYEE, contact_id)
    assert link.confirmed and not link.blocked and "now linked" in said[0]


async def test_T08_a_second_account_takes_nothing_over_silently(records, now) -> None:
    def work(db):
        contact_id = person(db, now)
        linked(db, now)
        asked = ask(db, now, THIEF)
        warned, still = told(db, ALINE), telegram_links.of_contact(db, contact_id)
        wrong = telegram_linking.try_code(db, CODES, PAYEE, "0" * 6, now)
        tried = telegram_linking.try_code(db, CODES, PAYEE, asked.code, now)
        done = telegram_linking.confirm(db, tried.link_id, PAYEE, contact_id, now)
        holders = telegram_links.of_user(db, ALINE), telegram_links.of_contact(db, contact_id)
        return warned, still, wrong, done, holders, told(db, ALINE), told(db, THIEF), noted(db)

    warned, still, wrong, done, holders, old, new, lines = await records.write(work)
    assert "Another Telegram account" in warned[-1] and still.user_id == ALINE
    assert wrong.outcome in ("wrong", "right") and done == "confirmed"
    assert holders[0] is None and holders[1].user_id == THIEF
    assert "another Telegram account" in old[-1] and len(old) == 3 and len(new) == 1
    assert lines == [
        "telegram linked", "telegram asked by another", "telegram unlinked", "telegram linked",
    ]  # fmt: skip


async def test_T08_who_asks_again_and_again_tells_the_old_account_once_a_day(records, now) -> None:
    def work(db):
        person(db, now)
        linked(db, now)
        outcomes = [ask(db, now, THIEF).outcome for _time in range(8)]
        later = ask(db, now + timedelta(minutes=61), THIEF).outcome
        return outcomes, later, told(db, ALINE)

    outcomes, later, said = await records.write(work)
    assert outcomes == ["asked"] * 5 + ["too_often"] * 3 and later == "asked"
    assert sum("asks to speak" in one for one in said) == 1


async def test_T08_two_phones_cannot_hold_one_account_whoever_is_first(records, now) -> None:
    """Asked at the same moment for two accounts, on real connections: one link at the end."""
    contact_id = await records.write(lambda db: person(db, now))
    asked = await asyncio.gather(
        *(records.write(lambda db, u=u: ask(db, now, u)) for u in range(701, 709)),
        return_exceptions=True,
    )
    codes = [one.code for one in asked if not isinstance(one, BaseException)]
    assert codes
    right = set()
    for code in codes:
        tried = await records.write(
            lambda db, c=code: telegram_linking.try_code(db, CODES, PAYEE, c, now)
        )
        if tried.outcome == "right":
            # The others' codes would count as wrong ones, and the fifth would end this link.
            right.add(tried.link_id)
            break
    for link_id in right:
        both = [
            records.write(
                lambda db: telegram_linking.confirm(db, link_id, PAYEE, contact_id, now)  # noqa: B023
            )
            for _twice in range(2)
        ]
        assert sorted(await asyncio.gather(*both)) == ["confirmed", "gone"]
    live = select(rows.c.id).where(rows.c.confirmed_at.is_not(None), rows.c.ended_at.is_(None))
    assert len(await records.read(lambda db: db.execute(live).all())) == len(right)


async def test_a_code_ends_after_five_wrong_ones(records, now) -> None:
    def work(db):
        person(db, now)
        code = ask(db, now).code
        wrong = f"{(int(code) + 1) % 1_000_000:06}"
        tries = [telegram_linking.try_code(db, CODES, PAYEE, wrong, now) for _try in range(6)]
        return tries, telegram_linking.try_code(db, CODES, PAYEE, code, now), noted(db)

    tries, right, lines = await records.write(work)
    assert [one.left for one in tries[:4]] == [4, 3, 2, 1] and WRONG_CODES_MAX == 5
    assert [one.outcome for one in tries] == ["wrong"] * 4 + ["none"] * 2
    assert right.outcome == "none" and lines == ["telegram code tried too often"]


@pytest.mark.parametrize(("minutes", "outcome"), [(29, "right"), (31, "none")])
async def test_a_code_is_good_for_half_an_hour(records, now, minutes: int, outcome: str) -> None:
    def work(db):
        contact_id, code = person(db, now), ask(db, now).code
        later = now + timedelta(minutes=minutes)
        tried = telegram_linking.try_code(db, CODES, PAYEE, code, later)
        # Typed in time, the PIN too late.
        too_late = telegram_linking.confirm(
            db, tried.link_id, PAYEE, contact_id, now + timedelta(minutes=CODE_MINUTES + 1)
        )
        return tried.outcome, too_late

    assert await records.write(work) == (outcome, "gone")


async def test_a_code_is_of_one_number_and_one_account(records, now) -> None:
    def work(db):
        person(db, now)
        person(db, now, OTHER)
        code = ask(db, now).code
        elsewhere = telegram_linking.try_code(db, CODES, OTHER, code, now)
        link_id = telegram_linking.try_code(db, CODES, PAYEE, code, now).link_id
        stranger = people.by_msisdn(db, OTHER).id
        taken = telegram_linking.confirm(db, link_id, OTHER, stranger, now)
        as_another = telegram_linking.confirm(db, link_id, PAYEE, stranger, now)
        return elsewhere.outcome, taken, as_another

    assert await records.write(work) == ("none", "gone", "gone")


async def test_P08_who_must_first_be_called_confirms_no_account(records, now) -> None:
    """Whoever has swapped the SIM has the phone, and may know the PIN: the call comes first."""

    def work(db):
        contact_id, code = person(db, now), ask(db, now).code
        link_id = telegram_linking.try_code(db, CODES, PAYEE, code, now).link_id
        verifying.report_sim(db, PAYEE, "operator", now)
        done = telegram_linking.confirm(db, link_id, PAYEE, contact_id, now)
        return done, telegram_links.of_user(db, ALINE)

    assert await records.write(work) == ("verify", None)


async def test_T09_an_account_with_another_number_speaks_for_the_old_one_no_more(
    records, now
) -> None:
    def work(db):
        contact_id = person(db, now)
        linked(db, now)
        again = ask(db, now).outcome
        ask(db, now, msisdn=OTHER)
        sms = select(outbox.c.payload).where(outbox.c.kind == "sms")
        news = [one["text"] for one in db.execute(sms).scalars() if "Telegram" in one["text"]]
        return (
            again,
            telegram_links.of_contact(db, contact_id),
            telegram_links.of_user(db, ALINE),
            news,
        )

    again, old, new, news = await records.write(work)
    assert again == "linked" and old is None and new is None and len(news) == 1


async def test_T09_blocked_until_it_comes_back_and_nothing_is_sent_meanwhile(records, now) -> None:
    def work(db):
        contact_id = person(db, now)
        linked(db, now)
        telegram_links.block(db, ALINE, now)
        telegram_links.block(db, ALINE, now + timedelta(days=1))
        blocked = telegram_links.of_contact(db, contact_id)
        ask(db, now, THIEF)
        said = told(db, ALINE)
        telegram_links.unblock(db, ALINE, now)
        telegram_links.unblock(db, ALINE, now)
        return blocked, said, telegram_links.of_contact(db, contact_id), noted(db)

    blocked, said, back, lines = await records.write(work)
    assert blocked.blocked and blocked.confirmed and len(said) == 1 and not back.blocked
    assert lines.count("telegram back") == 1


async def test_T09_a_number_that_goes_to_another_person_takes_no_chat_along(records, now) -> None:
    """Staff give the number to a new account: the old account's chat sees nothing of it."""

    def work(db):
        contact_id = person(db, now)
        linked(db, now)
        db.execute(people.contacts.update().values(msisdn=OTHER))
        newcomer = person(db, now)
        alone = telegram_links.of_user(db, ALINE), telegram_links.of_contact(db, contact_id)
        # And the newcomer's own account is not hindered by what is left behind.
        linked(db, now, THIEF)
        return alone, telegram_links.of_contact(db, newcomer).user_id

    assert await records.write(work) == ((None, None), THIEF)


async def test_unlinking_from_either_side(records, now) -> None:
    def work(db):
        person(db, now)
        linked(db, now)
        in_the_chat = telegram_links.unlink(db, ALINE, now), telegram_links.unlink(db, ALINE, now)
        linked(db, now)
        on_the_phone = [telegram_links.unlink_number(db, PAYEE, now) for _twice in range(2)]
        left = db.execute(select(rows.c.msisdn, rows.c.user_id, rows.c.contact_id)).all()
        return in_the_chat, on_the_phone, set(map(tuple, left)), told(db, ALINE)[-1]

    in_the_chat, on_the_phone, left, said = await records.write(work)
    assert in_the_chat == (True, False) and on_the_phone == [True, False]
    assert left == {("", 0, None)} and "no longer linked" in said


async def test_stop_also_ends_what_waits_for_a_code(records, now) -> None:
    def work(db):
        person(db, now)
        code = ask(db, now).code
        telegram_links.unlink(db, ALINE, now)
        return telegram_linking.try_code(db, CODES, PAYEE, code, now).outcome

    assert await records.write(work) == "none"


@pytest.mark.parametrize(
    ("hours", "channel", "theirs"),
    [(1, "ussd", True), (25, "ussd", False), (1000, "telegram", True)],
)
async def test_who_registers_after_linking_is_the_one_who_linked_unless_long_ago(
    records, now, hours: int, channel: str, theirs: bool
) -> None:
    def work(db):
        linked(db, now)
        later = now + timedelta(hours=hours)
        contact_id = people.register(
            db, msisdn=PAYEE, names="F", district="Huye", language="en", role="farmer",
            crop="coffee", pin_hash="x", channel=channel, now=later,
        ).id  # fmt: skip
        link = telegram_links.of_contact(db, contact_id)
        return link is not None, telegram_links.of_user(db, ALINE) is not None

    assert await records.write(work) == (theirs, theirs)


async def test_erasing_a_person_empties_all_that_is_kept_of_the_account(records, now) -> None:
    def work(db):
        contact_id = person(db, now)
        linked(db, now)
        ask(db, now, THIEF)
        call = {
            "session_key": f"telegram:{ALINE}.0", "hop": 1, "owner": f"tg:{ALINE}",
            "place": "home.menu", "typed": "1", "shown": "x", "micros": 1, "at_ms": 1,
        }  # fmt: skip
        db.execute(transcripts.insert().values(call))
        others = {**call, "session_key": "telegram:7.0", "owner": "tg:7", "hop": 2}
        db.execute(transcripts.insert().values(others))
        people.erase(db, contact_id, now)
        return telegram_links.of_user(db, ALINE), db.execute(
            select(rows.c.ended_at)
        ).scalars().all()

    link, ended = await records.write(work)
    left = await everything(records)
    assert link is None and ended == [now, now]
    assert PAYEE not in left and str(ALINE) not in left and str(THIEF) not in left
    assert "tg:7'" in left


async def test_what_nobody_confirmed_is_forgotten_after_a_day(records, now) -> None:
    def work(db):
        person(db, now, OTHER)
        linked(db, now, ALINE, OTHER)
        ask(db, now, THIEF)
        telegram_links.forget_old(db, now + timedelta(hours=25))
        return db.execute(select(rows.c.user_id).order_by(rows.c.id)).scalars().all()

    assert await records.write(work) == [ALINE, 0]


def test_a_code_is_kept_as_a_keyed_digest() -> None:
    code = CODES.new()
    assert len(code) == 6 and code.isdecimal()
    same = CODES.digest(ALINE, PAYEE, code)
    assert same == LinkCodes("test-secret").digest(ALINE, PAYEE, code)
    assert same != LinkCodes("another-secret").digest(ALINE, PAYEE, code)
    assert same != CODES.digest(THIEF, PAYEE, code) != CODES.digest(ALINE, OTHER, code)
    with pytest.raises(ValueError, match="ISOKO_SECRET_KEY"):
        LinkCodes("")


async def test_a_notice_is_in_the_language_that_its_person_chose_last(records, now) -> None:
    def work(db) -> str:
        contact_id = person(db, now)
        linked(db, now)
        people.set_language(db, contact_id, "fr")
        telegram_links.unlink_number(db, PAYEE, now)
        return told(db, ALINE)[-1]

    with speaking("fr"):
        wanted = telegram_words.unlinked()
    assert await records.write(work) == wanted
    with speaking("en"):
        assert telegram_words.unlinked() != wanted
