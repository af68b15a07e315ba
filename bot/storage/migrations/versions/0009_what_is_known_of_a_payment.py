"""How often a payment was asked for, why it is held, what really moved; who failed an operator."""

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

from bot.storage.refund_guards import guard, unguard
from bot.storage.schema.columns import BigInt, Moment

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# As shipped: the migration does not read the settings.
_COOLING_OFF = timedelta(hours=72)


def upgrade() -> None:
    op.add_column("payments", sa.Column("asks", sa.Integer(), server_default="0", nullable=False))
    op.add_column(
        "payments", sa.Column("held", sa.String(length=24), server_default="", nullable=False)
    )
    op.add_column("payments", sa.Column("moved_rwf", BigInt, nullable=True))
    op.add_column(
        "operators", sa.Column("unanswered", sa.JSON(), server_default="[]", nullable=False)
    )
    op.add_column("operators", sa.Column("back_at", Moment(), nullable=True))
    unguard(op.get_bind())
    guard(op.get_bind(), "COALESCE(moved_rwf, amount_rwf)")
    # Collections have a line of their own.
    # Given to the driver as it is: to SQLAlchemy a colon begins a parameter.
    plain = op.get_bind().exec_driver_sql
    plain("UPDATE outbox SET via = via || ':in' WHERE kind = 'collection' AND via <> ''")
    _say_what_may_have_been_asked()
    _hold_what_waited_for_people(op.get_bind())


def _say_what_may_have_been_asked() -> None:
    op.execute(
        "UPDATE payments SET asks = 1 WHERE state <> 'created' OR EXISTS (SELECT 1 FROM outbox "
        "WHERE attempts > 0 AND kind <> 'sms' "
        "AND dedupe_key LIKE kind || ':' || payments.reference || '%')"
    )


def _hold_what_waited_for_people(db: sa.Connection) -> None:
    """What time was asked for so far stands on the payment from now on."""
    payments = sa.table(
        "payments",
        *(sa.column(name) for name in ("id", "contact_id", "state", "direction", "refunds_id")),
        sa.column("held"),
        sa.column("created_at", Moment()),
    )
    changes = sa.table("wallet_changes", sa.column("contact_id"), sa.column("at", Moment()))
    query = (
        sa.select(payments.c.id, payments.c.created_at, changes.c.at)
        .join(changes, changes.c.contact_id == payments.c.contact_id)
        .where(payments.c.state == "created", payments.c.direction == "payout")
        .where(payments.c.refunds_id.is_(None))
    )
    held = [row.id for row in db.execute(query) if _is_within(row.created_at - row.at)]
    db.execute(sa.update(payments).where(payments.c.id.in_(held)).values(held="number changed"))


def _is_within(later: timedelta) -> bool:
    return timedelta() <= later < _COOLING_OFF


def downgrade() -> None:
    unguard(op.get_bind())
    for table, names in {
        "payments": ("moved_rwf", "held", "asks"),
        "operators": ("back_at", "unanswered"),
    }.items():
        for name in names:
            op.drop_column(table, name)
    guard(op.get_bind())
    plain = op.get_bind().exec_driver_sql
    plain("DELETE FROM operators WHERE provider LIKE '%:in'")
    plain("UPDATE outbox SET via = replace(via, ':in', '') WHERE kind = 'collection'")
