"""What is said in a chat when people take it over from the bot, and when they give it back."""

from __future__ import annotations

from bot.i18n import N_, _

# Stands for a photo or a file, which is not passed on; read by staff.
A_FILE = N_("[a photo or a file]")


def asked() -> str:
    """The person has asked for somebody; from here on the bot is silent."""
    return _(
        "One of us will write to you here. Until then and meanwhile the bot is silent, and your "
        "place is kept. Never write your PIN. To go on with the bot: /continue"
    )


def taken() -> str:
    """Staff have come by themselves."""
    return _(
        "One of us writes to you here now. The bot is silent meanwhile, and your place is kept. "
        "Never write your PIN. To go on with the bot: /continue"
    )


def silent() -> str:
    """A button was pressed meanwhile."""
    return _("One of us is in this chat: the bot is silent. To go on with it: /continue")


def not_understood() -> str:
    """It came while the bot has the chat: nothing was done with it."""
    return _("The bot reads only text, buttons and photos. To write to one of us: /agent")


def given_back() -> str:
    """The bot answers again."""
    return _("The bot answers again. To see where you were: /continue")


def nobody_came() -> str:
    """Nobody has written for a while."""
    return _("Nobody could write to you in time. The bot answers again: /continue")
