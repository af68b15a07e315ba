"""An error of the store names the constraint, never what people gave us."""

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from bot.storage.schema import contacts
from tests.market.money import PAYEE, person


async def test_an_error_does_not_hold_the_values(records, now) -> None:
    await records.write(lambda db: person(db, now))
    again = {"msisdn": PAYEE, "names": "Mukamana Aline", "created_at": now}
    with pytest.raises(IntegrityError) as raised:
        await records.write(lambda db: db.execute(insert(contacts).values(again)))
    assert "Mukamana" not in str(raised.value) and PAYEE not in str(raised.value)
