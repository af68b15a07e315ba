"""Staff in the storm: they give some of what was collected back, and often ask for it twice."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, select

from bot.market import collecting
from bot.storage.schema import payments
from tests.storm import world


def give_back(db: Connection) -> None:
    """Refund what has arrived of those who are to have it back; asked twice, it is made once."""
    query = select(payments.c.reference, payments.c.order_code).where(
        payments.c.bill_id.is_not(None), payments.c.state == "succeeded"
    )
    back = select(payments.c.refunds_id).where(payments.c.refunds_id.is_not(None))
    for reference, code in db.execute(query.where(payments.c.id.not_in(back))).tuples().all():
        if world.is_given_back(int(code.removeprefix("KB-"))):
            now = datetime.now(UTC)
            came = [collecting.refund(db, reference, now)[0] for _time in range(2)]
            assert came == ["refunding", "before"], came
