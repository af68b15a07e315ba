"""Tables of the marketplace door: what its hub sent, what was made of it, and who hears of it."""

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

# Signed events that came in: kept before they are acknowledged, applied once, in order of `lane`.
hub_events = Table(
    "hub_events",
    metadata,
    row_id(),
    Column("source", String(24), nullable=False),
    Column("event_id", String(160), nullable=False),
    Column("type", String(40), nullable=False),
    # What must stay in order: the order's own id at the hub.
    Column("lane", String(80), nullable=False),
    # Emptied once it is applied, for it may name a buyer; the digest tells whether it came again.
    Column("body", LargeBinary, nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("state", String(8), nullable=False, server_default="waiting"),
    Column("outcome", String(160), nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("done_at", Moment),
    # By the shop's own clock; with what came of it, for its words go then.
    Column("said_at", Moment),
    Index(None, "source", "event_id", unique=True),
    Index(None, "state", "lane", "id"),
    one_of("state", ("waiting", "applied", "refused", "ignored", "parked")),
)

# Up to when a shop was asked for its orders; one process asks it at a time.
shop_pulls = Table(
    "shop_pulls",
    metadata,
    Column("source", String(24), primary_key=True),
    Column("asked_until", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("lease", String(16), nullable=False, server_default=""),
    Column("lease_until", Moment),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("why", String(160), nullable=False, server_default=""),
)

# What is sold under which number: a pack of a product, and who gets what part of its price.
hub_items = Table(
    "hub_items",
    metadata,
    row_id(),
    Column("sku", String(40), nullable=False, unique=True),
    Column("product", String(24), nullable=False),
    Column("grade", String(8), nullable=False, server_default=""),
    Column("pack_g", Integer, nullable=False),
    # [{"name", "to", "permille"}]: thousandths of the sale price.
    Column("deductions", Json, nullable=False),
    Column("collection_point", String(60), nullable=False),
    Column("deliver_days", Integer, nullable=False),
    CheckConstraint("pack_g > 0 AND deliver_days > 0", name="amounts_positive"),
)

# What one unit of another currency was worth on a day, in millionths of a franc.
rates = Table(
    "rates",
    metadata,
    row_id(),
    Column("currency", String(3), nullable=False),
    Column("day", Date, nullable=False),
    Column("micro_rwf", Francs, nullable=False),
    Column("source", String(80), nullable=False),
    Column("entered_at", Moment, nullable=False),
    Index(None, "currency", "day", unique=True),
    CheckConstraint("micro_rwf > 0", name="rate_positive"),
)

# One line of an order of the hub, which is one of our orders.
hub_orders = Table(
    "hub_orders",
    metadata,
    row_id(),
    belongs_to("order_id", "orders", unique=True),
    Column("source", String(24), nullable=False),
    Column("hub_order_id", String(64), nullable=False),
    Column("line", Integer, nullable=False),
    Column("sku", String(40), nullable=False, server_default=""),
    Column("grade", String(8), nullable=False, server_default=""),
    Column("district", String(40), nullable=False, server_default=""),
    Column("state", String(12), nullable=False, server_default="open"),
    Column("answer_by", Moment, nullable=False),
    Column("round", Integer, nullable=False, server_default="0"),
    # The price of a pack as the hub named it, and the rate it was turned into francs with.
    Column("currency", String(3), nullable=False),
    Column("unit_price", String(24), nullable=False),
    belongs_to("rate_id", "rates", nullable=True),
    Index(None, "source", "hub_order_id", "line", unique=True),
    one_of("state", ("open", "filled", "declined", "expired", "cancelled")),
)

# An order that must be looked at: something of it changed, or its time is over. Only ever added by
# answers, so that an answer waits for no allocation.
reviews = Table(
    "reviews",
    metadata,
    row_id(),
    belongs_to("order_id", "orders"),
    Column("due_at", Moment, nullable=False, index=True),
    # How often in a row the order could not be looked at.
    Column("attempts", Integer, nullable=False, server_default="0"),
)

# Who was offered what in which round, and by which figures of the rule.
allocations = Table(
    "allocations",
    metadata,
    row_id(),
    belongs_to("order_id", "orders", index=True),
    Column("round", Integer, nullable=False),
    belongs_to("contact_id", "contacts"),
    belongs_to("offer_id", "offers"),
    Column("packs", Integer, nullable=False),
    Column("why", Json, nullable=False),
    Column("at", Moment, nullable=False),
)

# When somebody's turn was last, as a number that only goes up.
supply_turns = Table(
    "supply_turns",
    metadata,
    Column("contact_id", BigInt, ForeignKey("contacts.id"), primary_key=True, autoincrement=False),
    Column("last_turn", BigInt, nullable=False),
)

# Who hears of what happens, and how they may check that it is us.
subscriptions = Table(
    "subscriptions",
    metadata,
    row_id(),
    Column("url", String(2048), nullable=False),
    # [{"secret", "until"}], the newest first; an older one signs too until its moment.
    Column("secrets", Json, nullable=False),
    # ["*"], or the types wanted.
    Column("types", Json, nullable=False),
    Column("state", String(8), nullable=False, server_default="active"),
    Column("why", String(160), nullable=False, server_default=""),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("failing_since", Moment),
    Column("rests_until", Moment),
    # When a failure was last counted: of those that were under way by then each is the same one.
    Column("failed_at", Moment),
    Column("made_at", Moment, nullable=False),
    one_of("state", ("active", "disabled")),
)
