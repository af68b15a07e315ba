"""Tables of money: payments and the double-entry ledger."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, text

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

PAYMENT_STATES = ("created", "sent", "unknown", "succeeded", "failed", "flagged")
_ALIVE = text("state <> 'failed'")

bills = Table(
    "bills",
    metadata,
    row_id(),
    belongs_to("contact_id", "contacts", index=True),
    Column("order_code", String(16), nullable=False),
    Column("amount_rwf", Francs, nullable=False),
    # Why it is owed, in the words of who asked; emptied when the person leaves.
    Column("why", String(80), nullable=False, server_default=""),
    Column("by", String(40), nullable=False),
    Column("asked_at", Moment, nullable=False),
    # Nobody is to pay it any more; its entry in the ledger is reversed.
    Column("withdrawn_at", Moment),
    CheckConstraint("amount_rwf > 0 AND amount_rwf <= 5000000", name="amount_in_limits"),
)

sales = Table(
    "sales",
    metadata,
    row_id(),
    # Who sells, and asks a buyer beside them to pay by phone.
    belongs_to("contact_id", "contacts", index=True),
    # Emptied when either of the two leaves.
    Column("buyer_msisdn", String(16), nullable=False),
    Column("amount_rwf", Francs, nullable=False),
    Column("what_for", String(24), nullable=False),
    # Of the hop that asked: the same one asks once.
    Column("key", String(64), nullable=False, unique=True),
    Column("asked_at", Moment, nullable=False),
    Index(None, "buyer_msisdn", "asked_at"),
    CheckConstraint("amount_rwf > 0 AND amount_rwf <= 5000000", name="amount_in_limits"),
)

payments = Table(
    "payments",
    metadata,
    row_id(),
    # Made before the first call and never changed: the operator's idempotency key.
    Column("reference", String(36), nullable=False, unique=True),
    Column("callback_token", String(43), nullable=False, unique=True),
    Column("direction", String(12), nullable=False),
    belongs_to("contact_id", "contacts", index=True),
    belongs_to("offer_id", "offers", nullable=True, index=True),
    Column("order_code", String(16), nullable=False),
    Column("provider", String(16), nullable=False),
    # Whose wallet it is: the payee of a payout, the payer of a collection.
    Column("payee_msisdn", String(16), nullable=False),
    Column("amount_rwf", Francs, nullable=False),
    Column("fee_rwf", Francs, nullable=False, server_default="0"),
    Column("currency", String(3), nullable=False),
    Column("state", String(12), nullable=False, server_default="created"),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("reason", String(160), nullable=False, server_default=""),
    Column("provider_txn_id", String(64), nullable=False, server_default=""),
    Column("proof_code", String(12), nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
    Column("settled_at", Moment),
    Column("confirmed_at", Moment),
    # When to ask the operator next, and how often we have asked.
    Column("look_up_at", Moment),
    Column("look_ups", Integer, nullable=False, server_default="0"),
    # How often the operator was asked to move it, counted before each asking.
    Column("asks", Integer, nullable=False, server_default="0"),
    # When it was first asked for; what was made by an older version has none.
    Column("asked_at", Moment),
    # Why it needs two people although it is not large, as it was found when it was made.
    Column("held", String(24), nullable=False, server_default=""),
    # What really moved, where staff found it to be another amount.
    Column("moved_rwf", Francs),
    # What a collection pays, and which collection a payout gives back.
    belongs_to("bill_id", "bills", nullable=True),
    belongs_to("refunds_id", "payments", nullable=True),
    # Which sale a collection asks the buyer for, and a payout passes on to the seller.
    belongs_to("sale_id", "sales", nullable=True),
    Index(None, "state", "look_up_at"),
    # A bill is paid once, and a collection given back once, however many ask at the same time.
    Index(None, "bill_id", unique=True, sqlite_where=_ALIVE, postgresql_where=_ALIVE),
    Index(None, "refunds_id", unique=True, sqlite_where=_ALIVE, postgresql_where=_ALIVE),
    # A buyer pays a sale once, and it is passed on once.
    Index(None, "sale_id", "direction", unique=True, sqlite_where=_ALIVE, postgresql_where=_ALIVE),
    one_of("direction", ("payout", "collection")),
    one_of("state", PAYMENT_STATES),
    CheckConstraint("amount_rwf > 0 AND amount_rwf <= 5000000", name="amount_in_limits"),
    CheckConstraint("fee_rwf >= 0", name="fee_not_negative"),
)

payment_events = Table(
    "payment_events",
    metadata,
    row_id(),
    belongs_to("payment_id", "payments", index=True),
    Column("from_state", String(12), nullable=False),
    Column("to_state", String(12), nullable=False),
    Column("at", Moment, nullable=False),
    Column("by", String(40), nullable=False),
    Column("reason", String(160), nullable=False, server_default=""),
)

payment_approvals = Table(
    "payment_approvals",
    metadata,
    row_id(),
    belongs_to("payment_id", "payments"),
    # "hub" for the server that made the payout, else the name of the member of staff.
    Column("by", String(40), nullable=False),
    # What was approved: of reference, amount, currency, payee and provider, and of what a refund
    # gives back.
    Column("digest", String(64), nullable=False),
    Column("at", Moment, nullable=False),
    Index(None, "payment_id", "by", unique=True),
)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    row_id(),
    # One posting for one cause: "payment:<reference>:succeeded".
    Column("cause", String(80), nullable=False, unique=True),
    Column("at", Moment, nullable=False),
)

ledger_lines = Table(
    "ledger_lines",
    metadata,
    row_id(),
    # Lines are written before the entry that seals them, so it is looked for at commit.
    Column(
        "entry_id",
        BigInt,
        ForeignKey("ledger_entries.id", deferrable=True, initially="DEFERRED"),
        nullable=False,
        index=True,
    ),
    # "hub_float", "fees", "hub_sales", "hub_revenue", "suspense", "write_off", and of each person
    # "farmer_payable:<contact>" and "receivable:<contact>".
    Column("account", String(40), nullable=False, index=True),
    Column("amount_rwf", Francs, nullable=False),
    CheckConstraint("amount_rwf <> 0", name="amount_not_zero"),
)

operators = Table(
    "operators",
    metadata,
    # An operator's line: "mtn-momo" pays out, "mtn-momo:in" collects.
    Column("provider", String(16), primary_key=True),
    Column("state", String(12), nullable=False, server_default="working"),
    # How many payments in a row had no answer, which they are, and which outage this is or was.
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("unanswered", Json, nullable=False, server_default="[]"),
    Column("outage", Integer, nullable=False, server_default="0"),
    Column("since", Moment),
    # When it is asked again whether it works, or when the next held payments may leave.
    Column("next_at", Moment),
    # When it first worked again in this outage.
    Column("back_at", Moment),
    # Who has a payment up to this one was told.
    Column("told_up_to", BigInt, nullable=False, server_default="0"),
    Column("why", String(80), nullable=False, server_default=""),
    one_of("state", ("working", "down", "recovering")),
)
