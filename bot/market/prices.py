"""Today's prices and fees, kept in memory in the order in which they are shown."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection, func, select

from bot.market import price_fees
from bot.market.price_fees import Fees
from bot.market.products import PRODUCTS
from bot.storage.records import Records
from bot.storage.schema import prices

# A floor or fixed price is for everyone and stands first; then what was really paid.
_KIND_ORDER = {"minimum": 0, "fixed": 0, "observed": 1, "retail": 2, "example": 3}
# One a day at most: this week and the last, and what may be announced for days ahead.
_RECENT_MAX = 32


@dataclass(frozen=True, slots=True)
class Price:
    """One price: for whom it is (`kind`), where, on which day, and who says so."""

    product: str
    place: str
    district: str
    kind: str
    amount_rwf: int
    unit: str
    valid_on: date
    source: str


@dataclass(frozen=True, slots=True)
class Trend:
    """The price before the newest one at the same place, and the change since, in francs."""

    before_rwf: int
    before_on: date
    change_rwf: int


class PriceBoard:
    """All shown prices, sorted once when loaded; looking one up costs no query."""

    def __init__(self, records: Records, stale_after_days: int, hub: str = "rw") -> None:
        self._records, self._hub = records, hub
        self._stale_after = timedelta(days=stale_after_days)
        self._latest: dict[str, list[Price]] = {}
        self._before: dict[tuple[str, str, str], Price] = {}
        self._recent: dict[tuple[str, str, str, str], list[Price]] = {}
        self._fees: dict[str, list[Fees]] = {}
        self._version: tuple[int, ...] = ()
        self._products: dict[str, list[str]] = {}
        self._read_at = time.monotonic()

    async def load(self) -> None:
        """Read every shown price from the records."""
        rows, fees, version = await self._records.read(lambda db: _all_shown(db, self._hub))
        latest: dict[str, list[Price]] = defaultdict(list)
        before: dict[tuple[str, str, str], Price] = {}
        newest: set[tuple[str, str, str]] = set()
        for price in rows:
            spot = (price.product, price.place, price.kind)
            if spot not in newest:
                newest.add(spot)
                latest[price.product].append(price)
            elif spot not in before:
                before[spot] = price
        for listed in latest.values():
            # Sorting is stable: the newest of each kind stay first.
            listed.sort(key=lambda price: _KIND_ORDER[price.kind])
        self._latest, self._before, self._version = dict(latest), before, version
        self._recent, self._fees = _recent_of(rows), fees
        self._products = {}
        self._read_at = time.monotonic()

    async def refresh_if_changed(self) -> bool:
        """Load again when another process has written prices; True when it had."""
        if await self._records.read(_version) == self._version:
            self._read_at = time.monotonic()
            return False
        await self.load()
        return True

    @property
    def age_s(self) -> float:
        """How long ago it was last known to be what the records say."""
        return time.monotonic() - self._read_at

    @property
    def newest_on(self) -> date | None:
        """The day of the newest price of all; None where there is none."""
        days = (price.valid_on for listed in self._latest.values() for price in listed)
        return max(days, default=None)

    def products(self, crop: str = "") -> list[str]:
        """The products that have a price: those of `crop` first, then in the order of trade."""
        listed = self._products.get(crop)
        if listed is None:
            known = [code for code in PRODUCTS if code in self._latest]
            listed = sorted(known, key=lambda code: PRODUCTS[code].crop != crop)
            self._products[crop] = listed
        return listed

    def latest(self, product: str) -> list[Price]:
        """The newest price of each place and kind: floor first, then newest first."""
        return self._latest.get(product, [])

    def near(self, product: str, district: str) -> list[Price]:
        """The same, with the person's own district before other places."""
        order = _KIND_ORDER
        return sorted(
            self.latest(product),
            key=lambda price: (order[price.kind] > 0, price.district != district),
        )

    def places(self, product: str) -> list[str]:
        """The places where this product has a price, newest first."""
        return list(dict.fromkeys(p.place for p in self.latest(product) if p.place))

    def trend(self, price: Price) -> Trend | None:
        """How this price has changed since the one before it at the same place, if there is one."""
        before = self._before.get((price.product, price.place, price.kind))
        if before is None:
            return None
        change_rwf = price.amount_rwf - before.amount_rwf
        return Trend(before.amount_rwf, before.valid_on, change_rwf)

    def recent(self, price: Price) -> list[Price]:
        """The last prices of the same product, place, kind and source, newest first."""
        return self._recent.get(_spot(price), [])

    def fees(self, product: str, today: date) -> Fees | None:
        """What is taken of this product's price on `today`; None where nobody has said."""
        published = self._fees.get(product, ())
        return next((fees for fees in published if fees.valid_from <= today), None)

    def fresh_since(self, today: date) -> date:
        """The oldest day of a price that is not stale on `today`."""
        return today - self._stale_after

    def is_stale(self, price: Price, today: date) -> bool:
        """Whether it is so old that it may have changed."""
        return today - price.valid_on > self._stale_after


_columns = (
    prices.c.product,
    prices.c.place,
    prices.c.district,
    prices.c.kind,
    prices.c.amount_rwf,
    prices.c.unit,
    prices.c.valid_on,
    prices.c.source,
)


def _all_shown(
    db: Connection, hub: str
) -> tuple[list[Price], dict[str, list[Fees]], tuple[int, ...]]:
    query = (
        select(*_columns)
        .where(prices.c.state == "shown", prices.c.hub == hub)
        .order_by(prices.c.valid_on.desc(), prices.c.id.desc())
    )
    fees: dict[str, list[Fees]] = defaultdict(list)
    for one in price_fees.every_one(db, hub):
        fees[one.product].append(one)
    return [Price(*row) for row in db.execute(query)], dict(fees), _version(db)


def _version(db: Connection) -> tuple[int, ...]:
    # Rows are only added or flagged, so their count and highest number tell of any change.
    query = select(func.count(), func.max(prices.c.id)).where(prices.c.state == "shown")
    count, highest = db.execute(query).one()
    return count, highest or 0, *price_fees.version(db)


def _spot(price: Price) -> tuple[str, str, str, str]:
    return price.product, price.place, price.kind, price.source


def _recent_of(rows: list[Price]) -> dict[tuple[str, str, str, str], list[Price]]:
    recent: dict[tuple[str, str, str, str], list[Price]] = defaultdict(list)
    for price in rows:
        listed = recent[_spot(price)]
        if len(listed) < _RECENT_MAX:
            listed.append(price)
    return dict(recent)
