"""What is written to a Telegram chat about whom it speaks for; each in the chat's language."""

from __future__ import annotations

from bot.i18n import _


def confirmed() -> str:
    """The phone has confirmed it: from here on orders and money may be answered in the chat."""
    return _(
        "This chat is now linked with your number. Orders and money can be answered here, with "
        "your PIN. If it was not you, call us now."
    )


def asked_by_another() -> str:
    """Another account showed the same number: nothing changes before the phone confirms it."""
    return _(
        "Another Telegram account asks to speak for your number. Nothing changes until a code is "
        "typed on your phone. If it was not you, call us now."
    )


def moved() -> str:
    """The phone has confirmed another account: this one speaks for the number no more."""
    return _(
        "Your number is now linked with another Telegram account, as was confirmed on the phone. "
        "This chat shows nothing of yours any more. If it was not you, call us now."
    )


def unlinked() -> str:
    """It speaks for the number no more, as was asked on the phone."""
    return _("This chat is no longer linked with your number. Nothing of yours is shown here now.")


def another_number() -> str:
    """By SMS to the number that the account had before it showed another one."""
    return _(
        "Isoko: the Telegram account linked with your number now has another number, so the link "
        "is ended. You can link it again: My account, Telegram."
    )


def code_for(code: str, dial: str, end: str, minutes: int) -> str:
    """The code, and what to do with it on the phone whose number has this end."""
    return _(
        "Almost done. On the phone with the number ending in {end} dial {dial}, choose My account, "
        "then Telegram, and type this code within {minutes} minutes: {code}\n"
        "Not registered yet? Choose Help, then Telegram."
    ).format(end=end, dial=dial, minutes=minutes, code=code)


def linked_already() -> str:
    """The account showed the number with which it is linked."""
    return _("This chat is linked with this number already.")


def not_your_own() -> str:
    """What was sent was somebody else's card, forwarded, or has no account behind it."""
    return _(
        "This was not your own number. Press the button below: only the number that you share with "
        "it counts."
    )


def not_of_here() -> str:
    """The number is not a mobile number of the hub's country."""
    return _("We can link mobile numbers of Rwanda only.")


def too_often() -> str:
    """The account has asked for many codes in a short while."""
    return _("You have asked for many codes. Please try again later.")


def invited_another() -> str:
    """The invitation was for another number; the link can be made without it."""
    return _("The invitation was for another number, so it does not count.")


def share_button() -> str:
    """The label of the button that shares the person's own number."""
    return _("Share my number")
