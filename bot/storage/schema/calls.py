"""Tables of what staff do about a call: in it, while it goes on, and by calling back."""

from sqlalchemy import Column, Index, Integer, String, Table

from bot.storage.schema.columns import Moment, belongs_to, metadata, one_of, row_id

ACTS = ("taken", "given", "line", "sms", "end", "call_back", "tagged", "untagged")
OUTCOMES = ("reached", "no_answer", "wrong_person", "solved")

call_acts = Table(
    "call_acts",
    metadata,
    row_id(),
    Column("session_key", String(160), nullable=False),
    # Whose call it is, so that it goes when the person does; "" of who has not agreed to be known.
    Column("owner", String(24), nullable=False, index=True),
    Column("act", String(12), nullable=False),
    belongs_to("staff_id", "staff"),
    # What was shown or sent to the person.
    Column("text", String(320), nullable=False, server_default=""),
    # The hop that the member of staff was looking at.
    Column("hop", Integer, nullable=False),
    Column("at", Moment, nullable=False, index=True),
    Index(None, "session_key", "id"),
    one_of("act", ACTS),
)

call_tries = Table(
    "call_tries",
    metadata,
    row_id(),
    belongs_to("ticket_id", "tickets", index=True),
    belongs_to("staff_id", "staff"),
    Column("outcome", String(12), nullable=False),
    Column("at", Moment, nullable=False),
    one_of("outcome", OUTCOMES),
)
