"""What is kept about a person is shown in words that they read."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection

from bot.market import payments, people
from bot.payments.provider import MTN_MOMO
from tests.phone import PIN, Phone
from tests.server import FARMER, Running

_SHOWN = {
    "1": "Ururimi: Kinyarwanda",
    "2": "Langue: Francais",
    "3": "Language: English",
}


@pytest.mark.parametrize("key", _SHOWN)
async def test_my_data_names_the_language_in_its_own_word(server: Running, key: str) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("9", key)
    await phone.dials()
    assert _SHOWN[key] in (await phone.types("6", "2", PIN, "1")).split("\n")


def _owe(db: Connection) -> None:
    farmer = people.by_msisdn(db, FARMER)
    assert farmer is not None
    payments.pay_out(
        db,
        contact_id=farmer.id,
        offer_id=None,
        order_code="KW-1039",
        amount_rwf=24_000,
        provider=MTN_MOMO,
        payee_msisdn=farmer.wallet,
        currency="RWF",
        now=datetime.now(UTC),
    )


async def test_a_wrong_key_before_the_warning_does_not_take_it_off(
    server: Running, phone: Phone
) -> None:
    await server.parts.market.records.write(_owe)
    await phone.dials()
    first = await phone.types("6", "2", PIN, "3")
    assert "Amafaranga utarahabwa" in first and "99 Komeza" in first
    again = await phone.types("1")
    assert "7 Yego" not in again and again.startswith("Ibyo wahisemo")
    while "\n99 " in phone.last:
        await phone.types("99")
    assert "Ntibisubirwaho" in phone.last and "\n7 Yego, siba" in phone.last
