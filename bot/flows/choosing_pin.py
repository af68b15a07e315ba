"""Choosing a PIN, and typing the same again: for every flow in which people choose one."""

from collections.abc import Callable

from bot.conversation import Screen
from bot.flow import Flow, Invalid, Next, Turn
from bot.flows.pin import looks_like_pin
from bot.i18n import _
from bot.market.pin_hashing import Busy
from bot.market.weak_pins import weak

# The note that counts how often the repeated PIN was another, and after how many it is enough.
_SLIPS, _SLIPS_MOST = "slips", 2


def choose_pin(turn: Turn, resume: str = "") -> Screen:
    """The screen on which a PIN is chosen, also after it could not be repeated."""
    text = _("Choose a PIN of 5 digits for Isoko. Not your MoMo PIN. Give it to nobody.")
    if turn.notes.pop(_SLIPS, 0) >= _SLIPS_MOST:
        text = _("The two PINs are not the same.") + "\n" + text
    return Screen(text, asks="pin", resume=resume)


def let_choose(
    flow: Flow,
    first: str,
    again: str,
    what: Callable[[Turn], str],
    resumed_as: Callable[[], str] = lambda: "",
) -> None:
    """Make `flow` read a new PIN in `first` and ask for the same in `again`.

    The moves are "chosen" after the first, then "same", or "anew" to choose once more. The step
    of `first` is the flow's own, and shows `choose_pin`; the hash stands in the note "pin_hash".
    `what` tells what the second PIN does, `resumed_as` is what the redial card names.
    """

    @flow.answer(first, slow=True)
    async def read_new(turn: Turn, typed: str) -> str:
        turn.notes["pin_hash"] = await _hash(turn, typed)
        return "chosen"

    @flow.step(again)
    async def ask_again(turn: Turn) -> Next:
        asked = _("Enter the same PIN again:")
        return Screen(f"{what(turn)}\n{asked}", asks="pin", resume=resumed_as())

    @flow.answer(again, slow=True)
    async def compare(turn: Turn, typed: str) -> str:
        return await _repeated(turn, typed)


async def _hash(turn: Turn, typed: str) -> str:
    """The hash of a newly chosen PIN. Raises `Invalid` for one that strangers would guess."""
    if not looks_like_pin(typed):
        raise Invalid(_("The PIN has 5 digits."))
    if weak(typed, turn.session.number):
        raise Invalid(_("This PIN is easy to guess. Choose another."))
    try:
        return await turn.market.pins.hash(typed)
    except Busy:
        raise Invalid(_("Please wait. Try again.")) from None


async def _repeated(turn: Turn, typed: str) -> str:
    """The move after the repeat: "same", or "anew" to choose once more, since the slip may be in
    the first. Raises `Invalid` at the first difference.
    """
    try:
        same = await turn.market.pins.matches(turn.notes["pin_hash"], typed)
    except Busy:
        raise Invalid(_("Please wait. Try again.")) from None
    if same:
        return "same"
    turn.notes[_SLIPS] = turn.notes.get(_SLIPS, 0) + 1
    if turn.notes[_SLIPS] >= _SLIPS_MOST:
        return "anew"
    raise Invalid(_("The two PINs are not the same."))
