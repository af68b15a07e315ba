"""Tables of trade: prices, stock and what is offered of it, orders of the hub and their offers."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    text,
)

from bot.storage.schema.columns import (
    BigInt,
    Francs,
    Json,
    Moment,
    belongs_to,
    metadata,
    one_of,
    row_id,
)

_OPEN = text("ended_at IS NULL")

prices = Table(
    "prices",
    metadata,
    row_id(),
    Column("hub", String(16), nullable=False, server_default="rw"),
    Column("product", String(24), nullable=False),
    Column("place", String(60), nullable=False, server_default=""),
    Column("district", String(40), nullable=False, server_default=""),
    Column("kind", String(12), nullable=False),
    Column("amount_rwf", Francs, nullable=False),
    Column("unit", String(8), nullable=False),
    Column("valid_on", Date, nullable=False),
    Column("source", String(80), nullable=False),
    Column("state", String(12), nullable=False, server_default="shown"),
    Column("reason", String(160), nullable=False, server_default=""),
    Column("entered_at", Moment, nullable=False),
    Index(None, "hub", "product", "place", "kind", "valid_on", "source", unique=True),
    one_of("kind", ("minimum", "fixed", "observed", "retail", "example")),
    one_of("state", ("shown", "flagged")),
    CheckConstraint("amount_rwf > 0", name="amount_positive"),
)

# What is taken of a product's price from a day on: published with its source, never changed.
price_fees = Table(
    "price_fees",
    metadata,
    row_id(),
    Column("hub", String(16), nullable=False, server_default="rw"),
    Column("product", String(24), nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("source", String(80), nullable=False),
    # [{"name", "to", "permille", "amount_rwf"}] of the price of one unit.
    Column("fees", Json, nullable=False),
    Column("entered_at", Moment, nullable=False),
    Index(None, "hub", "product", "valid_from", unique=True),
)

# Fees that one member of staff wants published, and another must approve.
fee_changes = Table(
    "fee_changes",
    metadata,
    row_id(),
    Column("hub", String(16), nullable=False),
    Column("product", String(24), nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("source", String(80), nullable=False),
    Column("fees", Json, nullable=False),
    Column("asked_by", String(40), nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("ended_by", String(40), nullable=False, server_default=""),
    Column("ended_at", Moment),
    Column("outcome", String(12), nullable=False, server_default=""),
    # Of one product's day one waits at a time.
    Index(
        "ix_fee_changes_open",
        *("hub", "product", "valid_from"),
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
    CheckConstraint("outcome <> 'approved' OR ended_by <> asked_by", name="two_people"),
)

stocks = Table(
    "stocks",
    metadata,
    row_id(),
    belongs_to("contact_id", "contacts"),
    Column("product", String(24), nullable=False),
    Column("available_g", BigInt, nullable=False),
    Column("promised_g", BigInt, nullable=False, server_default="0"),
    # What the collection point said of its quality; "" where nobody has looked.
    Column("grade", String(8), nullable=False, server_default=""),
    Index(None, "contact_id", "product", unique=True),
    CheckConstraint("promised_g >= 0 AND promised_g <= available_g", name="never_oversold"),
)

stock_listings = Table(
    "stock_listings",
    metadata,
    row_id(),
    belongs_to("contact_id", "contacts"),
    Column("product", String(24), nullable=False),
    Column("grade", String(8), nullable=False, server_default=""),
    # Whole kilograms or pieces, as the product is sold; the price is for one of them.
    Column("units", Integer, nullable=False),
    Column("price_rwf", Francs, nullable=False),
    Column("harvested_on", Date, nullable=False),
    Column("state", String(12), nullable=False, server_default="open"),
    # Goes up with every change; an answer carries the version that the person saw.
    Column("version", Integer, nullable=False, server_default="1"),
    Column("offered_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    # What it came of: the same cause offers once.
    Column("key", String(64), nullable=False, unique=True),
    Index(None, "contact_id", "state", "product"),
    one_of("state", ("open", "withdrawn")),
    CheckConstraint("units > 0 AND price_rwf > 0", name="amounts_positive"),
)

stock_photos = Table(
    "stock_photos",
    metadata,
    row_id(),
    belongs_to("listing_id", "stock_listings"),
    belongs_to("contact_id", "contacts"),
    # Made anew from what was sent, without anything hidden in it; empty once it was refused.
    Column("jpeg", LargeBinary, nullable=False),
    Column("state", String(8), nullable=False, server_default="waiting", index=True),
    Column("sent_at", Moment, nullable=False),
    Column("decided_at", Moment),
    Column("decided_by", String(40), nullable=False, server_default=""),
    # What it came with: the same message brings it once.
    Column("key", String(64), nullable=False, unique=True),
    Index(None, "listing_id", "state"),
    Index(None, "contact_id", "sent_at"),
    one_of("state", ("waiting", "shown", "refused")),
)

price_alerts = Table(
    "price_alerts",
    metadata,
    row_id(),
    belongs_to("contact_id", "contacts"),
    Column("product", String(24), nullable=False, index=True),
    Column("above_rwf", Francs, nullable=False),
    # Only what is entered after it was asked for is told.
    Column("after_price_id", BigInt, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Index(None, "contact_id", "product", unique=True),
    CheckConstraint("above_rwf > 0", name="above_positive"),
)

orders = Table(
    "orders",
    metadata,
    row_id(),
    Column("hub", String(16), nullable=False, server_default="rw"),
    Column("code", String(16), nullable=False, unique=True),
    Column("product", String(24), nullable=False),
    Column("packs", Integer, nullable=False),
    Column("packs_accepted", Integer, nullable=False, server_default="0"),
    Column("pack_g", Integer, nullable=False),
    Column("price_rwf", Francs, nullable=False),
    Column("sale_price_rwf", Francs, nullable=False),
    # For a pack [{"name", "to", "amount_rwf"}]: sale price = farmer's net + these, to the franc.
    Column("deductions", Json, nullable=False),
    Column("collection_point", String(60), nullable=False),
    Column("deliver_by", Moment, nullable=False),
    Column("placed_at", Moment, nullable=False),
    CheckConstraint("packs > 0 AND pack_g > 0 AND price_rwf > 0", name="amounts_positive"),
    CheckConstraint("packs_accepted >= 0 AND packs_accepted <= packs", name="never_overaccepted"),
)

OFFER_STATES = (
    "offered",
    "accepted",
    "declined",
    "expired",
    "withdrawn",
    "handed_over",
    "shipped",
    "delivered",
    "paid",
    "confirmed",
    "disputed",
)

offers = Table(
    "offers",
    metadata,
    row_id(),
    belongs_to("order_id", "orders"),
    belongs_to("contact_id", "contacts"),
    Column("packs", Integer, nullable=False),
    Column("packs_accepted", Integer, nullable=False, server_default="0"),
    Column("price_rwf", Francs, nullable=False),
    Column("state", String(16), nullable=False, server_default="offered"),
    # Goes up with every change; an answer carries the version that the person saw.
    Column("version", Integer, nullable=False, server_default="1"),
    Column("answer_by", Moment, nullable=False),
    Column("answered_at", Moment),
    Index(None, "order_id", "contact_id", unique=True),
    Index(None, "contact_id", "state"),
    Index(None, "state", "answer_by"),
    one_of("state", OFFER_STATES),
    CheckConstraint("packs_accepted >= 0 AND packs_accepted <= packs", name="part_of_offer"),
)

offer_events = Table(
    "offer_events",
    metadata,
    row_id(),
    belongs_to("offer_id", "offers", index=True),
    Column("from_state", String(16), nullable=False),
    Column("to_state", String(16), nullable=False),
    Column("at", Moment, nullable=False),
    Column("by", String(40), nullable=False),
    Column("channel", String(24), nullable=False),
    Column("key", String(64), nullable=False),
    Column("place", String(60), nullable=False, server_default=""),
    # The same cause changes an offer once.
    Index(None, "offer_id", "key", unique=True),
)


def _of_one_offer() -> Column[int]:
    return Column(
        "offer_id", BigInt, ForeignKey("offers.id"), primary_key=True, autoincrement=False
    )


# What staff weighed at the collection point, once for each part of an order.
received_parts = Table(
    "received_parts",
    metadata,
    _of_one_offer(),
    Column("weight_g", BigInt, nullable=False),
    Column("by", String(40), nullable=False),
    Column("at", Moment, nullable=False),
    CheckConstraint("weight_g > 0", name="weight_positive"),
)

# When to try again to pay what was delivered and a limit has refused.
payout_tries = Table(
    "payout_tries",
    metadata,
    _of_one_offer(),
    Column("next_at", Moment, nullable=False),
)
