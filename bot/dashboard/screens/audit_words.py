"""What the audit says that somebody did, in the language of who reads it.

Rows keep the English words; what has no word here is shown as it is kept.
"""

from __future__ import annotations

from bot.i18n import N_, _

ACTIONS = (
    N_("PIN chosen"),
    N_("PIN locked"),
    N_("PIN ticket opened"),
    N_("alert let go"),
    N_("alert muted"),
    N_("alert taken"),
    N_("alert tested"),
    N_("another's offer answered"),
    N_("bill withdrawn"),
    N_("call call_back"),
    N_("call end"),
    N_("call given"),
    N_("call line"),
    N_("call sms"),
    N_("call taken"),
    N_("call taken along as a test"),
    N_("call taken along as data"),
    N_("callback is nobody's"),
    N_("callback matched"),
    N_("called back"),
    N_("called back about a new owner"),
    N_("chat entered"),
    N_("chat given back"),
    N_("chat taken"),
    N_("collection refunded"),
    N_("copy made"),
    N_("delivery paid again"),
    N_("dispute ended"),
    N_("disputed order called off"),
    N_("erasure proposed"),
    N_("erasure withdrawn"),
    N_("export asked"),
    N_("export begun"),
    N_("export refused"),
    N_("exported"),
    N_("fees proposed"),
    N_("fees published"),
    N_("fees withdrawn"),
    N_("goods received"),
    N_("language changed"),
    N_("members imported"),
    N_("message sent again"),
    N_("messages again begun"),
    N_("messages sent again"),
    N_("note removed"),
    N_("note written"),
    N_("notice sent again"),
    N_("number for money changed"),
    N_("number looked up"),
    N_("number must be verified"),
    N_("number revealed"),
    N_("number verified"),
    N_("order called off"),
    N_("order disputed"),
    N_("payment asked about"),
    N_("payment released"),
    N_("payment sent again"),
    N_("payment stopped"),
    N_("person erased"),
    N_("person erased again"),
    N_("person muted"),
    N_("person unmuted"),
    N_("price approved"),
    N_("price refused"),
    N_("profile viewed"),
    N_("receiver switched"),
    N_("receiver tested"),
    N_("refused"),
    N_("reveal refused"),
    N_("role changed"),
    N_("role proposed"),
    N_("sale passed on again"),
    N_("secret rotated"),
    N_("set up by link"),
    N_("signed in"),
    N_("signed out by another"),
    N_("simulator switched"),
    N_("staff added"),
    N_("staff link made"),
    N_("staff revoked"),
    N_("taken off the number"),
    N_("telegram asked by another"),
    N_("telegram back"),
    N_("telegram code tried too often"),
    N_("telegram invitation made"),
    N_("telegram invitation of another"),
    N_("telegram invitation used"),
    N_("telegram linked"),
    N_("telegram unlinked"),
    N_("telegram update parked"),
    N_("telegram update replayed"),
    N_("ticket closed"),
    N_("webhook replayed"),
    N_("webhooks recovered"),
    N_("webhooks recovery begun"),
)
_KNOWN = frozenset(ACTIONS)


def action_word(action: str) -> str:
    """What was done, in the language being spoken."""
    return _(action) if action in _KNOWN else action


def actions_named(asked: str) -> list[str]:
    """The actions whose word has this in it, as they are kept: so is the audit searched too."""
    part = asked.casefold()
    return [action for action in ACTIONS if part in _(action).casefold()]
