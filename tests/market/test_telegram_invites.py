"""T-14: an invitation is good once, for a while, for whom it is meant; on both stores."""

import asyncio
import base64
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bot.i18n import load_catalogues
from bot.market import people, telegram_invites
from bot.market.telegram_invites import Invite
from bot.storage.schema import audit, outbox
from bot.storage.schema import telegram_invites as rows
from bot.telegram import sharing
from tests.market.money import PAYEE, person
from tests.market.test_telegram_linking import ALINE, CODES, OTHER, THIEF, linked
from tests.telegram.chat import contact_message
from tests.telegram.test_sharing import HUB


def noted(db) -> list[str]:
    query = select(audit.c.action).where(audit.c.action.like("%invitation%")).order_by(audit.c.id)
    return list(db.execute(query).scalars())


async def test_T14_an_invitation_is_good_once(records, now) -> None:
    def work(db):
        token = telegram_invites.make(db, "amina", "", 72, now)
        uses = [telegram_invites.use(db, token, user, now) for user in (ALINE, ALINE, THIEF)]
        return token, uses, db.execute(select(rows)).mappings().one(), noted(db)

    token, uses, kept, lines = await records.write(work)
    assert uses == [Invite("", "amina"), None, None]
    # It fits a deep link, and the table holds nothing that opens anything.
    assert len(token) == 32 and token not in str(dict(kept)) and kept["used_by"] == ALINE
    assert lines == ["telegram invitation made", "telegram invitation used"]


async def test_T14_used_by_many_at_once_it_is_used_by_one(records, now) -> None:
    token = await records.write(lambda db: telegram_invites.make(db, "amina", "", 72, now))
    uses = await asyncio.gather(
        *(
            records.write(lambda db, u=u: telegram_invites.use(db, token, u, now))
            for u in range(1, 21)
        )
    )
    assert sum(one is not None for one in uses) == 1


@pytest.mark.parametrize(("hours", "good"), [(71, True), (73, False)])
async def test_T14_an_invitation_ends_by_itself(records, now, hours: int, good: bool) -> None:
    def work(db):
        token = telegram_invites.make(db, "amina", "", 72, now)
        return telegram_invites.use(db, token, ALINE, now + timedelta(hours=hours)) is not None

    assert await records.write(work) == good


async def test_T14_one_for_another_number_changes_nothing_and_stays_good(records, now) -> None:
    def work(db):
        load_catalogues()
        person(db, now)
        linked(db, now)
        token = telegram_invites.make(db, "amina", OTHER, 72, now)
        wrong = telegram_invites.use(db, token, ALINE, now)
        return wrong, telegram_invites.use(db, token, THIEF, now), noted(db)

    wrong, right, lines = await records.write(work)
    assert wrong is None and right == Invite(OTHER, "amina")
    assert lines[1] == "telegram invitation of another"


async def test_T14_who_then_shares_another_number_is_told_that_it_does_not_count(
    records, now
) -> None:
    load_catalogues()

    def work(db):
        token = telegram_invites.make(db, "amina", OTHER, 72, now)
        telegram_invites.use(db, token, THIEF, now)
        said = []
        for number in (PAYEE, OTHER):
            shared = sharing.contact_in(contact_message(number, THIEF))
            key = f"telegram:1:{number}"
            sharing.receive(db, CODES, HUB, shared, "en", key, now)
            query = select(outbox.c.payload).where(outbox.c.dedupe_key == key)
            said.append(db.execute(query).scalar()["args"]["text"])
        return said

    other, right = await records.write(work)
    assert other.startswith("The invitation was for another number")
    assert "invitation" not in right


_JUNK = (
    "", "link_7f3c1e9a", base64.b64encode(b"\x00" * 24).decode(), "A" * 32, "A" * 64, "A" * 65,
    "A" * 4096, "../../etc/passwd", "' OR 1=1 --", "\x00" * 32, "٣" * 32, "é" * 32, "-" * 32,
    "eyJhbGciOiJub25lIn0.eyJpZCI6MX0.", "A" * 31 + "\n",
)  # fmt: skip


async def test_T14_junk_is_a_plain_start(records, now) -> None:
    def work(db):
        token = telegram_invites.make(db, "amina", "", 72, now)
        near = (token[:-1], token + "A", token.swapcase(), token[::-1], f" {token}", f"{token}\n")
        return [telegram_invites.use(db, one, ALINE, now) for one in (*_JUNK, *near)]

    assert set(await records.write(work)) == {None}


@given(st.text(max_size=80))
def test_T14_whatever_is_no_token_is_not_even_looked_up(text: str) -> None:
    class Untouched:
        def execute(self, *_args: object) -> None:
            raise AssertionError("looked up")

    if telegram_invites._TOKEN.fullmatch(text) is None:
        assert telegram_invites.use(Untouched(), text, ALINE, None) is None


async def test_an_invitation_is_forgotten_with_its_person_and_a_week_after_its_end(
    records, now
) -> None:
    def work(db):
        contact_id = person(db, now)
        telegram_invites.make(db, "amina", PAYEE, 72, now)
        telegram_invites.make(db, "amina", OTHER, 72, now)
        people.erase(db, contact_id, now)
        left = db.execute(select(rows.c.msisdn)).scalars().all()
        telegram_invites.forget_old(db, now + timedelta(days=9))
        kept = db.execute(select(rows.c.msisdn)).scalars().all()
        telegram_invites.forget_old(db, now + timedelta(days=11))
        return left, kept, db.execute(select(rows.c.msisdn)).scalars().all()

    assert await records.write(work) == ([OTHER], [OTHER], [])
