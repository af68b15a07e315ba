"""P-09: a number of another person's account; its new owner says so on the phone, and starts anew."""

import asyncio

import pytest
from sqlalchemy import select, update

from bot.market import books, new_owner, payments, people, verifying
from bot.storage.schema import audit, contacts, offers, tickets, transcripts
from bot.ussd.gsm7 import septets
from tests.cli.test_money_commands import isoko
from tests.market.staff_members import member
from tests.patience import patient_s
from tests.phone import PIN
from tests.server import FARMER, TEA, Running, running
from tests.test_payout_loop import count_at_operator, operator, pay

_NAME = "Mukamana"
_ANEW = ("6", "1", "Uwase Diane", "1", "1", "1", "1", "80642", "80642", "1")


async def says_so(server: Running, msisdn: str = FARMER) -> str:
    """The new owner finds it in the account; the ticket's code."""
    phone = server.phone(msisdn)
    await phone.dials()
    await phone.types("00", "6", "7", "9")
    assert phone.ended
    return "T-" + phone.last.partition("T-")[2][:5]


async def read(server: Running, query):
    return await server.parts.market.records.read(lambda db: db.execute(query).all())


async def contact_of(server: Running, msisdn: str = FARMER) -> people.Contact | None:
    return await server.parts.market.records.read(lambda db: people.by_msisdn(db, msisdn))


async def staff_agree(server: Running, code: str, msisdn: str = FARMER) -> None:
    """Two members of staff, after the call back."""
    now = server.parts.engine._clock()

    def work(db) -> tuple[str, str]:
        for name in ("amina", "eric"):
            member(db, name, now)
        return (
            new_owner.ask(db, msisdn, code, "amina", now),
            new_owner.approve(db, msisdn, code, "eric", now),
        )

    assert await server.parts.market.records.write(work) == ("new_owner", "taken_off")


@pytest.mark.parametrize("language", ["1", "2", "3"])
async def test_P09_each_of_its_screens_is_one_page_and_says_what_follows(
    server: Running, language: str
) -> None:
    phone = server.phone()
    await phone.dials()
    for screen in (
        await phone.types("00", "9", language, "1", "6"),
        await phone.types("7"),
        await phone.types("9"),
    ):
        assert "99 " not in screen and septets(screen) <= 160
    assert phone.ended and "T-" in phone.last
    phone = server.phone()
    await phone.dials()
    why = await phone.types("00", "6", "5")
    assert "SIM" in why and "99 " not in why and septets(why) <= 160
    sure = await phone.types("2")
    assert "\n9 " in sure


async def test_P09_from_then_on_no_order_is_taken_and_no_money_moves(server: Running) -> None:
    operator(server)
    await says_so(server)
    contact = await contact_of(server)
    assert contact is not None and contact.verifying
    phone = server.phone()
    await phone.dials()
    assert "SIM" in await phone.types("00", "2", "1", "1")
    before = await count_at_operator(server)
    held = await pay(server)
    await server.inbox(FARMER)
    assert (held.held, await count_at_operator(server)) == (payments.UNVERIFIED, before)


async def test_P09_said_twice_is_one_ticket_and_verify_undoes_it(tmp_path) -> None:
    async with running(tmp_path) as server:
        code = await says_so(server)
        assert await says_so(server) == code
        query = select(tickets.c.code).where(tickets.c.category == "new_owner")
        assert len(await read(server, query)) == 1
        named = ("people", "verify", "0788000001", "--by", "amina", "--ticket", code)
        done = await isoko(tmp_path, *named)
        assert done.returncode == 0 and "verified" in done.stdout
        phone = server.phone()
        await phone.dials()
        assert "Wemeye" in await phone.types("00", "2", "1", "1", PIN)
        # What was answered takes nobody off the number any more.
        now = server.parts.engine._clock()
        records = server.parts.market.records
        await records.write(lambda db: member(db, "amina", now))
        late = await isoko(tmp_path, "people", "new-owner", "0788000001", *named[3:])
        assert late.returncode == 1 and "this number is trusted" in late.stderr
        await records.write(lambda db: verifying.report_sim(db, FARMER, "operator", now))
        assert await says_so(server) != code


async def test_P09_a_double_press_says_nothing_nor_does_a_long_code(server: Running) -> None:
    phone = server.phone()
    await phone.dials("6*7*9")
    assert not phone.ended
    phone = server.phone()
    await phone.dials()
    await phone.types("00", "6", "7", "7", "7")
    assert not phone.ended
    contact = await contact_of(server)
    assert contact is not None and not contact.verifying
    assert await read(server, select(tickets.c.id).where(tickets.c.category == "new_owner")) == []


async def test_P09_on_a_shared_phone_help_offers_it_without_the_pin(server: Running) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("00", "6", "3", "1")
    phone = server.phone()
    await phone.dials()
    assert "5 Si wowe?" in await phone.types("00", "8")
    await phone.types("5", "9")
    assert phone.ended and "T-" in phone.last


