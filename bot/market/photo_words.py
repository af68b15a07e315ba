"""What is said in a chat about photos of what somebody offers."""

from __future__ import annotations

from bot.i18n import _


def invited() -> str:
    """Beside an offer, where photos can be sent."""
    return _("Send a photo of it here: buyers see it once we have checked it.")


def counted(shown: int, waiting: int) -> str:
    """How many photos an offer has."""
    return _("Photos: {shown} shown, {waiting} being checked").format(shown=shown, waiting=waiting)


def taken() -> str:
    """It is kept, and staff look at it next."""
    return _("We have your photo. Buyers see it once we have checked it.")


def not_expected() -> str:
    """It came where nobody asked for one, and was not looked at."""
    return _("To send a photo, first open what you offer: Orders, My stock.")


def too_large() -> str:
    """More bytes than we fetch."""
    return _("This photo is too large. Send it as a photo, not as a file.")


def no_picture() -> str:
    """It is a file of another kind, or broken."""
    return _("This is no photo that we can show. Send a photo.")


def not_fetched() -> str:
    """Telegram did not give it to us."""
    return _("The photo did not arrive. Please send it again.")


def enough() -> str:
    """The offer has as many photos as it may."""
    return _("This offer has enough photos already.")


def too_many_today() -> str:
    """So many photos are not looked at in one day."""
    return _("You have sent many photos today. Please go on tomorrow.")


def gone() -> str:
    """The offer is not there any more."""
    return _("You do not offer this any more.")


def must_verify() -> str:
    """The number may be another person's by now."""
    return _("Nothing was changed: we must first check that this is you.")


def shown() -> str:
    """Staff have checked it."""
    return _("We have checked your photo: buyers see it now.")


def refused() -> str:
    """Staff have checked it, and it cannot be shown."""
    return _("We cannot show your photo: it must show the goods, clearly, and nobody's face.")
