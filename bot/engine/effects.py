"""The one deed of a place: done in one transaction with its reply, and never by coming back."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from bot.conversation import LANGUAGES, Reply, Screen, Session
from bot.engine.hop import Hop, note, present
from bot.flow import Flow, Forgotten
from bot.i18n import speak
from bot.market import Market, people
from bot.storage import hops
from bot.storage.records import RecordsDown, Unsure
from bot.storage.sessions import pack, unpack

# The note of what a place has said after its deed. No state has a space in its name.
_DONE = "done here"
# After this nobody is told of it, and another process may let the person try again.
_MAY_BEGIN_S = 10.0

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Screen)


class _Before:
    """The session before a deed, for each run of it.

    A store may run a deed again after a clash: what the run before has changed was not kept.
    """

    def __init__(self, session: Session) -> None:
        self._first: Session | None = session
        self._packed = pack(session)

    def session(self) -> Session:
        """It as it was, and another one each time."""
        first, self._first = self._first, None
        return first or unpack(self._packed)


class Effects:
    """Commits what a place does to the records."""

    def __init__(self, market: Market, shown_within_s: float) -> None:
        # A reply that took longer than half of its hop's budget may not be what the person saw.
        self._market, self._shown_within_s = market, shown_within_s / 2

    async def commit(self, hop: Hop, flow: Flow) -> Reply | None:
        """The effect, its key, its reply and the session after it, in one transaction.

        None when the person is known no more, and nothing was done.
        """
        do = partial(self._do, hop, flow, _Before(hop.session))
        try:
            return await self._market.records.write(do)
        except (IntegrityError, Forgotten) as error:
            # The key is there: this hop had its effect before, and all of this one is undone.
            saved = await self._found(hop)
            if saved is not None:
                hop.turn.session, hop.noted = saved.session, True
                hop.session.checking = b""
                return saved.reply
            if not isinstance(error, Forgotten):
                raise
        return None

    def keep(self, hop: Hop, reply: Reply, db: Connection) -> None:
        """Commit the hop with the rest of the transaction. Raises IntegrityError for a second."""
        hops.keep(db, hop.turn.hop_key, hop.session, reply, hop.turn.now)

    def _do(self, hop: Hop, flow: Flow, before: _Before, db: Connection) -> Reply:
        hop.turn.session, hop.noted = before.session(), False
        waited_s = time.monotonic() - hop.came_at
        if waited_s > _MAY_BEGIN_S:
            raise RecordsDown("this hop has waited so long that it may be taken for lost")
        session = hop.session
        speak(session.language or LANGUAGES[0])
        if session.contact_id and not people.hold(db, session.contact_id):
            raise Forgotten
        screen = flow.effects[session.state](hop.turn, db)
        session.notes[_DONE] = _encoder.encode(screen)
        reply = present(hop, flow, screen)
        note(hop, reply)
        if waited_s > self._shown_within_s:
            # Whoever finds this hop without the call shows it before anything is answered to it.
            session.checking = hop.mark
        self.keep(hop, reply, db)
        session.checking = b""
        return reply

    async def _found(self, hop: Hop) -> hops.SavedHop | None:
        try:
            return await self._market.records.read(lambda db: hops.find(db, hop.turn.hop_key))
        except RecordsDown as error:
            raise Unsure(str(error)) from error


def said_here(notes: dict[str, Any]) -> Screen | None:
    """What was said after the deed of the place with these notes; None when it was not done."""
    said = notes.get(_DONE)
    return None if said is None else _decoder.decode(said)


def leave(session: Session) -> None:
    """The person goes on from this place: should they come here again, it is to do it anew."""
    session.notes.pop(_DONE, None)
