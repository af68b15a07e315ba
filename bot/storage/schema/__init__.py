"""Every table of the records; the migrations in `storage/migrations` build them."""

from bot.storage.schema.alerts import alert_mutes, staff_alerts
from bot.storage.schema.calls import call_acts, call_tries
from bot.storage.schema.columns import metadata
from bot.storage.schema.cooperatives import members, shares, splits
from bot.storage.schema.delivery import audit, hops, inbox, outbox, transcripts, turns
from bot.storage.schema.desk import audit_seals, exports, proposals, reconciliations
from bot.storage.schema.figures import minutes
from bot.storage.schema.hand_overs import hand_over_lines, hand_overs
from bot.storage.schema.marketplace import (
    allocations,
    hub_events,
    hub_items,
    hub_orders,
    rates,
    reviews,
    shop_pulls,
    subscriptions,
    supply_turns,
)
from bot.storage.schema.money import (
    PAYMENT_STATES,
    bills,
    ledger_entries,
    ledger_lines,
    operators,
    payment_approvals,
    payment_events,
    payments,
)
from bot.storage.schema.people import (
    call_backs,
    consents,
    contacts,
    lesson_progress,
    pin_failures,
    pins,
    tickets,
    wallet_changes,
)
from bot.storage.schema.staff import (
    ROLES,
    staff,
    staff_attempts,
    staff_codes,
    staff_links,
    staff_sessions,
)
from bot.storage.schema.telegram import telegram_invites, telegram_links
from bot.storage.schema.telegram_updates import telegram_updates
from bot.storage.schema.trading import (
    OFFER_STATES,
    offer_events,
    offers,
    orders,
    price_alerts,
    price_fees,
    prices,
    stock_listings,
    stock_photos,
    stocks,
)
from bot.storage.schema.visits import BOOKING_STATES, bookings

__all__ = [
    "BOOKING_STATES",
    "OFFER_STATES",
    "PAYMENT_STATES",
    "ROLES",
    "alert_mutes",
    "allocations",
    "audit",
    "audit_seals",
    "bills",
    "bookings",
    "call_acts",
    "call_backs",
    "call_tries",
    "consents",
    "contacts",
    "exports",
    "hand_over_lines",
    "hand_overs",
    "hops",
    "hub_events",
    "hub_items",
    "hub_orders",
    "inbox",
    "ledger_entries",
    "ledger_lines",
    "lesson_progress",
    "members",
    "metadata",
    "minutes",
    "offer_events",
    "offers",
    "operators",
    "orders",
    "outbox",
    "payment_approvals",
    "payment_events",
    "payments",
    "pin_failures",
    "pins",
    "price_alerts",
    "price_fees",
    "prices",
    "proposals",
    "rates",
    "reconciliations",
    "reviews",
    "shares",
    "shop_pulls",
    "splits",
    "staff",
    "staff_alerts",
    "staff_attempts",
    "staff_codes",
    "staff_links",
    "staff_sessions",
    "stock_listings",
    "stock_photos",
    "stocks",
    "subscriptions",
    "supply_turns",
    "telegram_invites",
    "telegram_links",
    "telegram_updates",
    "tickets",
    "transcripts",
    "turns",
    "wallet_changes",
]
