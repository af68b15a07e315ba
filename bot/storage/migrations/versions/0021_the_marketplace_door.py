"""The marketplace door: events of the hub, orders and who is offered them, who hears of it."""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema.columns import BigInt, Moment

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _what_came_in()
    _what_is_sold()
    _orders()
    _allocation()
    op.create_table(
        "subscriptions",
        _id(),
        sa.Column("url", sa.String(length=2048), nullable=False),
        sa.Column("secrets", sa.JSON(), nullable=False),
        sa.Column("types", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=8), server_default="active", nullable=False),
        sa.Column("why", sa.String(length=160), server_default="", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failing_since", Moment(), nullable=True),
        sa.Column("rests_until", Moment(), nullable=True),
        sa.Column("made_at", Moment(), nullable=False),
        sa.CheckConstraint(
            "state IN ('active', 'disabled')", name=op.f("ck_subscriptions_state_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
    )


def downgrade() -> None:
    op.drop_column("stocks", "grade")
    for table in (
        "subscriptions",
        "supply_turns",
        "allocations",
        "reviews",
        "hub_orders",
        "rates",
        "hub_items",
        "hub_events",
    ):
        op.drop_table(table)


def _id() -> sa.Column[int]:
    return sa.Column("id", BigInt, autoincrement=True, nullable=False)


def _what_came_in() -> None:
    op.create_table(
        "hub_events",
        _id(),
        sa.Column("source", sa.String(length=24), nullable=False),
        sa.Column("event_id", sa.String(length=160), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("lane", sa.String(length=80), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("state", sa.String(length=8), server_default="waiting", nullable=False),
        sa.Column("outcome", sa.String(length=160), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("done_at", Moment(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'applied', 'refused', 'ignored', 'parked')",
            name=op.f("ck_hub_events_state_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hub_events")),
    )
    op.create_index(
        op.f("ix_hub_events_source_event_id"), "hub_events", ["source", "event_id"], unique=True
    )
    op.create_index(op.f("ix_hub_events_state_lane_id"), "hub_events", ["state", "lane", "id"])


def _what_is_sold() -> None:
    op.create_table(
        "hub_items",
        _id(),
        sa.Column("sku", sa.String(length=40), nullable=False),
        sa.Column("product", sa.String(length=24), nullable=False),
        sa.Column("grade", sa.String(length=8), server_default="", nullable=False),
        sa.Column("pack_g", sa.Integer(), nullable=False),
        sa.Column("deductions", sa.JSON(), nullable=False),
        sa.Column("collection_point", sa.String(length=60), nullable=False),
        sa.Column("deliver_days", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "pack_g > 0 AND deliver_days > 0", name=op.f("ck_hub_items_amounts_positive")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hub_items")),
        sa.UniqueConstraint("sku", name=op.f("uq_hub_items_sku")),
    )
    op.create_table(
        "rates",
        _id(),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("micro_rwf", BigInt, nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("entered_at", Moment(), nullable=False),
        sa.CheckConstraint("micro_rwf > 0", name=op.f("ck_rates_rate_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rates")),
    )
    op.create_index(op.f("ix_rates_currency_day"), "rates", ["currency", "day"], unique=True)


def _orders() -> None:
    op.create_table(
        "hub_orders",
        _id(),
        sa.Column("order_id", BigInt, nullable=False),
        sa.Column("source", sa.String(length=24), nullable=False),
        sa.Column("hub_order_id", sa.String(length=64), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("sku", sa.String(length=40), server_default="", nullable=False),
        sa.Column("grade", sa.String(length=8), server_default="", nullable=False),
        sa.Column("district", sa.String(length=40), server_default="", nullable=False),
        sa.Column("state", sa.String(length=12), server_default="open", nullable=False),
        sa.Column("answer_by", Moment(), nullable=False),
        sa.Column("round", sa.Integer(), server_default="0", nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("unit_price", sa.String(length=24), nullable=False),
        sa.Column("rate_id", BigInt, nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'filled', 'declined', 'expired', 'cancelled')",
            name=op.f("ck_hub_orders_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_hub_orders_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["rate_id"], ["rates.id"], name=op.f("fk_hub_orders_rate_id_rates")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hub_orders")),
        sa.UniqueConstraint("order_id", name=op.f("uq_hub_orders_order_id")),
    )
    op.create_index(
        op.f("ix_hub_orders_source_hub_order_id_line"),
        "hub_orders",
        ["source", "hub_order_id", "line"],
        unique=True,
    )
    op.create_table(
        "reviews",
        _id(),
        sa.Column("order_id", BigInt, nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_reviews_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
    )
    op.create_index(op.f("ix_reviews_due_at"), "reviews", ["due_at"])


def _allocation() -> None:
    op.create_table(
        "allocations",
        _id(),
        sa.Column("order_id", BigInt, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("contact_id", BigInt, nullable=False),
        sa.Column("offer_id", BigInt, nullable=False),
        sa.Column("packs", sa.Integer(), nullable=False),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_allocations_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_allocations_contact_id_contacts")
        ),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offers.id"], name=op.f("fk_allocations_offer_id_offers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocations")),
    )
    op.create_index(op.f("ix_allocations_order_id"), "allocations", ["order_id"])
    op.create_table(
        "supply_turns",
        sa.Column("contact_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("last_turn", BigInt, nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_supply_turns_contact_id_contacts")
        ),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_supply_turns")),
    )
    op.add_column(
        "stocks", sa.Column("grade", sa.String(length=8), server_default="", nullable=False)
    )
