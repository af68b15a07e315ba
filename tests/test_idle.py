"""Nothing to do costs no transaction: whoever looks for work reads first."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from sqlalchemy import select

from bot.hub.hooks import Hooks
from bot.hub.working import Working
from bot.look_ups import LookUps
from bot.market import hub_news, subscriptions
from bot.market.allocation import AllocationRules
from bot.market.limits import USUAL
from bot.sender import Sender, SenderRules
from bot.settings import load_settings
from bot.storage.records import Records
from bot.storage.schema import outbox
from bot.telegram.sending import ChatRules, TelegramSender
from bot.wiring import market_of
from tests.server import running


class Counting:
    """The records, and how many transactions were asked of them."""

    def __init__(self, records: Records) -> None:
        self._records, self.read, self.writes = records, records.read, 0

    async def write(self, work: Callable[[Any], Any]) -> Any:
        self.writes += 1
        return await self._records.write(work)


async def test_a_round_that_finds_nothing_writes_nothing(records: Records) -> None:
    counting = Counting(records)
    market = market_of(load_settings({}), counting)
    hub = Working(market, AllocationRules(), lambda: None)
    registry = CollectorRegistry()
    chats = TelegramSender(counting, None, ChatRules(), lambda: None, registry)
    rounds = {
        "sender": Sender(counting, None, {}, SenderRules(), USUAL).carry_out,
        "webhooks": Hooks(counting, private=True).carry_out_all,
        "hub events": hub.apply_all,
        "allocation": hub.allocate_all,
        "look-ups": LookUps(counting, {}, lambda: None, payouts=USUAL).ask_due,
        "telegram": chats.carry_out,
    }
    wrote = {}
    for name, one in rounds.items():
        counting.writes = 0
        await one()
        wrote[name] = counting.writes
    assert wrote == dict.fromkeys(rounds, 0)


async def test_a_receiver_that_is_off_costs_nothing_and_hears_of_no_call(records: Records) -> None:
    now = datetime.now(UTC)

    def write(db) -> None:
        which, _secret = subscriptions.subscribe(db, "https://hub.example/", (), now)
        subscriptions.disable(db, which, "by hand")
        hub_news.tell(db, "session.started", "s1", "a", {}, now)
        hub_news.tell(db, "order.accepted", "o1", "b", {}, now)

    await records.write(write)
    counting = Counting(records)
    assert await Hooks(counting, private=True).carry_out_all() == 0
    assert counting.writes == 0
    query = select(outbox.c.payload, outbox.c.state)
    ((payload, state),) = await records.read(lambda db: db.execute(query).all())
    assert (payload["type"], state) == ("order.accepted", "waiting")


async def test_without_a_marketplace_what_is_for_its_receivers_waits(tmp_path: Path) -> None:
    now = datetime.now(UTC)

    def write(db) -> None:
        subscriptions.subscribe(db, "https://hub.example/", (), now)
        hub_news.tell(db, "order.accepted", "o1", "b", {}, now)

    async with running(tmp_path, ISOKO_MARKETPLACE__ENABLED="false") as server:
        await server.parts.market.records.write(write)
        await server.parts.sender.carry_out()
        query = select(outbox.c.state).where(outbox.c.kind == hub_news.KIND)
        states = await server.parts.market.records.read(
            lambda db: db.execute(query).scalars().all()
        )
    assert set(states) == {"waiting"}
