"""The words of visits, shared by the places that show them."""

from bot.conversation import Choice, Screen
from bot.flow import Turn
from bot.i18n import _
from bot.i18n.formats import local_day, short_day
from bot.market.bookings import Booking


def who(booking: Booking) -> str:
    """Who wants to come: how many, and to see what."""
    if booking.guests == 1:
        return _("1 guest wants to visit you")
    if booking.experience == "coffee_farm":
        return _("{n} guests want to visit your coffee farm").format(n=booking.guests)
    return _("{n} guests want to visit you").format(n=booking.guests)


def visit_named(booking: Booking) -> str:
    """How the redial card names a visit."""
    return _("visit {code}").format(code=booking.code)


def closed_screen(booking: Booking | None, turn: Turn) -> Screen:
    """A request that can no longer be answered, and why."""
    if booking is None:
        return Screen(_("This request is not there any more."), [others()])
    if booking.state == "accepted":
        return Screen(_("You have already accepted this visit."), [others()])
    if booking.state == "declined":
        return Screen(_("You declined the visit."), [others()])
    if booking.state == "date_asked":
        return Screen(_("We ask the guests and tell you. Nothing is accepted yet."), [others()])
    if booking.state == "requested" and booking.answer_by > turn.now:
        return Screen(_("The request has changed. Nothing was accepted."), [others()])
    day = short_day(local_day(booking.answer_by, turn.market.hub.timezone))
    return Screen(
        _("The time to answer ended on {day}. Nothing to do.").format(day=day), [others()]
    )


def others() -> Choice:
    """The way back to all requests."""
    return Choice(_("Visitors"), "list")
