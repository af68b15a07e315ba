"""Through the real door: the co-operative asks, members answer by phone, housekeeping minds time."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from bot.market import disputes
from bot.operations.housekeeping import Housekeeping
from bot.storage.schema import prices, shares, splits
from tests.phone import PIN
from tests.server import AIRTEL, COOPERATIVE, DEBTOR, Running


async def keep_house(server: Running) -> None:
    await Housekeeping(server.parts.market, server.parts.sender.wake, timedelta(days=30)).keep()


async def test_members_answer_by_phone_and_the_last_kilos_have_one_taker(server: Running) -> None:
    member = server.phone(DEBTOR)
    await member.dials()
    asked = await member.types("2", "3")
    assert "Koperative Umusaruro" in asked and "150 kg" in asked
    done = await member.types("1", "ibiro 150", PIN)
    assert member.ended and "150 kg" in done
    assert any("210 kg" in text for text in await server.inbox(COOPERATIVE))
    # A repeat of the same hop has the same bytes and no second effect.
    before = member.last
    assert await member.sends() == before[4:]
    again = server.phone(DEBTOR)
    await again.dials()
    assert "KW-1045" not in await again.types("2")


@pytest.mark.parametrize(("language", "label"), [
    ("1", "Nshobora gutanga"), ("2", "Je peux donner"), ("3", "I can give"),
])  # fmt: skip
async def test_the_day_that_counts_is_told_before_the_pin(
    server: Running, language: str, label: str
) -> None:
    """What is given is held for two days: that day is on every screen, the order's on none."""
    phone = server.phone(DEBTOR)
    await phone.dials()
    await phone.types("9", language)
    await phone.dials()
    told = [await phone.types("2", "3")]
    await phone.picks(label)
    told += [await phone.types("50 kg"), await phone.types("00000"), await phone.types(PIN)]
    assert phone.ended
    days = [re.search(r"Ruli.*? ([0-9]{2}/[0-9]{2})", screen, re.DOTALL) for screen in told]
    given = re.search(r"([0-9]{2}/[0-9]{2})/[0-9]{4}", told[-1])
    assert given is not None
    assert [day[1] for day in days if day is not None] == [given[1]] * 4


async def test_what_is_not_brought_in_time_is_free_and_told(server: Running) -> None:
    over = update(shares).where(shares.c.state == "held").values(held_until=datetime.now(UTC))
    await server.parts.market.records.write(lambda db: db.execute(over))
    await keep_house(server)
    assert any("60 kg" in text and "KW-1045" in text for text in await server.inbox(AIRTEL))
    phone = server.phone(DEBTOR)
    await phone.dials()
    assert "210 kg" in await phone.types("2", "3")


async def test_who_gives_for_an_order_that_is_called_off_meanwhile_reads_it(
    server: Running,
) -> None:
    phone = server.phone(DEBTOR)
    await phone.dials()
    await phone.types("9", "3")
    await phone.dials()
    await phone.types("2", "3", "1", "50 kg")
    now = datetime.now(UTC)

    def ends(db) -> None:
        offer_id = db.execute(select(splits.c.offer_id).order_by(splits.c.id)).scalars().first()
        for deed in (disputes.dispute, disputes.call_off):
            deed(db, offer_id, reason="lost", by="vera", channel="test", now=now)

    await server.parts.market.records.write(ends)
    assert "order KW-1045 was called off" in await phone.types(PIN)
    assert any("KW-1045" in text for text in (await server.inbox(AIRTEL))[-1:])


async def test_a_co_operative_asks_by_phone_and_each_member_hears(server: Running) -> None:
    phone = server.phone(COOPERATIVE)
    await phone.dials()
    await phone.types("2", "1", "1", PIN)
    await phone.dials()
    asked = await phone.types("00", "2", "1", "1", "3", "5")
    assert "Your members are asked." in asked
    for number in (AIRTEL, DEBTOR):
        assert any("KW-1046" in text and "150 kg" in text for text in await server.inbox(number))


async def test_others_have_no_members_to_ask(server: Running) -> None:
    phone = server.phone(AIRTEL)
    await phone.dials()
    screen = await phone.types("2")
    assert "Abanyamuryango" not in screen
    assert "Gusaranganya" not in await phone.types("1", "1")


async def test_a_price_above_the_figure_comes_as_an_sms(server: Running) -> None:
    today = datetime.now(UTC)
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "3", "3", "2", "5", "3", "700")
    row = {"product": "MAIZE", "place": "Ruli", "kind": "retail", "amount_rwf": 810, "unit": "kg",
           "valid_on": today.date(), "source": "WFP", "entered_at": today}  # fmt: skip
    await server.parts.market.records.write(lambda db: db.execute(insert(prices).values(row)))
    for _twice in range(2):
        await keep_house(server)
    # At night it waits for the morning, which is a test of its own.
    told = [text for text in await server.inbox(phone.msisdn) if "810" in text]
    hour = (today + timedelta(hours=2)).hour
    quiet = server.parts.market.quiet
    is_quiet = quiet.leaves_at(today) != today
    assert len(told) == (0 if is_quiet else 1), hour
