"""Tables of what comes in and goes out: hops, outbox, inbox, audit, transcripts."""

from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    literal_column,
)

from bot.storage.origin import ip_now, session_now
from bot.storage.schema.columns import BigInt, Json, Moment, metadata, one_of, row_id

hops = Table(
    "hops",
    metadata,
    # Keyed digest of gateway, session and typed history: one effect and one reply for each.
    Column("key", LargeBinary(16), primary_key=True),
    Column("session_key", String(160), nullable=False),
    # A number, or the id of an account that has none.
    Column("owner", String(24), nullable=False),
    Column("size", Integer, nullable=False),
    Column("reply", Text, nullable=False),
    Column("ends", Integer, nullable=False),
    # The session as it stood with this reply: a lost session goes on from here.
    Column("snapshot", LargeBinary, nullable=False),
    Column("at", Moment, nullable=False, index=True),
    Index(None, "session_key", "size"),
)

# Most news leaves through no operator. A query must say this in these very words.
HAS_VIA: ColumnElement[bool] = literal_column("via <> ''")
# What has left and still says all it said. A query must say this in these very words.
IS_FULL: ColumnElement[bool] = literal_column("state = 'sent' AND emptied = 0")
OUTBOX_STATES = ("waiting", "sent", "dead")


def _only_where(words: str) -> dict[str, Any]:
    """An index of the rows of which this holds, on either store."""
    where: ColumnElement[bool] = literal_column(words)
    return {"sqlite_where": where, "postgresql_where": where}


outbox = Table(
    "outbox",
    metadata,
    row_id(),
    Column("kind", String(16), nullable=False),
    Column("dedupe_key", String(80), nullable=False, unique=True),
    # The operator through which money leaves; news of another kind has none.
    Column("via", String(16), nullable=False, server_default=""),
    # The chat that it goes to, where what goes there must go in order.
    Column("lane", String(24), nullable=False, server_default=""),
    Column("payload", Json, nullable=False),
    # As in the payload: to whom or about whom, or to which number; whoever leaves takes it along.
    Column("contact_id", BigInt),
    Column("msisdn", String(16)),
    Column("state", String(8), nullable=False, server_default="waiting"),
    Column("due_at", Moment, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("lease", String(40), nullable=False, server_default=""),
    Column("lease_until", Moment),
    Column("last_error", String(160), nullable=False, server_default=""),
    Column("written_at", Moment, nullable=False),
    Column("done_at", Moment),
    # 1 once what it said is gone: the key alone stays, so that the same news never leaves again.
    Column("emptied", Integer, nullable=False, server_default="0"),
    # What waits for one kind's sender is in no other's way.
    Index(None, "state", "kind", "due_at", "id"),
    Index("ix_outbox_full", "done_at", sqlite_where=IS_FULL, postgresql_where=IS_FULL),
    Index("ix_outbox_via", "via", "state", sqlite_where=HAS_VIA, postgresql_where=HAS_VIA),
    Index(None, "kind", "state", "lane"),
    Index("ix_outbox_contact_id", "contact_id", **_only_where("contact_id IS NOT NULL")),
    Index("ix_outbox_msisdn", "msisdn", **_only_where("msisdn IS NOT NULL")),
    one_of("state", OUTBOX_STATES),
)

# Callbacks for nobody are few. A query must say this in these very words.
IS_ORPHAN: ColumnElement[bool] = literal_column("outcome = 'orphan'")
# Those that a day brought no payment for.
IS_UNMATCHED: ColumnElement[bool] = literal_column("outcome = 'unmatched'")
# The same of those that are forged.
IS_FORGED: ColumnElement[bool] = literal_column("substr(outcome, 1, 7) = 'forged:'")

# Those that came with a token of a payment's path.
IS_OURS: ColumnElement[bool] = literal_column("token <> ''")

# What one process at a time may do, and which one does it.
turns = Table(
    "turns",
    metadata,
    Column("what", String(24), primary_key=True),
    Column("holder", String(40), nullable=False, server_default=""),
    Column("until", Moment),
)

inbox = Table(
    "inbox",
    metadata,
    row_id(),
    Column("source", String(24), nullable=False),
    Column("event_id", String(160), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("applied_at", Moment),
    Column("outcome", String(160), nullable=False, server_default=""),
    # Of the path of a payment's callback; it makes us ask, and nothing more.
    Column("token", String(64), nullable=False, server_default=""),
    Index(None, "source", "event_id", unique=True),
    Index("ix_inbox_orphan", "id", sqlite_where=IS_ORPHAN, postgresql_where=IS_ORPHAN),
    Index("ix_inbox_unmatched", "id", sqlite_where=IS_UNMATCHED, postgresql_where=IS_UNMATCHED),
    # What was called back about a person's payments is found, to be shown and to be forgotten.
    Index("ix_inbox_token", "token", sqlite_where=IS_OURS, postgresql_where=IS_OURS),
    Index("ix_inbox_forged", "id", sqlite_where=IS_FORGED, postgresql_where=IS_FORGED),
)

audit = Table(
    "audit",
    metadata,
    row_id(),
    Column("at", Moment, nullable=False),
    Column("actor", String(40), nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", String(80), nullable=False, index=True),
    Column("details", Json, nullable=False),
    # Where who did it was, as far as that is known: by whoever writes the line, without being told.
    Column("ip", String(45), nullable=False, server_default="", default=ip_now),
    Column("session", String(12), nullable=False, server_default="", default=session_now),
    # How often somebody did something lately, such as look at numbers.
    Index(None, "actor", "at"),
    # Who did it to one person, such as look at them.
    Index(None, "subject", "action"),
)

transcripts = Table(
    "transcripts",
    metadata,
    row_id(),
    Column("session_key", String(160), nullable=False),
    Column("hop", Integer, nullable=False),
    # A session belongs to one owner, so this index finds both.
    Column("owner", String(24), nullable=False, index=True),
    Column("place", String(48), nullable=False),
    # Secrets are already cut out of what was typed.
    Column("typed", String(160), nullable=False),
    Column("shown", Text, nullable=False),
    Column("micros", Integer, nullable=False),
    # Milliseconds since 1970: one row a hop, so that it must cost little.
    Column("at_ms", BigInt, nullable=False),
    # Whether the call was over with this screen, and the language it was in.
    Column("ends", Integer, nullable=False, server_default="0"),
    Column("language", String(2), nullable=False, server_default=""),
)
