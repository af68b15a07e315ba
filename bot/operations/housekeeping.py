"""What is done from time to time: what nobody answered expires, prices are read again, and more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from bot.i18n.formats import local_day
from bot.market import (
    Market,
    bookings,
    delivered,
    hand_overs,
    money_tickets,
    offers,
    price_alerts,
    splits,
    telegram_invites,
    telegram_links,
)
from bot.storage import audit_chain, hops, telegram_updates, transcripts
from bot.storage.rounds import one_round

_EVERY_S = 15.0
# Far longer than any gateway repeats a hop; they hold numbers of people who may not be known.
_KEEP_HOPS = timedelta(hours=1)
# Far longer than Telegram delivers an update again, and than people leave a parked one lying.
_KEEP_UPDATES = timedelta(days=30)
_AT_ONCE = 500


class Housekeeping:
    """Runs beside the server; each task may run on any number of processes at once."""

    def __init__(
        self,
        market: Market,
        news: Callable[[], None],
        keep_transcripts: timedelta,
        every_s: float = _EVERY_S,
    ) -> None:
        self._market, self._news, self._every_s = market, news, every_s
        self._keep_transcripts = keep_transcripts

    async def run(self) -> None:
        """Keep house until cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            await one_round("housekeeping", self.keep)

    async def keep(self) -> None:
        """One round."""
        now = datetime.now(UTC)
        records = self._market.records
        if await records.write(lambda db: offers.expire_due(db, now)):
            self._news()
        await records.write(lambda db: bookings.expire_due(db, now))
        if await records.write(lambda db: splits.lapse_due(db, now)):
            self._news()
        if await records.write(lambda db: self._tell_prices(db, now)):
            self._news()
        if await records.write(lambda db: hand_overs.lapse_due(db, now)):
            self._news()
        await self._pay_delivered(now)
        await records.write(lambda db: money_tickets.ask_again(db, now))
        for forget in (self._forget_hops, self._forget_transcripts, self._forget_updates):
            while await records.write(forget) == _AT_ONCE:
                pass
        while await records.write(audit_chain.seal) == audit_chain.AT_ONCE:
            pass
        since = now - self._keep_transcripts
        await records.write(lambda db: transcripts.forget_acts_before(db, since))
        await records.write(lambda db: telegram_links.forget_old(db, now))
        await records.write(lambda db: telegram_invites.forget_old(db, now))
        await records.write(lambda db: hand_overs.forget_old(db, now))
        await self._market.prices.refresh_if_changed()

    async def _pay_delivered(self, now: datetime) -> None:
        records, hub, rules = self._market.records, self._market.hub, self._market.payouts
        last = 0
        while page := await records.read(partial(delivered.unpaid, now=now, after=last)):
            for offer_id in page:
                pay = partial(
                    delivered.pay, offer_id=offer_id, currency=hub.currency, rules=rules, now=now
                )
                if await records.write(pay):
                    self._news()
            last = page[-1]

    def _tell_prices(self, db: Connection, now: datetime) -> int:
        market = self._market
        fresh = market.prices.fresh_since(local_day(now, market.hub.timezone))
        return price_alerts.tell_due(db, fresh, now, market.quiet)

    def _forget_hops(self, db: Connection) -> int:
        """Drop some old hops: few at a time, for callers' own writes wait in the same line."""
        return hops.forget_before(db, datetime.now(UTC) - _KEEP_HOPS, _AT_ONCE)

    def _forget_transcripts(self, db: Connection) -> int:
        moment = datetime.now(UTC) - self._keep_transcripts
        return transcripts.forget_before(db, moment, _AT_ONCE)

    def _forget_updates(self, db: Connection) -> int:
        return telegram_updates.forget_before(db, datetime.now(UTC) - _KEEP_UPDATES, _AT_ONCE)
