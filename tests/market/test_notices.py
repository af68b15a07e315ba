"""News by SMS: a day in it is the hub's, not that of UTC; what nobody knows is not said."""

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from bot.conversation import LANGUAGES, Language
from bot.i18n import _, _catalogues, load_catalogues, speaking
from bot.market import offers, people
from bot.market.orders import create_order, make_offer
from bot.market.payment_words import as_far_as_known
from bot.storage.records import Records
from bot.storage.schema import consents, orders, outbox, payments
from tests.market.money import person
from tests.market.test_offers import actor, order_of
from tests.phone import PIN
from tests.server import FARMER, Running

# In Kigali it is half past midnight, the day after.
LATE = datetime(2026, 11, 26, 22, 30, tzinfo=UTC)


async def test_the_days_of_an_order_are_those_of_its_hub(records: Records, now: datetime) -> None:
    load_catalogues()

    def write(db, zone: str) -> list[str]:
        contact_id = person(db, now, f"+2507880000{len(zone):02}")
        order_id = create_order(db, order_of(now, 10, f"KW-{len(zone)}"), now)
        db.execute(update(orders).values(deliver_by=LATE))
        offer_id = make_offer(db, order_id, contact_id, 10, LATE, "*384*801#", now, zone)
        offers.accept(db, actor(contact_id), offer_id, 1, 10, now, zone)
        rows = db.execute(select(outbox.c.payload).order_by(outbox.c.id)).scalars()
        return [row["text"] for row in rows if row["contact_id"] == contact_id]

    for zone, day in (("Africa/Kigali", "27/11/2026"), ("Africa/Accra", "26/11/2026")):
        told = await records.write(lambda db, zone=zone: write(db, zone))
        assert len(told) == 2 and all(day in text for text in told)


async def test_an_accepted_order_and_a_receipt_name_the_day_on_the_screen(server: Running) -> None:
    records, phone = server.parts.market.records, server.phone()
    await records.write(lambda db: db.execute(update(orders).values(deliver_by=LATE)))
    await records.write(lambda db: db.execute(update(payments).values(settled_at=LATE)))
    await phone.dials()
    assert "27/11" in await phone.types("2", "1", "1", PIN)
    await phone.dials()
    await phone.types("3", "1", PIN, "99", "1")
    told = [text for text in await server.inbox(FARMER) if "27/11/2026" in text]
    # The order, the receipt that comes by itself, and the one that was asked for.
    assert len(told) == 3


async def test_a_payment_without_the_operators_number_has_no_empty_sentence_for_it(
    server: Running,
) -> None:
    nameless = update(payments).values(provider_txn_id="")
    await server.parts.market.records.write(lambda db: db.execute(nameless))
    phone = server.phone()
    await phone.dials()
    said = await phone.types("3", "1", PIN)
    receipt = next(text for text in await server.inbox(FARMER) if "nyemezabwishyu" in text)
    assert "KW-1038" in said and "KW-1038" in receipt and "Ikiguzi" in receipt
    assert "igikorwa" not in said + phone.last + receipt


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_but_the_sentence_of_the_operators_number_is_left_out(language: Language) -> None:
    names = re.compile(r"\{(\w+)\}")
    with speaking(language):
        head = _("Transaction")
        for words in (_(one) for one in _catalogues[language] if "{ref}" in one and ". " in one):
            kept = as_far_as_known(words, "")
            assert head in words and head not in kept
            assert {*names.findall(words)} - {*names.findall(kept)} == {"ref"}
            assert kept.count(". ") == words.count(". ") - 1 and kept.endswith(".")
            assert as_far_as_known(words, "7") == words


async def test_my_data_names_the_hubs_day_of_the_agreement(server: Running) -> None:
    await server.parts.market.records.write(
        lambda db: db.execute(
            update(consents)
            .where(consents.c.contact_id == people.by_msisdn(db, FARMER).id)
            .values(given_at=LATE)
        )
    )
    phone = server.phone()
    await phone.dials()
    said = await phone.types("6", "2", PIN, "1")
    said += await phone.types("99")
    assert "27/11/2026" in said
