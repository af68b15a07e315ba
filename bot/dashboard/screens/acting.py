"""The buttons of a call: take it, give it back, say a line, send an SMS, end it, have it called."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web
from sqlalchemy import Connection

from bot.conversation import Session
from bot.dashboard.access.members import Member
from bot.dashboard.forms import fields_of
from bot.dashboard.guard import VISITOR
from bot.dashboard.screens.call_acts import Doing, Look, act
from bot.dashboard.screens.one_call import Caller, caller_of
from bot.engine import Engine
from bot.i18n import N_, _, speaking
from bot.market import Market, news
from bot.market.tickets import open_ticket
from bot.pins_in_texts import may_be_about_a_pin
from bot.storage.records import Records

LINE_MAX, SMS_MAX = 60, 140
# More does not fit into the column of a hop.
_DIGITS_MAX = 9
DOINGS: dict[str, Doing] = {
    "take": "taken",
    "give": "given",
    "line": "line",
    "sms": "sms",
    "end": "end",
    "call-back": "call_back",
}
DID = {
    "take": N_("The call is yours. Others see that you help."),
    "give": N_("The call is free again."),
    "line": N_("The person reads it on the next screen."),
    "sms": N_("The SMS is on its way."),
    "end": N_("The call ends with the next key that is pressed."),
    "call-back": N_("A call back is on the list."),
}
REFUSED = {
    "changed": N_("The call has gone on since this page was made. Nothing was done: look again."),
    "anothers": N_("Somebody else has taken this call. Nothing was done."),
    "not_taken": N_("Take the call first. Nothing was done."),
    "gone": N_("This call is over, or cannot be reached now. Nothing was done."),
    "unknown": N_("Who calls has not agreed to be known. Nothing was done."),
    "text": N_("Write one line that is not too long. Nothing was done."),
    "pin": N_("Nobody may be asked for a PIN, and none may be sent. Nothing was done."),
}


@dataclass(slots=True)
class _Asked:
    """What a member of staff asks for, and what they were looking at."""

    member: Member
    doing: str
    caller: Caller
    hop: int
    act: int
    text: str
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    outcome: str = "gone"


class Acting:
    """Does what the buttons say, once, and only when the call is as it was when they were shown."""

    def __init__(self, market: Market, engine: Engine) -> None:
        self._records: Records = market.records
        self._engine = engine

    async def do(self, request: web.Request) -> str:
        """Do it; the outcome: "done", or a key of `REFUSED`. Raises `HTTPNotFound`."""
        asked = await self._asked(request)
        if asked.doing in {"line", "sms"} and (wrong := _wrong(asked)):
            return wrong
        if asked.doing in {"sms", "call-back"} and not asked.caller.contact_id:
            return "unknown"
        if asked.doing in {"line", "end"}:
            await self._engine.attend(asked.caller.session_key, lambda s: self._in_call(asked, s))
        else:
            asked.outcome = await self._write(asked)
        return asked.outcome

    async def _asked(self, request: web.Request) -> _Asked:
        row_id = int(request.match_info["id"])
        fields = await fields_of(request)
        caller = await self._records.read(lambda db: caller_of(db, row_id))
        hop, _dash, last = fields.get("version", "").partition("-")
        if caller is None or not _is_count(hop) or not _is_count(last):
            raise web.HTTPNotFound
        doing, text = request.match_info["doing"], " ".join(fields.get("text", "").split())
        return _Asked(request[VISITOR].member, doing, caller, int(hop), int(last), text)

    async def _in_call(self, asked: _Asked, session: Session) -> bool:
        """Between two hops of the call: nobody presses a key meanwhile."""
        if asked.caller.owner not in {"", session.owner}:
            # A gateway's id has come again: this is somebody else's call.
            return False
        if session.hops != asked.hop:
            asked.outcome = "changed"
            return False
        asked.outcome = await self._write(asked)
        if asked.outcome != "done":
            return False
        if asked.doing == "line":
            with speaking(session.language or "rw"):
                session.line = f"{_('Help')}: {asked.text}"
        else:
            session.closing = True
        return True

    async def _write(self, asked: _Asked) -> str:
        """Write it down, and with it what it sends or asks for, in one transaction."""
        caller, look = asked.caller, Look(asked.hop, asked.act)

        def write(db: Connection) -> str:
            doing = DOINGS[asked.doing]
            number = act(db, asked.member, doing, caller, look, asked.now, asked.text)
            if isinstance(number, str):
                return number
            if doing == "sms":
                said, key = f"Isoko: {asked.text}", f"help {number}"
                news.tell(db, caller.contact_id, key, lambda: said, asked.now, by_phone=True)
            elif doing == "call_back":
                _ask_for_call(db, caller, asked.now)
            return "done"

        return await self._records.write(write)


def _ask_for_call(db: Connection, caller: Caller, now: datetime) -> None:
    open_ticket(
        db,
        category="call_back",
        msisdn=caller.owner,
        contact_id=caller.contact_id,
        language=caller.language or "rw",
        now=now,
    )


def _wrong(asked: _Asked) -> str:
    most = LINE_MAX if asked.doing == "line" else SMS_MAX
    if not asked.text or len(asked.text) > most or not asked.text.isprintable():
        return "text"
    if may_be_about_a_pin(asked.text):
        return "pin"
    return ""


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX
