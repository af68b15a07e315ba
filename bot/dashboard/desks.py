"""The routes of the desks: trade and money, people, and the house itself."""

from __future__ import annotations

from bot.dashboard.access.roles import (
    ADMINS,
    ANSWERERS,
    ASKERS,
    AUDITORS,
    BOOKKEEPERS,
    CALLERS_OFF,
    COMPARERS,
    CUSTODIANS,
    EXPORTERS,
    FINDERS,
    MONEY,
    READERS,
    REPLAYERS,
    REVEALERS,
    STAFF_READERS,
)
from bot.dashboard.access.sign_in import SignIn
from bot.dashboard.guard import Guard, Handler
from bot.dashboard.rendering import Pages
from bot.dashboard.screens.audit_log import AuditLog
from bot.dashboard.screens.deliveries import Deliveries
from bot.dashboard.screens.exports import Exports
from bot.dashboard.screens.fees import FeePages
from bot.dashboard.screens.float_sheet import FloatSheet
from bot.dashboard.screens.funnel import Funnel
from bot.dashboard.screens.messages import Messages
from bot.dashboard.screens.orders import Orders
from bot.dashboard.screens.orphans import Orphans
from bot.dashboard.screens.payments import Payments
from bot.dashboard.screens.people import People
from bot.dashboard.screens.person_reveal import PersonReveal
from bot.dashboard.screens.staff import Staff
from bot.dashboard.screens.statement import StatementPage
from bot.dashboard.screens.system import System
from bot.dashboard.screens.views import Views
from bot.dashboard.screens.webhooks import Webhooks
from bot.market import Market

_ID = "{id:[0-9]{1,18}}"
_ORDER = "/orders/{code:[A-Z0-9-]{1,16}}"
_Route = tuple[str, str, Handler, frozenset[str]]


class Desks:
    """The pages at which staff work, each with who may use it."""

    def __init__(
        self, market: Market, pages: Pages, guard: Guard, sign_in: SignIn, fingerprint: str
    ) -> None:
        self._orders = Orders(market, pages)
        self._payments = Payments(market, pages)
        self._orphans = Orphans(market, pages)
        self._float = FloatSheet(market, pages)
        self._statement = StatementPage(market, pages, guard)
        self._webhooks = Webhooks(market, pages)
        self._deliveries = Deliveries(market, pages)
        self._messages = Messages(market, pages)
        self._people = People(market, pages)
        self._reveal = PersonReveal(market, pages)
        self._exports = Exports(market, pages, guard)
        self._audit = AuditLog(market, pages)
        self._staff = Staff(market, pages, guard, sign_in)
        self._system = System(market, pages, fingerprint)
        self._funnel = Funnel(market, pages)
        self._views = Views(market, pages)
        self._fees = FeePages(market, pages)

    def start(self) -> None:
        """Begin what goes on beside the pages."""
        self._webhooks.recoveries.start()

    async def close(self) -> None:
        """Stop what goes on beside the pages."""
        await self._webhooks.recoveries.close()
        await self._messages.lots.close()

    def routes(self) -> list[_Route]:
        """Each a line with its method, its path, its page and who may use it."""
        return [
            *self._of_trade(),
            *self._of_money(),
            *self._of_news(),
            *self._of_people(),
            *self._of_the_house(),
        ]

    def _of_trade(self) -> list[_Route]:
        return [
            ("GET", "/orders", self._orders.listed, READERS),
            ("GET", _ORDER, self._orders.one, READERS),
            ("POST", f"{_ORDER}/cancel", self._orders.cancel, CALLERS_OFF),
            ("POST", f"{_ORDER}/offers/{_ID}/notify", self._orders.notify, ANSWERERS),
            ("POST", f"{_ORDER}/offers/{_ID}/receive", self._orders.receive, ANSWERERS),
            ("POST", f"{_ORDER}/offers/{_ID}/dispute", self._orders.dispute, ANSWERERS),
            ("POST", f"{_ORDER}/offers/{_ID}/resume", self._orders.resume, CALLERS_OFF),
            ("POST", f"{_ORDER}/offers/{_ID}/call-off", self._orders.call_off, CALLERS_OFF),
        ]

    def _of_money(self) -> list[_Route]:
        payments = self._payments
        return [
            ("GET", "/payments", payments.listed, READERS),
            ("GET", "/payments/day", self._float.show, BOOKKEEPERS),
            ("POST", "/payments/day", self._float.csv, BOOKKEEPERS),
            ("GET", "/payments/statement", self._statement.ask, COMPARERS),
            ("POST", "/payments/statement", self._statement.compare, COMPARERS),
            ("GET", "/payments/orphans", self._orphans.listed, BOOKKEEPERS),
            ("POST", f"/payments/orphans/{_ID}/match", self._orphans.match, MONEY),
            ("POST", f"/payments/orphans/{_ID}/nobodys", self._orphans.nobodys, MONEY),
            ("GET", f"/payments/{_ID}", payments.one, READERS),
            ("POST", f"/payments/{_ID}/ask", payments.ask, ASKERS),
            ("POST", f"/payments/{_ID}/send", payments.send, MONEY),
            ("POST", f"/payments/{_ID}/release", payments.release, MONEY),
            ("POST", f"/payments/{_ID}/stop", payments.stop, MONEY),
            ("POST", f"/payments/{_ID}/propose", payments.propose, MONEY),
            ("POST", f"/payments/{_ID}/settle", payments.settle, MONEY),
            ("POST", f"/payments/{_ID}/pass-on", payments.pass_on, MONEY),
            ("POST", f"/payments/{_ID}/withdraw", payments.withdraw, MONEY),
        ]

    def _of_news(self) -> list[_Route]:
        webhooks = self._webhooks
        return [
            ("GET", "/messages", self._messages.listed, READERS),
            ("POST", f"/messages/{_ID}/again", self._messages.again, REPLAYERS),
            (
                "POST",
                "/messages/reasons/{mark:[0-9a-f]{16}}/again",
                self._messages.all_again,
                REPLAYERS,
            ),
            ("GET", "/webhooks", webhooks.came, READERS),
            ("GET", "/webhooks/out", webhooks.leaves, READERS),
            ("POST", f"/webhooks/events/{_ID}/again", webhooks.apply_again, REPLAYERS),
            ("POST", f"/webhooks/callbacks/{_ID}/again", webhooks.hear_again, REPLAYERS),
            ("POST", f"/webhooks/deliveries/{_ID}/again", webhooks.send_again, REPLAYERS),
            ("GET", f"/webhooks/deliveries/{_ID}", self._deliveries.one, READERS),
            ("POST", f"/webhooks/deliveries/{_ID}/now", self._deliveries.send_now, REPLAYERS),
            ("POST", f"/webhooks/receivers/{_ID}/rotate", self._deliveries.rotate, ADMINS),
            ("POST", f"/webhooks/receivers/{_ID}/recover", webhooks.recover, REPLAYERS),
            ("POST", f"/webhooks/receivers/{_ID}/on", webhooks.switch_on, REPLAYERS),
            ("POST", f"/webhooks/receivers/{_ID}/off", webhooks.switch_off, REPLAYERS),
            ("POST", f"/webhooks/receivers/{_ID}/test", webhooks.test, REPLAYERS),
        ]

    def _of_people(self) -> list[_Route]:
        people = self._people
        return [
            ("GET", "/people", people.listed, READERS),
            ("POST", "/people/find", people.find, FINDERS),
            ("GET", f"/people/{_ID}", people.one, READERS),
            ("POST", f"/people/{_ID}/pin-ticket", people.call_about_pin, ANSWERERS),
            ("POST", f"/people/{_ID}/unlink", people.unlink, ANSWERERS),
            ("POST", f"/people/{_ID}/reveal", self._reveal.show, REVEALERS),
            ("POST", f"/people/{_ID}/language", people.speak, ANSWERERS),
            ("POST", f"/people/{_ID}/mute", people.mute, ANSWERERS),
            ("POST", f"/people/{_ID}/unmute", people.unmute, ANSWERERS),
            ("POST", f"/people/{_ID}/notes", people.write_note, ANSWERERS),
            ("POST", f"/people/{_ID}/notes/drop", people.drop_note, ANSWERERS),
            ("POST", f"/people/{_ID}/copy", people.copy, CUSTODIANS),
            ("POST", f"/people/{_ID}/forget", people.propose, CUSTODIANS),
            ("POST", f"/people/{_ID}/erase", people.erase, CUSTODIANS),
            ("POST", f"/people/{_ID}/keep", people.withdraw, CUSTODIANS),
        ]

    def _of_the_house(self) -> list[_Route]:
        staff = self._staff
        return [
            ("POST", "/exports/{what:[a-z]{1,16}}", self._exports.ask, EXPORTERS),
            ("GET", "/exports/{token:[A-Za-z0-9_-]{43}}", self._exports.take, EXPORTERS),
            ("GET", "/audit", self._audit.listed, AUDITORS),
            ("POST", "/audit/check", self._audit.check, AUDITORS),
            ("GET", "/staff", staff.listed, STAFF_READERS),
            ("GET", f"/staff/{_ID}", staff.one, STAFF_READERS),
            ("POST", "/staff/add", staff.add, ADMINS),
            ("POST", f"/staff/{_ID}/role", staff.role, ADMINS),
            ("POST", f"/staff/{_ID}/link", staff.link, ADMINS),
            ("POST", f"/staff/{_ID}/revoke", staff.revoke, ADMINS),
            ("POST", f"/staff/{_ID}/sign-out", staff.sign_out, ADMINS),
            ("GET", "/fees", self._fees.listed, READERS),
            ("POST", f"/fees/{_ID}/approve", self._fees.approve, MONEY),
            ("POST", f"/fees/{_ID}/withdraw", self._fees.withdraw, MONEY),
            ("GET", "/views", self._views.listed, READERS),
            ("POST", "/views", self._views.keep, READERS),
            ("GET", f"/views/{_ID}", self._views.follow, READERS),
            ("POST", f"/views/{_ID}/drop", self._views.drop, READERS),
            ("GET", "/system", self._system.show, READERS),
            ("GET", "/funnel", self._funnel.show, READERS),
        ]
