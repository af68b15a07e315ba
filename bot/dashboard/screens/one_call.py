"""One call from start to end, as its phone showed it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, and_, or_, select

from bot.dashboard.screens.board import is_chat, shown_number
from bot.market import telegram_links
from bot.masking import without_numbers
from bot.storage.schema import contacts, transcripts

# A caller without a name is found among the hops written about then: nothing else leads there.
_NEAR = 5_000
_HOPS_MAX = 300
# A call whose beginning is not found began less long before its first hop that is.
_LONGEST_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Hop:
    """One entry and the screen it led to. `over` when the call ended with it, or was cut."""

    number: int
    at: datetime
    place: str
    typed: str
    shown: str
    millis: float
    over: bool

    @property
    def said(self) -> bool:
        """Whether a screen was shown; the end of a call that was cut shows none."""
        return bool(self.shown)


@dataclass(frozen=True, slots=True)
class Span:
    """What tells a call from others under its id, which gateways use again; and its newest hop.

    `begun_ms` is when its first hop was, 0 of a chat, which goes on for ever.
    """

    session_key: str
    owners: frozenset[str]
    begun_ms: int
    last_hop: int


@dataclass(frozen=True, slots=True)
class OneCall:
    """A call's hops, oldest first. `whole` is False when its beginning was not found.

    Of very many it has the newest.
    """

    id: int
    number: str
    name: str
    contact_id: int
    language: str
    hops: list[Hop]
    whole: bool
    session_key: str = ""
    last_row: int = 0
    # Whether a Telegram account speaks for this person, and whether it takes what we send.
    chat: Literal["", "linked", "blocked"] = ""
    is_chat: bool = False

    def without_key(self) -> OneCall:
        """For pages and files: a chat's key names a person's account."""
        return replace(self, session_key="")


def one_call(db: Connection, row_id: int, ours: str = "") -> OneCall | None:
    """The call that the transcript row `row_id` belongs to, or None when that is gone."""
    found = call_and_span(db, row_id, ours)
    return None if found is None else found[0]


def call_and_span(db: Connection, row_id: int, ours: str = "") -> tuple[OneCall, Span] | None:
    """The same, with what tells it from others."""
    rows = _rows_of(db, row_id)
    return (_call_of(db, row_id, rows, ours), _span(rows)) if rows else None


def span_of(db: Connection, row_id: int) -> Span | None:
    """What tells the call of this row from others, or None when the row is gone."""
    rows = _rows_of(db, row_id)
    return _span(rows) if rows else None


def _call_of(db: Connection, row_id: int, rows: Sequence[RowMapping], ours: str) -> OneCall:
    owner = next((one["owner"] for one in reversed(rows) if one["owner"]), "")
    person = select(contacts.c.id, contacts.c.names).where(contacts.c.msisdn == owner)
    known = db.execute(person).first() if owner else None
    return OneCall(
        id=row_id,
        number=shown_number(owner),
        name=without_numbers(known.names, ours) if known else "",
        contact_id=known.id if known else 0,
        language=rows[-1]["language"],
        hops=[hop_of(one, ours) for one in rows],
        whole=rows[0]["hop"] <= 1,
        session_key=rows[0]["session_key"],
        is_chat=is_chat(rows[0]["session_key"]),
        last_row=rows[-1]["id"],
        chat=_chat_of(db, known.id) if known else "",
    )


def _span(rows: Sequence[RowMapping]) -> Span:
    key = rows[0]["session_key"]
    owners = frozenset(one["owner"] for one in rows) | {""}
    first_ms = min(one["at_ms"] for one in rows)
    begun_ms = first_ms if rows[0]["hop"] <= 1 else first_ms - _LONGEST_MS
    return Span(key, owners, 0 if is_chat(key) else begun_ms, rows[-1]["hop"])


def _rows_of(db: Connection, row_id: int) -> Sequence[RowMapping]:
    table = transcripts
    row = db.execute(select(table).where(table.c.id == row_id)).mappings().first()
    if row is None:
        return []
    near = table.c.id.between(row_id - _NEAR, row_id + _NEAR)
    same = table.c.session_key == row["session_key"]
    mine = and_(table.c.owner == row["owner"], table.c.owner != "")
    # A chat is one conversation for as long as it is linked: its newest part is what is asked for.
    newest = select(table).where(or_(near, mine), same).order_by(table.c.id.desc())
    rows = db.execute(newest.limit(_HOPS_MAX)).mappings().all()[::-1]
    return rows if is_chat(row["session_key"]) else _without_others(rows, row)


def _without_others(rows: Sequence[RowMapping], row: RowMapping) -> Sequence[RowMapping]:
    """The rows of the call of `row`, from its first hop to the next call under the same id.

    By their times: of two processes the one with the later hop may have written first.
    """
    # A call that is cut shows nothing, and is no beginning.
    begins = [one["at_ms"] for one in rows if one["hop"] <= 1 and one["shown"]]
    first = max((at for at in begins if at <= row["at_ms"]), default=0)
    after = min((at for at in begins if at > row["at_ms"]), default=math.inf)
    mine = {"", row["owner"]} if row["owner"] else {one["owner"] for one in rows}
    return [one for one in rows if first <= one["at_ms"] < after and one["owner"] in mine]


def key_and_moment_of(db: Connection, row_id: int) -> tuple[str, int]:
    """The key of the call that this transcript row belongs to, "" for none, and its moment."""
    query = select(transcripts.c.session_key, transcripts.c.at_ms)
    row = db.execute(query.where(transcripts.c.id == row_id)).first()
    return (row.session_key, row.at_ms) if row else ("", 0)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose call it is, and a row of it.

    `owner` is the whole number, "" for who has not agreed to be known.
    """

    row_id: int
    session_key: str
    owner: str
    contact_id: int
    language: str


def caller_of(db: Connection, row_id: int) -> Caller | None:
    """The caller of the call that the transcript row `row_id` belongs to, or None."""
    mine = contacts.c.msisdn == transcripts.c.owner
    columns = (transcripts.c.session_key, transcripts.c.owner, transcripts.c.language)
    query = select(*columns, contacts.c.id).outerjoin(contacts, mine)
    row = db.execute(query.where(transcripts.c.id == row_id)).first()
    if row is None:
        return None
    return Caller(row_id, row.session_key, row.owner, row.id or 0, row.language)


def msisdn_of_contact(db: Connection, contact_id: int) -> str:
    """The whole number of who made the call, for a reveal; "" when they have left."""
    query = select(contacts.c.msisdn).where(contacts.c.id == contact_id)
    return str(db.execute(query).scalar() or "")


def _chat_of(db: Connection, contact_id: int) -> Literal["", "linked", "blocked"]:
    link = telegram_links.of_contact(db, contact_id)
    if link is None:
        return ""
    return "blocked" if link.blocked else "linked"


def hop_of(row: Any, ours: str) -> Hop:
    """A row of the transcript as a page may show it."""
    return Hop(
        number=row["hop"],
        at=datetime.fromtimestamp(row["at_ms"] / 1000, UTC),
        place=row["place"],
        typed=without_numbers(row["typed"], ours),
        shown=without_numbers(row["shown"], ours),
        millis=row["micros"] / 1000,
        over=bool(row["ends"]),
    )