async def test_P09_two_members_of_staff_and_the_number_is_anew(tmp_path) -> None:
    async with running(tmp_path) as server:
        records, now = server.parts.market.records, server.parts.engine._clock()
        for name in ("amina", "eric"):
            await records.write(lambda db, name=name: member(db, name, now))
        old = await contact_of(server)
        assert old is not None
        code = await says_so(server)
        named = ("0788000001", "--ticket", code, "--by")
        for by, said in (("eric", "nobody has noted"), ("vera", "must be an agent")):
            early = await isoko(tmp_path, "people", "approve", *named, by)
            assert early.returncode == 1 and said in early.stderr
        first = await isoko(tmp_path, "people", "new-owner", *named, "amina")
        assert first.returncode == 0 and "Nothing has changed yet" in first.stdout
        again = await isoko(tmp_path, "people", "new-owner", *named, "eric")
        alone = await isoko(tmp_path, "people", "approve", *named, "Amina")
        assert again.returncode == 1 and "noted already" in again.stderr
        assert alone.returncode == 1 and "different member" in alone.stderr
        assert await contact_of(server) == await records.read(lambda db: people.by_id(db, old.id))
        done = await isoko(tmp_path, "people", "approve", *named, "eric")
        assert done.returncode == 0 and "taken off" in done.stdout
        assert await contact_of(server) is None
        query = select(audit.c.actor, audit.c.action, audit.c.details).order_by(audit.c.id)
        lines = await read(server, query)
        assert ("eric", "taken off the number") in [(one.actor, one.action) for one in lines]
        assert lines[-1].details["called_by"] == "amina"
        # Registered with the same number, it is another account.
        phone = server.phone()
        await phone.dials()
        await phone.types(*_language_and(phone.last), *_ANEW)
        new = await contact_of(server)
        assert new is not None and new.id != old.id and new.names == "Uwase Diane"
        assert (new.wallet, new.verifying, new.shared_phone) == (FARMER, False, False)
        kept = await records.read(lambda db: people.copy_of(db, new.id))
        for table in ("offers", "payments", "bills", "wallet_changes", "bookings", "tickets"):
            assert kept[table] == [], table
        assert await seen_by_phone(server, PIN="80642") == []
        assert (await isoko(tmp_path, "ledger", "verify")).returncode == 0


async def becomes(server: Running, reference: str, state: str) -> None:
    """Wait for the sender, which may have this payment in hand."""
    async with asyncio.timeout(patient_s(5)):
        while True:
            kept = await server.parts.market.records.read(
                lambda db: payments.by_reference(db, reference)
            )
            if kept is not None and kept.state == state:
                return
            await asyncio.sleep(0.02)


def _language_and(screen: str) -> tuple[str, ...]:
    """The choice of language, which who is not known has to make."""
    return ("1",) if "Kinyarwanda" in screen else ("00",)


async def seen_by_phone(server: Running, PIN: str) -> list[str]:  # noqa: N803
    """Every trace of the old owner that a walk through all that is one's own shows."""
    traces, shown = (_NAME, "KW-", "240,000", "60,000"), []
    for keys in (("2",), ("2", "1"), ("3",), ("3", "1"), ("3", "2", PIN), ("4",), ("6", "2", PIN, "1"),
                 ("6", "5")):  # fmt: skip
        phone = server.phone()
        shown.append(await phone.dials())
        await phone.types("00")
        for key in keys:
            shown.append(await phone.types(key))
    return [screen for screen in shown if any(trace in screen for trace in traces)]


async def test_P09_what_was_the_old_owners_is_kept_withdrawn_held_and_told_to_staff(
    server: Running,
) -> None:
    operator(server)
    old = await contact_of(server)
    assert old is not None
    code = await says_so(server)
    held = await pay(server)
    count = await count_at_operator(server)
    await staff_agree(server, code)
    states = await read(server, select(offers.c.state).where(offers.c.contact_id == old.id))
    assert "offered" not in [row.state for row in states] and "withdrawn" in [
        row.state for row in states
    ]
    # Made before and after: neither goes to the number, and each has its ticket.
    late = await pay(server)
    await server.inbox(FARMER)
    for payment in (held, late):
        await becomes(server, payment.reference, "flagged")
    assert await count_at_operator(server) == count
    query = select(tickets.c.category, tickets.c.msisdn, tickets.c.state).where(
        tickets.c.contact_id == old.id
    )
    rows = await read(server, query)
    assert all(row.msisdn == "" for row in rows)
    assert [row.state for row in rows if row.category == "payment_flagged"] == ["open"] * 2
    assert all(row.state == "closed" for row in rows if row.category == "new_owner")
    assert (await server.parts.market.records.read(books.check)).faults == []
    assert await read(server, select(transcripts.c.id).where(transcripts.c.owner == FARMER)) == []


async def test_P09_a_call_of_before_is_over_and_its_pin_opens_nothing(server: Running) -> None:
    code = await says_so(server)
    phone = server.phone()
    await phone.dials()
    await phone.types("00", "3", "2", PIN)
    left = server.phone()
    await left.dials()
    await left.types("00", "2", "1")
    await staff_agree(server, code)
    assert "KW-" not in await phone.types("0", "2")
    assert "KW-" not in await left.types("1")
    # Nor does calling back go on there.
    card = await server.phone().dials()
    assert "KW-" not in card and _NAME not in card


async def test_P09_others_whose_money_went_there_are_called_and_it_is_held(server: Running) -> None:
    operator(server)
    records = server.parts.market.records
    to_it = update(contacts).where(contacts.c.msisdn == TEA).values(wallet=FARMER)
    await records.write(lambda db: db.execute(to_it))
    code = await says_so(server)
    await staff_agree(server, code)
    tea = await contact_of(server, TEA)
    assert tea is not None and (tea.wallet, tea.verifying) == (TEA, False)
    query = select(tickets.c.msisdn).where(
        tickets.c.category == "call_back", tickets.c.contact_id == tea.id
    )
    assert [row.msisdn for row in await read(server, query)] == [TEA]
    now = server.parts.engine._clock()
    held = await records.write(
        lambda db: payments.pay_out(
            db, contact_id=tea.id, offer_id=None, order_code="KW-78", amount_rwf=5_000,
            provider="mtn-momo", payee_msisdn=TEA, currency="RWF", now=now,
        )
    )  # fmt: skip
    assert held.held == "number changed"
