"""Who came in by a link that the page made takes no part yet in what two must do.

One administrator may add two members and open both links: a day lets the others see it first.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, select

from bot.dashboard.access.members import note
from bot.storage.schema import audit

RESTS_FOR = timedelta(hours=24)
_MADE, _SET_UP = ("staff added", "staff link made"), ("set up by link",)


class NewlySetUp(Exception):
    """This account does not act yet in what two must do; `until` is when it may."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"not before {until.isoformat()}")
        self.until = until


def note_link(db: Connection, by: str, name: str, now: datetime) -> None:
    """Keep that `by` made a link for this member on the page, not from the server's shell."""
    note(db, by, "staff link made", f"staff {name}", now, on_page=True)


def note_set_up(db: Connection, name: str, now: datetime) -> None:
    """Keep that the newest link of this member was used, and whether the page had made it."""
    made = _newest(db, name, _MADE)
    by_page = {"on_page": True} if made is not None and made["details"].get("on_page") else {}
    note(db, name, "set up by link", f"staff {name}", now, **by_page)


def check(db: Connection, name: str, now: datetime) -> None:
    """Raises `NewlySetUp` for a day after this member was set up by a link of the page."""
    line = _newest(db, name, _SET_UP)
    if line is None or not line["details"].get("on_page"):
        return
    until = line["at"] + RESTS_FOR
    if now < until:
        raise NewlySetUp(until)


def _newest(db: Connection, name: str, actions: tuple[str, ...]) -> RowMapping | None:
    mine = (audit.c.subject == f"staff {name}") & audit.c.action.in_(actions)
    return db.execute(select(audit).where(mine).order_by(audit.c.id.desc())).mappings().first()
