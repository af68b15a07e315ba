"""The business: what is true and what is done. It knows nothing of chats or networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.storage.records import Records

if TYPE_CHECKING:
    from bot.market.collecting import CollectionRules
    from bot.market.limits import PayoutRules
    from bot.market.link_codes import LinkCodes
    from bot.market.news import QuietHours
    from bot.market.pins import PinGuard
    from bot.market.prices import PriceBoard


@dataclass(frozen=True, slots=True)
class Hub:
    """The hub this server serves; nothing else in the code names one."""

    id: str
    name: str
    currency: str
    timezone: str
    help_msisdn: str
    service_code: str
    country: str


@dataclass(frozen=True, slots=True)
class Market:
    """Everything a flow may ask for."""

    hub: Hub
    records: Records
    prices: PriceBoard
    pins: PinGuard
    payouts: PayoutRules
    collections: CollectionRules
    link_codes: LinkCodes
    quiet: QuietHours


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something: the person, through which channel, and the key of the cause."""

    by: str
    channel: str
    key: str
    contact_id: int = 0
