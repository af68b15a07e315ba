"""The dashboard's routes: each a line with its method, its path, its page and who may use it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from aiohttp import web

from bot.dashboard.access.roles import (
    ALERTERS,
    ANSWERERS,
    ANYBODY,
    AUDITORS,
    EXPORTERS,
    READERS,
    REVEALERS,
    SIMULATORS,
    STAFF_READERS,
)
from bot.dashboard.access.second_step import SecondStep
from bot.dashboard.access.sign_in import SignIn
from bot.dashboard.desks import Desks
from bot.dashboard.guard import HOME, Guard, Handler
from bot.dashboard.rendering import Pages
from bot.dashboard.screens.acting import DOINGS, Acting
from bot.dashboard.screens.alert_drill import AlertDrill
from bot.dashboard.screens.alerts import Alerts
from bot.dashboard.screens.call_backs import CallBacks
from bot.dashboard.screens.call_page import CallPage, PhoneSize
from bot.dashboard.screens.calls import Calls
from bot.dashboard.screens.entry import Entry
from bot.dashboard.screens.feed import Feed
from bot.dashboard.screens.feed_door import FeedDoor
from bot.dashboard.screens.hand_over import HandOvers
from bot.dashboard.screens.health import Health
from bot.dashboard.screens.house import House, HouseRules
from bot.dashboard.screens.number_checks import NumberChecks
from bot.dashboard.screens.overview import Overview, fresh_counts
from bot.dashboard.screens.photos import Photos
from bot.dashboard.screens.pin_resets import PinResets
from bot.dashboard.screens.simulator import Pretended, Simulator
from bot.dashboard.screens.tickets import Tickets
from bot.engine import Engine
from bot.market import Market
from bot.market.pin_hashing import PinHashing
from bot.source import Proxies
from bot.storage.origin import WithOrigin

_DOINGS = "|".join(DOINGS)


async def _nothing() -> tuple[()]:
    return ()


_BARE = HouseRules(0, (), _nothing)


@dataclass(frozen=True, slots=True)
class DashboardRules:
    """The dashboard's settings. `secure` where browsers come over https.

    `address` is where they reach this server, "" where only their own requests tell.
    """

    key: str
    secure: bool
    demo: bool
    stale_after_days: int
    proxies: Proxies
    address: str = ""
    # Of the settings: two servers with the same one are set up alike.
    fingerprint: str = ""
    house: HouseRules = _BARE


@dataclass(frozen=True, slots=True)
class CallLine:
    """What leads to calls that go on: the engine, and a word to all that somebody looks on.

    `size` is how much a phone shows.
    """

    engine: Engine
    watched: Callable[[], Awaitable[None]]
    size: PhoneSize


class Dashboard:
    """Everything under /dashboard/.

    `passwords` hashes those of staff; `refused` counts strangers who were refused, by the reason;
    `line` leads to the calls that go on; `pretended` is the outside of the demo.
    """

    def __init__(
        self,
        market: Market,
        rules: DashboardRules,
        passwords: PinHashing,
        refused: Callable[[str], None],
        line: CallLine,
        pretended: Pretended | None = None,
    ) -> None:
        # Whatever a page writes, the audit says from where.
        market = replace(market, records=WithOrigin(market.records))
        pages = Pages(market.hub, rules.demo)
        records, self._passwords = market.records, passwords
        self.guard = Guard(
            records,
            pages,
            refused,
            secure=rules.secure,
            demo=rules.demo,
            address=rules.address,
            proxies=rules.proxies,
        )
        second_step = SecondStep(rules.key)
        sign_in = SignIn(records, passwords, second_step, rules.demo)
        self._entry = Entry(records, pages, self.guard, sign_in, second_step, rules.proxies)
        self._feed = Feed(records, market.hub.help_msisdn, rules.key, line.watched)
        self._calls = Calls(market, pages, self._feed)
        self._call = CallPage(market, pages, Acting(market, line.engine), line.size)
        counted = fresh_counts(market)
        self._health = Health(market, pages, counted.get)
        self._overview = Overview(
            market, pages, self._calls, self._health, counted, rules.stale_after_days
        )
        self._feed_door = FeedDoor(records, self.guard, self._feed, self._overview.stamp)
        self._call_backs = CallBacks(market, pages)
        self._tickets = Tickets(market, pages)
        self._pins, self._numbers = PinResets(market), NumberChecks(market)
        self._desks = Desks(market, pages, self.guard, sign_in, rules.fingerprint)
        self._hand_overs = HandOvers(market, pages, line.engine.sessions)
        self._alerts = Alerts(market, pages, self.guard)
        self._drill = AlertDrill(market, rules.house.alert_chat)
        self._house = House(pages, rules.house)
        self._photos = Photos(market, pages)
        self._simulator = Simulator(market, pages, pretended)

    def mount(self, app: web.Application) -> web.Application:
        """Put the dashboard into `app`; returns its own part, whose router tests walk."""
        own = web.Application(middlewares=[self.guard.middleware])
        own.on_startup.append(self._start)
        own.on_shutdown.append(self._send_away)
        own.on_cleanup.append(self._close)
        for method, path, handler, roles in self._routes():
            self.guard.allow(handler, roles)
            if method == "GET":
                # A link that is good once is not used up by who only asks whether it is there.
                own.router.add_get(path, handler, allow_head="{token" not in path)
            else:
                own.router.add_post(path, handler)
        stream = self._feed_door.stream
        self.guard.allow(stream, READERS, stream=True)
        own.router.add_get("/feed", stream, allow_head=False)
        app.router.add_get(HOME.rstrip("/"), _to_home)
        app.add_subapp(HOME, own)
        return own

    async def _start(self, _app: web.Application) -> None:
        self._desks.start()

    async def _send_away(self, _app: web.Application) -> None:
        """A stream that stays open would hold up the stop."""
        await self._feed.close()

    async def _close(self, _app: web.Application) -> None:
        self._passwords.close()
        await self._desks.close()

    def _routes(self) -> list[tuple[str, str, Handler, frozenset[str]]]:
        entry, calls, tickets = self._entry, self._calls, self._tickets
        call = self._call
        chats, chat = self._hand_overs, "/hand-over/{id:[0-9]{1,18}}"
        photos, photo = self._photos, "/photos/{id:[0-9]{1,18}}"
        return [
            ("GET", "/sign-in", entry.ask, ANYBODY),
            ("POST", "/sign-in", entry.password, ANYBODY),
            ("GET", "/sign-in/code", entry.ask_code, ANYBODY),
            ("POST", "/sign-in/code", entry.code, ANYBODY),
            ("GET", "/welcome/{token}", entry.link, ANYBODY),
            ("POST", "/welcome/{token}", entry.set_up, ANYBODY),
            ("GET", "/static/{name}", entry.static, ANYBODY),
            ("POST", "/sign-out", entry.sign_out, READERS),
            ("POST", "/language", entry.language, READERS),
            ("GET", "/", self._overview.now, READERS),
            ("GET", "/health", self._health.show, READERS),
            ("GET", "/calls", calls.board, READERS),
            ("GET", "/calls/{id:[0-9]{1,18}}", call.show, READERS),
            ("POST", "/calls/{id:[0-9]{1,18}}/take-along", call.take_along, EXPORTERS),
            ("POST", f"/calls/{{id:[0-9]{{1,18}}}}/do/{{doing:{_DOINGS}}}", call.do, ANSWERERS),
            ("POST", "/calls/{id:[0-9]{1,18}}/tag", call.tag, ANSWERERS),
            ("POST", "/calls/{id:[0-9]{1,18}}/take-chat", call.take_chat, ANSWERERS),
            ("POST", "/calls/{id:[0-9]{1,18}}/reveal", calls.reveal, REVEALERS),
            ("GET", "/call-backs", self._call_backs.listed, READERS),
            ("POST", "/call-backs/{code:T-[0-9A-Z]{5}}/tried", self._call_backs.tried, ANSWERERS),
            ("GET", "/alerts", self._alerts.listed, READERS),
            ("POST", "/alerts/{id:[0-9]{1,18}}/own", self._alerts.own, ALERTERS),
            ("POST", "/alerts/{id:[0-9]{1,18}}/let-go", self._alerts.let_go, ALERTERS),
            ("POST", "/alerts/rules/{rule:[a-z_]{1,24}}/mute", self._alerts.mute, ALERTERS),
            ("POST", "/alerts/rules/{rule:[a-z_]{1,24}}/test", self._drill.fire, ALERTERS),
            ("GET", "/system/checks", self._house.checks, AUDITORS),
            ("GET", "/settings", self._house.settings, STAFF_READERS),
            ("GET", "/simulator", self._simulator.show, READERS),
            ("POST", "/simulator", self._simulator.switch, SIMULATORS),
            ("GET", "/tickets", tickets.listed, READERS),
            ("GET", "/tickets/{code:T-[0-9A-Z]{5}}", tickets.one, READERS),
            ("POST", "/tickets/{code:T-[0-9A-Z]{5}}/close", tickets.close, ANSWERERS),
            ("POST", "/tickets/{code:T-[0-9A-Z]{5}}/pin-called", self._pins.ask, ANSWERERS),
            ("POST", "/tickets/{code:T-[0-9A-Z]{5}}/pin-reset", self._pins.approve, ANSWERERS),
            ("POST", "/tickets/{code:T-[0-9A-Z]{5}}/verified", self._numbers.verify, ANSWERERS),
            ("POST", "/tickets/{code:T-[0-9A-Z]{5}}/owner-called", self._numbers.ask, ANSWERERS),
            ("POST", "/tickets/{code:T-[0-9A-Z]{5}}/new-owner", self._numbers.approve, ANSWERERS),
            ("POST", "/tickets/{code:T-[0-9A-Z]{5}}/reveal", tickets.reveal, REVEALERS),
            *self._desks.routes(),
            ("GET", "/hand-over", chats.listed, READERS),
            ("GET", chat, chats.one, READERS),
            ("POST", f"{chat}/take", chats.take, ANSWERERS),
            ("POST", f"{chat}/say", chats.say, ANSWERERS),
            ("POST", f"{chat}/typing", chats.typing, ANSWERERS),
            ("POST", f"{chat}/give-back", chats.give_back, ANSWERERS),
            ("GET", "/photos", photos.listed, ANSWERERS),
            ("GET", photo, photos.one, ANSWERERS),
            ("GET", f"{photo}/picture.jpg", photos.picture, ANSWERERS),
            ("POST", f"{photo}/show", photos.show, ANSWERERS),
            ("POST", f"{photo}/refuse", photos.refuse, ANSWERERS),
        ]


async def _to_home(_request: web.Request) -> web.Response:
    raise web.HTTPFound(HOME)
