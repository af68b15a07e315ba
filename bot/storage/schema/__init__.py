"""Every table of the records; the migrations in `storage/migrations` build them."""

from bot.storage.schema.columns import metadata
from bot.storage.schema.cooperatives import members, shares, splits
from bot.storage.schema.delivery import audit, hops, inbox, outbox, transcripts, turns
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
    prices,
    stock_listings,
    stocks,
)
from bot.storage.schema.visits import BOOKING_STATES, bookings

__all__ = [
    "BOOKING_STATES",
    "OFFER_STATES",
    "PAYMENT_STATES",
    "ROLES",
    "audit",
    "bills",
    "bookings",
    "call_backs",
    "consents",
    "contacts",
    "hops",
    "inbox",
    "ledger_entries",
    "ledger_lines",
    "lesson_progress",
    "members",
    "metadata",
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
    "prices",
    "shares",
    "splits",
    "staff",
    "staff_attempts",
    "staff_codes",
    "staff_links",
    "staff_sessions",
    "stock_listings",
    "stocks",
    "telegram_invites",
    "telegram_links",
    "telegram_updates",
    "tickets",
    "transcripts",
    "turns",
    "wallet_changes",
]
