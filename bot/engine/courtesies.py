"""What the engine itself says: please wait, an apology, not now."""

from __future__ import annotations

from bot.conversation import Choice, Reply, Screen
from bot.engine.hop import Hop, note, present
from bot.engine.stage import Stage
from bot.i18n import _, speak

_NOT_NOW = (
    "Serivisi ntiboneka ubu. Ongera ugerageze nyuma.\n"
    "Service indisponible. Réessayez plus tard.\n"
    "Service not available now. Try again later."
)


def shed() -> Reply:
    """Not now, in every language: said to a new dial before anything is known of the caller."""
    return Reply(_NOT_NOW, ends=True)


def refusal() -> Reply:
    """The same words for a refusal: whoever tries another number's session learns nothing."""
    return shed()


def apology(hop: Hop, stage: Stage, help_msisdn: str) -> Reply:
    """A fault of ours: a short apology and a help number; the session stays where it was."""
    session = hop.session
    session.checking = b""
    if not session.flow:
        stage.go_home(session)
    speak(session.language or "rw")
    sorry = _("Service not available now. Try again later.")
    call = _("If you need help call {tel}.").format(tel=help_msisdn)
    screen = Screen(f"{sorry}\n{call}", [Choice(_("Try again"))])
    reply = present(hop, stage.flow_of(session), screen)
    hop.noted = False
    note(hop, reply)
    return reply


def out_of_reach(hop: Hop, stage: Stage, help_msisdn: str) -> Reply:
    """The records are gone: what was asked for was not done; what needs none of them still works.

    The session stays where it was.
    """
    session = hop.session
    session.checking = b""
    speak(session.language or "rw")
    text = _("Not possible now. Nothing was changed. Help: {tel}").format(tel=help_msisdn)
    choices = [Choice(_("Try again")), Choice(_("Prices"), start="prices")]
    reply = present(hop, stage.flow_of(session), Screen(text, choices))
    hop.noted = False
    note(hop, reply)
    return reply


def closed_by_staff(hop: Hop, stage: Stage, help_msisdn: str) -> Reply:
    """Staff have ended this call: nothing that was typed is taken, and it may be dialled anew."""
    session = hop.session
    speak(session.language or "rw")
    ended = _("The help desk has ended this call. Nothing was changed.")
    call = _("If you need help call {tel}.").format(tel=help_msisdn)
    reply = present(hop, stage.flow_of(session), Screen(f"{ended}\n{call}", ends=True))
    note(hop, reply)
    return reply


def checking(hop: Hop, stage: Stage) -> Reply:
    """True words for work that is not ready: no result is claimed, and a key to ask for it."""
    speak(hop.session.language or "rw")
    text, seen = _("We are checking. Please wait."), hop.session.screen
    # Whoever hangs up and dials again is led to the result.
    resume = (seen.resume if seen is not None else "") or text
    screen = Screen(text, [Choice(_("Continue"))], resume=resume)
    reply = present(hop, stage.flow_of(hop.session), screen)
    note(hop, reply)
    return reply
