"""What waits in the records is what the figures say; on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from bot.market import tickets
from bot.operations.backlog import Backlog
from bot.payments.provider import Outcome
from bot.storage import outbox
from bot.storage.records import RecordsDown
from tests.market.money import PAYEE, pay, person, settle


async def test_the_figures_say_what_waits(records) -> None:
    registry, now = CollectorRegistry(), datetime.now(UTC)
    backlog = Backlog(records, registry)

    async def shown(name: str, **labels: str) -> float | None:
        await backlog.read()
        return registry.get_sample_value(name, labels)

    assert await shown("isoko_news_late_seconds") == 0
    assert await shown("isoko_dead_letters") == 0

    def things_go_wrong(db) -> None:
        outbox.put(db, "sms", "a", {}, now - timedelta(seconds=90))
        outbox.put(db, "payout", "held-back", {}, now - timedelta(days=1), via="mtn-momo")
        outbox.put(db, "sms", "b", {}, now - timedelta(days=1))
        (b,) = outbox.claim(db, "me", now - timedelta(minutes=5), 30, 1, ("sms",))
        outbox.dead(db, b, "refused", now)
        who = person(db, now)
        settle(db, pay(db, who, now), now, Outcome.SUCCEEDED, amount_rwf=1)
        tickets.open_ticket(
            db, category="order", msisdn=PAYEE, contact_id=who, language="en",
            now=now - timedelta(days=9),
        )  # fmt: skip

    await records.write(things_go_wrong)
    assert 90 <= await shown("isoko_news_late_seconds") < 120
    assert await shown("isoko_dead_letters") == 1
    assert await shown("isoko_payments_open", state="flagged") == 1
    assert await shown("isoko_payments_open", state="unknown") == 0
    assert await shown("isoko_tickets_late") == 1
    assert await shown("isoko_records_down") == 0


async def test_records_out_of_reach_are_said() -> None:
    class Down:
        async def read(self, _work: object) -> None:
            raise RecordsDown("gone")

    registry = CollectorRegistry()
    with pytest.raises(RecordsDown):
        await Backlog(Down(), registry).read()
    assert registry.get_sample_value("isoko_records_down") == 1
