"""The number for money, and who holds a number: tried by phone, as thieves would."""

import pytest
from sqlalchemy import select, update

from bot.market import payments, people, verifying
from bot.storage.schema import contacts, tickets
from tests.cli.test_money_commands import isoko
from tests.phone import PIN
from tests.server import DEBTOR, FARMER, Running, running
from tests.test_payout_loop import count_at_operator, operator, pay

NEW = "+250738000077"


async def change_number(server: Running, number: str = "0738000077") -> str:
    phone = server.phone()
    await phone.dials()
    return await phone.types("00", "6", "5", number, PIN)


async def wallet(server: Running) -> people.Contact:
    return await server.parts.market.records.read(lambda db: people.by_msisdn(db, FARMER))


async def test_P10_the_number_is_changed_with_the_pin_and_the_old_one_is_told(
    server: Running,
) -> None:
    assert "72" in await change_number(server)
    contact = await wallet(server)
    assert (contact.wallet, contact.wallet_provider) == (NEW, "")
    assert any("yavuye ku yawe" in text for text in await server.inbox(FARMER))


async def test_P10_a_payout_to_a_new_number_reaches_no_operator_by_itself(server: Running) -> None:
    operator(server)
    await change_number(server, "0788000077")
    before = await count_at_operator(server)
    payment = await pay(server)
    await server.inbox(FARMER)
    kept = await server.parts.market.records.read(
        lambda db: payments.by_reference(db, payment.reference)
    )
    assert kept.state == "created" and await count_at_operator(server) == before
    assert any("arategereje kugenzurwa" in text for text in await server.inbox(FARMER))


@pytest.mark.parametrize("typed", ["12", "0788", "+256788123456", "7", "0788000001", "0250788"])
async def test_P10_what_is_no_new_number_of_an_operator_is_asked_again(
    server: Running, typed: str
) -> None:
    phone = server.phone()
    await phone.dials()
    asked = await phone.types("6", "5")
    again = await phone.types(typed)
    assert asked.split("\n")[0] in again and not phone.ended
    assert (await wallet(server)).wallet == FARMER


@pytest.mark.parametrize("code", ["6*5*0738000077", f"6*5*0738000077*{PIN}"])
async def test_P10_no_long_code_says_where_the_money_goes(server: Running, code: str) -> None:
    phone = server.phone()
    asked = await phone.dials(code)
    assert "001" in asked and NEW[-9:] not in asked and not phone.ended
    # The number comes from whoever holds the phone now, and so does the PIN.
    assert NEW[1:] not in await phone.types("12") and (await wallet(server)).wallet == FARMER
    assert NEW in await phone.types("0738000077")
    await phone.types(PIN)
    assert (await wallet(server)).wallet == NEW


async def test_P10_a_wrong_pin_changes_nothing(server: Running) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("6", "5", "0738000077", "80000", "80001", "80002")
    assert phone.ended and (await wallet(server)).wallet == FARMER


async def silent(server: Running, days: int) -> None:
    def work(db) -> None:
        day = people.day_number(server.parts.engine._clock()) - days
        db.execute(update(contacts).where(contacts.c.msisdn == FARMER).values(seen_day=day))

    await server.parts.market.records.write(work)


async def test_P08_silent_for_90_days_it_reads_but_accepts_and_changes_nothing(
    server: Running,
) -> None:
    await silent(server, 90)
    phone = server.phone()
    await phone.dials()
    assert "KW-1042" in await phone.types("2", "1")
    why = await phone.types("1")
    assert "SIM" in why and "8 Mpamagara" in why
    assert "T-" in await phone.types("8") and phone.ended
    phone = server.phone()
    await phone.dials()
    assert "SIM" in await phone.types("6", "5")
    phone = server.phone()
    await phone.dials()
    assert "240,000" in await phone.types("3", "2", PIN)


@pytest.mark.parametrize("keys", [("6", "5"), ("2", "1", "1")])
async def test_P08_I05_a_double_press_asks_for_no_call(server: Running, keys) -> None:
    await silent(server, 90)
    phone = server.phone()
    await phone.dials()
    why = await phone.types(*keys)
    again = await phone.types(keys[-1])
    assert "SIM" in why and "8 Mpamagara" in again and not phone.ended
    query = select(tickets.c.code).where(tickets.c.category == "verify")
    assert await server.parts.market.records.read(lambda db: db.execute(query).all()) == []


async def test_P08_a_sim_reported_while_the_pin_is_asked_stops_the_order(server: Running) -> None:
    records, now = server.parts.market.records, server.parts.engine._clock()
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1", "1")
    await records.write(lambda db: verifying.report_sim(db, FARMER, "operator", now))
    assert "ko ari wowe" in await phone.types(PIN)
    assert "SIM" in await phone.types("1")


async def test_P08_after_the_call_back_orders_are_taken_again(tmp_path) -> None:
    async with running(tmp_path) as server:
        reported = await isoko(tmp_path, "people", "sim-changed", "0788000001", "--by", "amina")
        assert reported.returncode == 0 and "noted" in reported.stdout
        phone = server.phone()
        await phone.dials()
        await phone.types("2", "1", "1", "8")
        query = select(tickets.c.code).where(tickets.c.category == "verify")
        code = await server.parts.market.records.read(lambda db: db.execute(query).scalar())
        named = ("people", "verify", "0788000001", "--by", "amina", "--ticket")
        wrong = await isoko(tmp_path, *named, "T-AAAAA")
        assert wrong.returncode == 1 and "NOT verified" in wrong.stderr
        right = await isoko(tmp_path, *named, code)
        assert right.returncode == 0 and "verified" in right.stdout
        phone = server.phone()
        await phone.dials()
        assert "Wemeye" in await phone.types("00", "2", "1", "1", PIN)


async def test_P08_a_call_each_day_is_never_checked(server: Running) -> None:
    await silent(server, 1)
    phone = server.phone()
    await phone.dials()
    contact = await wallet(server)
    assert not contact.verifying
    await server.parts.call_days.flush()
    contact = await wallet(server)
    assert contact.seen_day == people.day_number(server.parts.engine._clock())


async def test_P08_a_bill_is_not_paid_from_a_number_that_must_be_verified(server: Running) -> None:
    records, now = server.parts.market.records, server.parts.engine._clock()
    await records.write(lambda db: verifying.report_sim(db, DEBTOR, "operator", now))
    phone = server.phone(DEBTOR)
    await phone.dials()
    await phone.types("3")
    assert "SIM" in await phone.picks("Pay KW-1041") and "8 Call me" in phone.last


async def test_a_bill_says_to_which_other_phone_its_request_goes(server: Running) -> None:
    records = server.parts.market.records
    wallet = update(contacts).where(contacts.c.msisdn == DEBTOR).values(wallet="+250788999991")
    await records.write(lambda db: db.execute(wallet))
    phone = server.phone(DEBTOR)
    await phone.dials()
    await phone.types("3")
    screen = await phone.picks("Pay KW-1041")
    assert "in the MoMo ...991 prompt" in screen and "1 Confirm" in screen
