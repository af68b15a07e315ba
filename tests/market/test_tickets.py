"""Whether something has its ticket is found by an index, however many tickets there are."""

import pytest
from sqlalchemy import text

from bot.market.tickets import has_open_ticket, has_ticket, open_ticket

_QUERY = "SELECT id FROM tickets WHERE category = 'x' AND about = 'y' LIMIT 1"


async def test_a_ticket_is_found_by_what_it_is_about(records, now) -> None:
    def work(db) -> tuple[str, list[bool]]:
        open_ticket(db, category="order", msisdn="", contact_id=None, about="KW-7 P-1",
                    language="en", now=now)  # fmt: skip
        known = [has_ticket(db, "order", about) for about in ("KW-7 P-1", "KW-7", "KW-7 P-2")]
        known.append(has_open_ticket(db, "order", "KW-7 P-1"))
        explain = "EXPLAIN QUERY PLAN"
        if db.dialect.name == "postgresql":
            explain = "EXPLAIN"
            # Of a table with one row it would read all.
            db.execute(text("SET LOCAL enable_seqscan = off"))
        plan = db.execute(text(f"{explain} {_QUERY}")).all()
        return str(plan), known

    plan, known = await records.write(work)
    assert "ix_tickets_category_about" in plan, plan
    assert known == [True, False, False, True]


@pytest.mark.parametrize("state", ["open", "closed"])
async def test_a_closed_ticket_is_none_that_waits(records, now, state: str) -> None:
    def work(db) -> bool:
        open_ticket(db, category="order", msisdn="", contact_id=None, about="KW-7",
                    language="en", now=now)  # fmt: skip
        db.execute(text("UPDATE tickets SET state = :state"), {"state": state})
        return has_open_ticket(db, "order", "KW-7")

    assert await records.write(work) is (state == "open")
