"""The demo's own member of staff, who signs in by the link that each start prints."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot.dashboard.access import links, members

NAME = "demo supervisor"
# It stands in the terminal of who started the demo, and opens nothing but pretended data.
_VALID_FOR = timedelta(hours=24)


def demo_link(db: Connection, now: datetime) -> str:
    """A new link's token for the demo's supervisor; the one of the last start is good no more.

    "" when staff have revoked the demo's supervisor, or taken the name.
    """
    member = members.by_name(db, NAME)
    if member is None:
        member = members.add(db, NAME, "supervisor", "en", now, "server", demo=True)
    if member.revoked or not member.demo:
        return ""
    return links.make(db, member.id, now, _VALID_FOR)
