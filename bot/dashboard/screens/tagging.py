"""Staff put tags on a call, live or over, and take them off."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert

from bot.dashboard.access.members import Member, note
from bot.dashboard.screens.call_acts import helped
from bot.dashboard.screens.call_tags import tags_in
from bot.dashboard.screens.one_call import Caller, span_of
from bot.storage.one_at_a_time import one_at_a_time
from bot.storage.schema import call_acts


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
    act, hop = "tagged" if on else "untagged", span.last_hop
    whose = {"session_key": caller.session_key, "owner": caller.owner, "staff_id": member.id}
    row = insert(call_acts).values(**whose, act=act, text=tag, hop=hop, at=now)
    number = db.execute(row).inserted_primary_key
    assert number is not None  # noqa: S101  the database numbers every row
    note(db, member.name, f"call {act}", f"act {number[0]}", now, tag=tag)
