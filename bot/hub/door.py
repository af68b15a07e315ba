"""`POST /hub/events`: who signed it is listened to; what is kept has its 202."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog
from aiohttp import web

from bot.bodies import BadBody, body_of
from bot.hub.answers import EventKept, answered, problem
from bot.hub.event_types import SOURCE, Unusable, lane_of, read_event
from bot.hub.keeping import Keeping
from bot.hub.openapi import document
from bot.hub.pacing import Pacing
from bot.hub.questions import HubQuestions
from bot.hub.signing import Forged, verify
from bot.in_turns import InTurns
from bot.storage.hub_inbox import Arrived
from bot.storage.records import Records, RecordsDown

log = structlog.get_logger(__name__)

# Standard Webhooks: under 20 kB; a little more for a long address.
BODY_MAX = 24 * 1024
_BODY_S = 5.0
# Nobody signs for the description, and it is put together anew each time.
_PUBLISHED_PER_MINUTE = 60
# So many events are checked and read in one turn of the loop, some 2 ms: hops wait for its end.
_IN_A_TURN = 8


class HubDoor:
    """The routes under /hub/. Nothing of a body is read as JSON before its signature was right."""

    def __init__(
        self,
        records: Records,
        keeping: Keeping,
        secrets: Sequence[str],
        wake: Callable[[], None],
        refused: Callable[[str, int], None],
        url: str,
        asks_per_minute: int,
    ) -> None:
        self._records, self._secrets, self._wake = records, tuple(secrets), wake
        self._refused, self._url = refused, url
        self._keeping, self._in_turns = keeping, InTurns(_IN_A_TURN)
        self._pacing, self._published = Pacing(asks_per_minute), Pacing(_PUBLISHED_PER_MINUTE)

    def mount(self, app: web.Application) -> None:
        """Add the routes to `app`."""
        app.router.add_post("/hub/events", self.receive)
        app.router.add_get("/hub/openapi.json", self.openapi)
        HubQuestions(self._records, self._secrets, self._forged, self._pacing).mount(app)

    async def receive(self, request: web.Request) -> web.Response:
        """202 once it is kept, also when it was before; 401, 409, 413 or 422 with the reason.

        503 when it cannot be kept, so that the hub sends it again.
        """
        body = await read_body(request)
        if isinstance(body, web.Response):
            return body
        await self._in_turns.passes()
        try:
            event_id = verify(body, request.headers, self._secrets)
        except Forged as why:
            return self._forged(str(why))
        try:
            kind, said = read_event(body)
        except Unusable as why:
            return problem(422, str(why))
        arrived = Arrived(SOURCE, event_id, kind, lane_of(said, SOURCE), body)
        return await answer(self._keeping, arrived, self._wake, ignored=said is None)

    async def openapi(self, request: web.Request) -> web.Response:
        """What may be sent here, and what is sent from here, as OpenAPI 3.1."""
        if (refused := self._published.refusal(request.remote or "")) is not None:
            return refused
        return web.json_response(document(self._url))

    def _forged(self, why: str) -> web.Response:
        self._refused("hub", 401)
        log.warning("request refused", gateway="hub", status=401, why=why)
        return problem(401, why)


async def read_body(request: web.Request, most: int = BODY_MAX) -> bytes | web.Response:
    """The body byte by byte, or the answer to one that is too large or too slow."""
    try:
        # The server's own limit is that of gateways, which send less.
        return await body_of(request, _BODY_S, most)
    except BadBody as bad:
        return problem(bad.status, str(bad))


async def answer(
    keeping: Keeping,
    arrived: Arrived,
    wake: Callable[[], None],
    *,
    ignored: bool = False,
    id_is_all: bool = False,
) -> web.Response:
    """Keep an event whose sender is known, and say so.

    With `id_is_all` an id that is known is the same event, whatever else it says by now.
    """
    try:
        found = await keeping.keep(arrived, ignored=ignored)
    except RecordsDown as error:
        log.error("hub event not kept", why=str(error))
        return problem(503, "the records are out of reach: send it again")
    if found == "other" and not id_is_all:
        return problem(409, "another event came under this id before; nothing was changed")
    if found == "kept":
        wake()
    return answered(EventKept(arrived.event_id, True, found != "kept", ignored), 202)
