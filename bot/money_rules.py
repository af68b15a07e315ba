"""From settings to the rules of money, to which the server and the commands both keep."""

from __future__ import annotations

from bot.market.collecting import CollectionRules
from bot.market.limits import PayoutRules
from bot.market.sale_rules import SaleRules
from bot.payments.provider import AIRTEL_MONEY, MTN_MOMO
from bot.settings import Settings


def payout_rules_of(settings: Settings) -> PayoutRules:
    """How much may be paid out, and what waits for release."""
    limits, hub = settings.payouts, settings.hub
    return PayoutRules(
        limits.largest_rwf,
        limits.person_day_rwf,
        limits.release_above_rwf,
        hub.currency,
        hub.timezone,
        limits.cooling_off_hours,
    )


def collection_rules_of(settings: Settings) -> CollectionRules:
    """Through whom people can pay the hub."""
    both = {MTN_MOMO, AIRTEL_MONEY} if settings.airtel.client_id else {MTN_MOMO}
    switch, paying_out = settings.collections, frozenset(both)
    providers = paying_out if switch.enabled else frozenset()
    hours = settings.payouts.cooling_off_hours
    sale = SaleRules(
        switch.sale_largest_rwf,
        switch.sale_day_rwf,
        switch.sale_open_max,
        switch.sale_day_max,
        switch.buyer_day_max,
    )
    return CollectionRules(
        providers, switch.prompt_after_s, settings.hub.currency, hours, sale, paying_out
    )
