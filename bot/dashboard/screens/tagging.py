"""Staff put tags on a call, live or over, and take them off."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from bot.dashboard.access.members import Member
from bot.dashboard.screens.call_acts import helped, write_down
from bot.dashboard.screens.call_tags import tags_in
from bot.dashboard.screens.one_call import Caller, span_of
from bot.storage.one_at_a_time import one_at_a_time


def set_tag(
    db: Connection, member: Member, caller: Caller, tag: str, *, on: bool, now: datetime
) -> None:
    """Put a tag of `TAGS` on a call, or take it off; nothing where it is so already.

    Nobody need have taken the call, and it may be over; one that is gone has none.
    """
    one_at_a_time(db, "call acts")
    span = span_of(db, caller.row_id)
    if span is None:
        return
    done = helped(db, span).done
    if (tag in tags_in((one.act, one.text) for one in done)) == on:
        return
    did = "tagged" if on else "untagged"
    write_down(db, member, caller, did, tag, span.last_hop, now, tag=tag)
