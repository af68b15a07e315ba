"""The PIN: checked wherever a flow asks for it, and asked alone on a phone that others use."""

from bot.conversation import Screen
from bot.flow import Done, Flow, Invalid, Next, Start, Turn
from bot.i18n import _
from bot.market import pin_reset

PIN_DIGITS = 5

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


def ask_pin(summary: str, resume: str = "") -> Screen:
    """The screen that asks for the PIN, under the summary of what it will do."""
    return Screen(
        summary + "\n" + _("Enter your Isoko PIN, never your MoMo PIN:"), asks="pin", resume=resume
    )


def locked_screen(turn: Turn) -> Screen:
    """Too many mistakes: the call ends, and help is a phone number."""
    tel = turn.market.hub.help_msisdn
    return Screen(_("Too many wrong PINs. Call {tel} for help.").format(tel=tel), ends=True)


@flow.step("ask")
async def ask(turn: Turn) -> Next:
    if turn.session.unlocked:
        return Done()
    if await turn.read(pin_reset.is_reset, turn.session.contact_id):
        return Start("new_pin")
    return ask_pin(_("This phone is shared. Your PIN shows what is yours."))


@flow.answer("ask", slow=True)
async def read_pin(turn: Turn, typed: str) -> str:
    return await pin_is_right(turn, typed)


@flow.step("right")
async def unlocked(turn: Turn) -> Next:
    return Done()


@flow.step("locked")
async def locked(turn: Turn) -> Next:
    return locked_screen(turn)
