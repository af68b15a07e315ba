"""The PIN: checked wherever a flow asks for it, and asked alone on a phone that others use."""

import math

from bot.conversation import Screen
from bot.flow import Done, Flow, Invalid, Next, Start, Turn
from bot.i18n import _
from bot.market import pin_reset
from bot.market.pins import BY_STAFF_ONLY

PIN_DIGITS = 5
_MINUTES_MAX = 120

flow = Flow(
    "pin",
    start="ask",
    moves=[
        # move      from    to
        ("right",   "ask",  "right"),
        ("locked",  "ask",  "locked"),
    ],
    calls=[("new_pin", "ask")],
)  # fmt: skip


def check_pin(flow: Flow) -> None:
    """Make `flow` read a PIN in "pin", and end the call in "locked" after too many wrong ones.

    The moves are "right" and "locked". The step of "pin" is the flow's own, and shows `ask_pin`.
    """

    @flow.answer("pin", slow=True)
    async def read_pin(turn: Turn, typed: str) -> str:
        return await pin_is_right(turn, typed)

    @flow.step("locked")
    async def locked(turn: Turn) -> Next:
        return await locked_screen(turn)


async def pin_is_right(turn: Turn, typed: str) -> str:
    """The move after a typed PIN: "right" or "locked". Raises `Invalid` for a wrong one."""
    if not looks_like_pin(typed):
        raise Invalid(_("The PIN has 5 digits."))
    session, pins = turn.session, turn.market.pins
    check = await pins.check(
        session.contact_id, typed, turn.hop_key, turn.now, turn.inbound.gateway
    )
    if check.result == "right":
        session.wrong_pins, session.unlocked = 0, True
        return "right"
    if check.result == "reset":
        raise Invalid(_("Your PIN is deleted. Choose a new one: 00, My account."))
    if check.result == "busy":
        raise Invalid(_("Please wait. Try again."))
    session.wrong_pins += 1
    if check.result == "wrong" and session.wrong_pins < pins.tries_per_session:
        left = min(check.left, pins.tries_per_session - session.wrong_pins)
        raise Invalid(_("Wrong PIN. Tries left: {n}.").format(n=left))
    if check.result == "wrong":
        await pins.lock(session.contact_id, turn.hop_key, turn.now)
    return "locked"


def looks_like_pin(typed: str) -> bool:
    """Whether this has the form of a PIN: five ASCII digits."""
    return len(typed) == PIN_DIGITS and typed.isascii() and typed.isdecimal()


async def ask_pin(turn: Turn, summary: str, resume: str = "") -> Screen:
    """The screen that asks for the PIN, under the summary of what it will do.

    Whose PIN is locked hears it here, before typing anything.
    """
    if await turn.market.pins.opens_in(turn.session.contact_id, turn.now):
        return await locked_screen(turn)
    return Screen(
        summary + "\n" + _("Enter your Isoko PIN, never your MoMo PIN:"), asks="pin", resume=resume
    )


async def locked_screen(turn: Turn) -> Screen:
    """Too many mistakes: the call ends; when the PIN opens by itself, and what is quicker."""
    opens_in = await turn.market.pins.opens_in(turn.session.contact_id, turn.now)
    minutes = math.ceil(opens_in.total_seconds() / 60)
    if opens_in > BY_STAFF_ONLY:
        text = _("Too many wrong PINs. To open it: Help, Forgot PIN, or call {tel}.")
    elif minutes <= _MINUTES_MAX:
        text = _(
            "Too many wrong PINs. It opens by itself in {n} minutes. Sooner: Help, Forgot PIN, or "
            "call {tel}."
        )
    else:
        minutes = math.ceil(minutes / 60)
        text = _(
            "Too many wrong PINs. It opens by itself in {n} hours. Sooner: Help, Forgot PIN, or "
            "call {tel}."
        )
    return Screen(text.format(n=minutes, tel=turn.market.hub.help_msisdn), ends=True)


@flow.step("ask")
async def ask(turn: Turn) -> Next:
    if turn.session.unlocked:
        return Done()
    if await turn.read(pin_reset.is_reset, turn.session.contact_id):
        return Start("new_pin")
    return await ask_pin(turn, _("This phone is shared. Your PIN shows what is yours."))


@flow.answer("ask", slow=True)
async def read_pin(turn: Turn, typed: str) -> str:
    return await pin_is_right(turn, typed)


@flow.step("right")
async def unlocked(turn: Turn) -> Next:
    return Done()


@flow.step("locked")
async def locked(turn: Turn) -> Next:
    return await locked_screen(turn)
