"""What is done from time to time: what nobody answered expires, prices are read again, and more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
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
    payment_talks,
    payments,
    price_alerts,
    reviews,
    splits,
    telegram_invites,
    telegram_links,
)
from bot.operations.clock_watch import ClockWatch
from bot.storage import (
    audit_chain,
    hops,
    inbox,
    old_letters,
    outbox,
    telegram_updates,
    transcripts,
    webhook_tries,
)
from bot.storage.rounds import one_round

_EVERY_S = 15.0
# What another host's clock put off is found so often; what this one's did, at once.
_BRING_BACK_S = 3600.0
# Far longer than any gateway repeats a hop; they hold numbers of people who may not be known.
_KEEP_HOPS = timedelta(hours=1)
# Far longer than Telegram delivers an update again, and than people leave a parked one lying.
_KEEP_UPDATES = timedelta(days=30)
# As long as what was given up can be sent again together, and longer.
_KEEP_TRIES = timedelta(days=60)
_AT_ONCE = 500
# As `outbox.keep_days` comes; a code in a message is of no use by then.
_KEEP_LETTERS = timedelta(days=7)
# Each is written by itself, for each keeps something of its own.
_LETTERS_AT_ONCE = 100
# Each of these is some statements and a word to the hub: no hop waits longer than for one of these.
_LIVES_AT_ONCE = 25

# What changes at most so many rows in one transaction, and says how many it changed.
_Lot = Callable[[Connection, datetime, int], int]


class Housekeeping:
    """Runs beside the server; each task may run on any number of processes at once."""

    def __init__(
        self,
        market: Market,
        news: Callable[[], None],
        keep_transcripts: timedelta,
        every_s: float = _EVERY_S,
        keep_letters: timedelta = _KEEP_LETTERS,
    ) -> None:
        self._market, self._news, self._every_s = market, news, every_s
        self._keep_transcripts, self._keep_letters = keep_transcripts, keep_letters
        self._clock, self._bring_back_at_s = ClockWatch(), 0.0

    async def run(self) -> None:
        """Keep house until cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            await self.keep()

    async def keep(self) -> None:
        """One round. A task that fails is logged, and stops none of the others."""
        tasks: dict[str, Callable[[], Awaitable[object]]] = {
            "offers": partial(self._end_in_lots, offers.expire_due),
            "bookings": partial(self._end_in_lots, bookings.expire_due),
            "shares": partial(self._end_in_lots, splits.lapse_due),
            "price alerts": self._tell_prices,
            "hand-overs": partial(self._end_in_lots, hand_overs.lapse_due),
            "what was delivered": self._pay_delivered,
            "tickets about money": self._ask_about_money,
            "hops": partial(self._all_of, self._forget_hops, _AT_ONCE),
            "transcripts": partial(self._all_of, self._forget_transcripts, _AT_ONCE),
            "talks with operators": partial(self._all_of, self._forget_talks, _AT_ONCE),
            "callbacks": partial(self._all_of, self._forget_callbacks, _AT_ONCE),
            "what has left": partial(self._all_of, self._empty_letters, _LETTERS_AT_ONCE),
            "telegram updates": partial(self._all_of, self._forget_updates, _AT_ONCE),
            "webhook tries": partial(self._all_of, self._forget_tries, _AT_ONCE),
            "audit": partial(self._all_of, audit_chain.seal, audit_chain.AT_ONCE),
            "what is over": self._forget_what_is_over,
            "what a clock put off": self._bring_back,
            "prices": self._market.prices.refresh_if_changed,
        }
        for what, task in tasks.items():
            await one_round(f"housekeeping of {what}", task)

    async def _end_in_lots(self, lot: _Lot) -> None:
        """End all whose time is over, few at a time: a sale's thousands fall due in one minute."""
        now = datetime.now(UTC)
        while ended := await self._market.records.write(lambda db: lot(db, now, _LIVES_AT_ONCE)):
            self._news()
            if ended < _LIVES_AT_ONCE:
                return

    async def _all_of(self, lot: Callable[[Connection], int], limit: int) -> None:
        """Do it again as long as there was as much to do as is done at once."""
        while await self._market.records.write(lot) == limit:
            pass

    async def _tell_prices(self) -> None:
        market, now = self._market, datetime.now(UTC)
        fresh = market.prices.fresh_since(local_day(now, market.hub.timezone))
        if await market.records.write(
            lambda db: price_alerts.tell_due(db, fresh, now, market.quiet)
        ):
            self._news()

    async def _pay_delivered(self) -> None:
        records, hub, rules = self._market.records, self._market.hub, self._market.payouts
        now = datetime.now(UTC)

        async def pay(offer_id: int) -> None:
            if await records.write(
                lambda db: delivered.pay(db, offer_id, hub.currency, rules, now)
            ):
                self._news()

        last = 0
        while page := await records.read(partial(delivered.unpaid, now=now, after=last)):
            for offer_id in page:
                await one_round(f"housekeeping of offer {offer_id}", partial(pay, offer_id))
            last = page[-1]

    async def _ask_about_money(self) -> None:
        now = datetime.now(UTC)
        await self._market.records.write(lambda db: money_tickets.ask_again(db, now))

    async def _forget_what_is_over(self) -> None:
        records, now = self._market.records, datetime.now(UTC)
        since = now - self._keep_transcripts
        await records.write(lambda db: transcripts.forget_acts_before(db, since))
        await records.write(lambda db: telegram_links.forget_old(db, now))
        await records.write(lambda db: telegram_invites.forget_old(db, now))
        await records.write(lambda db: hand_overs.forget_old(db, now))

    async def _bring_back(self) -> None:
        # To find nothing, all letters that wait for the morning are gone through.
        if not self._clock.was_set_back() and time.monotonic() < self._bring_back_at_s:
            return
        records, now = self._market.records, datetime.now(UTC)
        await records.write(lambda db: payments.bring_back(db, now))
        await records.write(lambda db: reviews.bring_back(db, now))
        while await records.write(lambda db: outbox.bring_back(db, now, _AT_ONCE)):
            self._news()
        self._clock.seen()
        self._bring_back_at_s = time.monotonic() + _BRING_BACK_S

    def _forget_hops(self, db: Connection) -> int:
        """Drop some old hops: few at a time, for callers' own writes wait in the same line."""
        return hops.forget_before(db, datetime.now(UTC) - _KEEP_HOPS, _AT_ONCE)

    def _forget_transcripts(self, db: Connection) -> int:
        moment = datetime.now(UTC) - self._keep_transcripts
        return transcripts.forget_before(db, moment, _AT_ONCE)

    def _forget_talks(self, db: Connection) -> int:
        """What operators said is of use to staff as long as what people typed is."""
        return payment_talks.forget_before(db, datetime.now(UTC) - self._keep_transcripts, _AT_ONCE)

    def _forget_callbacks(self, db: Connection) -> int:
        """They stand beside those talks, and anybody can send one."""
        return inbox.forget_before(db, datetime.now(UTC) - self._keep_transcripts, _AT_ONCE)

    def _empty_letters(self, db: Connection) -> int:
        moment = datetime.now(UTC) - self._keep_letters
        return old_letters.empty_before(db, moment, _LETTERS_AT_ONCE)

    def _forget_updates(self, db: Connection) -> int:
        return telegram_updates.forget_before(db, datetime.now(UTC) - _KEEP_UPDATES, _AT_ONCE)

    def _forget_tries(self, db: Connection) -> int:
        return webhook_tries.forget_before(db, datetime.now(UTC) - _KEEP_TRIES, _AT_ONCE)
