"""A co-operative's list in the chat: typed or as a file, looked at first, taken in once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.market import members, verifying
from bot.storage.schema import audit, contacts, hops, outbox
from bot.storage.schema import members as rows
from bot.telegram.listing import BYTES_MAX
from tests.phone import PIN
from tests.server import COOPERATIVE, Running, running
from tests.telegram.door import Chat, everything, link, said
from tests.telegram.test_photos import a_file

_LIST = b"number,name\n0788000001,Aline\n+250788000002,Claire\n0788000005,Eric\n0788999111,Jean\n"
_COUNTED = (
    "Take in as members: 2\nMembers already: 1\nNot registered: 1\nNo mobile number: 1\n"
    "Enter your Isoko PIN, never your MoMo PIN:"
)
_UNREAD = "We cannot read this file. Save it as CSV and send it again. Nothing was changed."
_TOO_LARGE = "This file is too large. Nothing was changed."
_NOT_THERE = "The file did not arrive. Please send it again."


@pytest.fixture
async def server(tmp_path) -> AsyncIterator[Running]:
    async with running(tmp_path) as one:
        await link(one, COOPERATIVE)
        yield one


async def asked_for_numbers(server: Running) -> Chat:
    """The chat of a co-operative that is to name its new members."""
    chat = Chat(server)
    await chat.types("/language")
    await chat.presses("English")
    await chat.types("/orders")
    for step in ("Members", "Add members"):
        await chat.presses(step)
    assert "CSV" in chat.text
    return chat


async def sends(chat: Chat, data: bytes, size: int | None = None) -> dict[str, Any]:
    """Send a document; the update, to be delivered again."""
    document = a_file(chat.server, data, "members.csv")
    if size is not None:
        document["file_size"] = size
    sent = chat.message(document=document)
    await chat.sends(sent)
    return sent


async def belong(server: Running) -> list[int]:
    """Who belongs to the co-operative: contacts, the first to come first."""
    query = select(rows.c.contact_id).order_by(rows.c.id)
    return list(await server.parts.market.records.read(lambda db: db.execute(query).scalars()))


async def imports(server: Running) -> list[tuple[str, dict[str, int]]]:
    query = select(audit.c.actor, audit.c.details).where(audit.c.action == "members imported")
    read = server.parts.market.records.read
    return [tuple(row) for row in await read(lambda db: db.execute(query).all())]


async def test_a_CSV_file_is_counted_confirmed_with_the_PIN_and_taken_in_once(
    server: Running,
) -> None:
    chat, before = await asked_for_numbers(server), await belong(server)
    sent = await sends(chat, _LIST)
    assert chat.text == _COUNTED and await belong(server) == before
    typed = chat.message(text=PIN)
    await chat.sends(typed)
    assert chat.text.startswith("Members taken in: 2\nMembers already: 1\nNot registered: 1\n")
    assert len(await belong(server)) == len(before) + 2
    # Both delivered again: nothing is taken in again, nor looked at.
    await chat.sends(sent, typed)
    assert len(await belong(server)) == len(before) + 2
    told = select(outbox.c.kind).where(outbox.c.dedupe_key.like("member:%"))
    read = server.parts.market.records.read
    assert await read(lambda db: db.execute(told).scalars().all()) == ["sms", "sms"]
    own = await server.parts.market.records.read(
        lambda db: db.execute(
            select(contacts.c.id).where(contacts.c.msisdn == COOPERATIVE)
        ).scalar_one()
    )
    assert (await imports(server))[-1] == (f"contact:{own}", {"added": 2})
    assert len(await imports(server)) == 1


async def test_of_who_is_not_registered_no_number_is_kept(server: Running) -> None:
    chat = await asked_for_numbers(server)
    await sends(chat, _LIST)
    assert chat.text == _COUNTED
    kept = await server.parts.market.records.read(
        lambda db: db.execute(select(hops.c.snapshot)).scalars().all()
    )
    assert any(b"788000001" in one for one in kept)
    assert not any(b"788999111" in one for one in kept)
    await chat.presses("Back")
    # Neither is what was typed, however the numbers stand in it and whatever stands beside them.
    await chat.types("0788000001, +250 788 999 111, Uwimana")
    await chat.presses("Back")
    await sends(chat, b"0788000001\n+250 788 999 111\nUwimana\n")
    await server.write_transcripts()
    kept_words = await everything(server)
    assert not any(words in kept_words for words in ("788999111", "788 999 111", "Uwimana"))


async def test_a_number_is_found_behind_the_name_and_each_line_counts_once(server: Running) -> None:
    chat = await asked_for_numbers(server)
    listed = (
        b"Names;Card;Joined;Number\nUwase Aline;1199080012345012;2019-05-01;0788 000 001\n"
        b"Claire;;01/05/2020;+250-788-000-002\nEric;;;0788000005\nJean Bosco;;;0788999111\n"
        b"None Given;;2020-05-01;\n"
    )
    await sends(chat, listed)
    assert chat.text == _COUNTED.replace("No mobile number: 1", "No mobile number: 2")


async def test_typed_numbers_are_read_as_those_of_a_file(server: Running) -> None:
    chat = await asked_for_numbers(server)
    typed = "number 0788000001, +250 788 000 002\n0788000005; 0788999111"
    assert await chat.types(typed) == _COUNTED
    await chat.presses("Back")
    assert await chat.types("0788000001 0788000002") == (
        "Take in as members: 2\nEnter your Isoko PIN, never your MoMo PIN:"
    )
    await chat.types(PIN)
    assert chat.text == "Members taken in: 2"


@pytest.mark.parametrize(
    ("data", "size", "answer"),
    [
        (b"PK\x03\x04\x14\x00\x06\x00", None, _UNREAD),
        ("0788000001\n".encode("utf-16"), None, _UNREAD),
        (b"\xff\xfe\xfd", None, _UNREAD),
        (b"", None, _UNREAD),
        (b"\n\n;;\n", None, _UNREAD),
        (b"0788000001\n", BYTES_MAX + 1, _TOO_LARGE),
        (b"0788000001\n" * 100_000, 5, _TOO_LARGE),
    ],
    ids=["spreadsheet", "utf-16", "no text", "empty", "no cells", "large", "larger than said"],
)
async def test_a_bad_file_is_answered_and_changes_nothing(
    server: Running, data: bytes, size: int | None, answer: str
) -> None:
    chat, before = await asked_for_numbers(server), await belong(server)
    await sends(chat, data, size)
    assert (await said(server))[-1]["args"]["text"] == answer
    # The question stands as it did.
    assert await chat.types("0788000001") == (
        "Take in as members: 1\nEnter your Isoko PIN, never your MoMo PIN:"
    )
    assert await belong(server) == before


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b"0\n", "Nobody to take in.\nNo mobile number: 1"),
        (b"00\n", "Nobody to take in.\nNo mobile number: 1"),
        (b"*384*801#\nhttp://x.example\n", "Nobody to take in.\nNo mobile number: 2"),
        (b"0788000005\n0788000005\n0788000007\n", "Nobody to take in.\nMembers already: 2"),
        (b"0788000001\n" * (members.LIST_MAX + 1), "At most 1000 numbers at once."),
    ],
    ids=["back", "home", "stars", "members", "too many"],
)
async def test_a_file_in_which_nobody_is_new_leaves_the_question(
    server: Running, data: bytes, hint: str
) -> None:
    chat, before = await asked_for_numbers(server), await belong(server)
    await sends(chat, data)
    assert chat.text.startswith(hint) and "Numbers of new members" in chat.text
    assert await belong(server) == before and await imports(server) == []


async def test_a_file_that_Telegram_does_not_give_is_asked_for_again(server: Running) -> None:
    chat = await asked_for_numbers(server)
    await chat.sends(chat.message(document={"file_id": "gone", "file_size": 20}))
    assert (await said(server))[-1]["args"]["text"] == _NOT_THERE


async def test_a_file_where_no_list_is_asked_for_is_not_read(server: Running) -> None:
    chat = await asked_for_numbers(server)
    await chat.types("/menu")
    await sends(chat, _LIST)
    assert "first open what you offer" in (await said(server))[-1]["args"]["text"]


async def test_who_must_be_verified_or_is_no_cooperative_takes_in_nobody(server: Running) -> None:
    chat, before = await asked_for_numbers(server), await belong(server)
    records, now = server.parts.market.records, server.parts.engine._clock()
    await sends(chat, _LIST)
    role = update(contacts).where(contacts.c.msisdn == COOPERATIVE).values(role="farmer")
    await records.write(lambda db: db.execute(role))
    assert await chat.types(PIN) == "Nobody to take in."
    await records.write(lambda db: db.execute(role.values(role="cooperative")))
    for step in ("Members", "Add members"):
        await chat.presses(step)
    await sends(chat, _LIST)
    await records.write(lambda db: verifying.report_sim(db, COOPERATIVE, "operator", now))
    assert "SIM" in await chat.types(PIN)
    assert await belong(server) == before and await imports(server) == []


async def test_a_thousand_numbers_are_looked_at_and_taken_in(server: Running, now) -> None:
    chat, before = await asked_for_numbers(server), await belong(server)
    numbers = [f"+25078811{one:04}" for one in range(members.LIST_MAX)]

    def work(db) -> None:
        like = db.execute(select(contacts).where(contacts.c.msisdn == COOPERATIVE)).mappings().one()
        same = {name: like[name] for name in like if name not in ("id", "wallet")}
        db.execute(
            contacts.insert(),
            [{**same, "msisdn": one, "wallet": one, "role": "farmer"} for one in numbers],
        )

    await server.parts.market.records.write(work)
    await sends(chat, "\n".join(numbers).encode())
    assert chat.text.startswith("Take in as members: 1000\n")
    assert await chat.types(PIN) == "Members taken in: 1000"
    assert len(await belong(server)) == len(before) + 1000
