"""Who holds this number now? Until a call back has told, nothing is accepted and no money moved."""

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Flow, Next, Turn
from bot.flows.call_back import ticket_screen
from bot.i18n import _

flow = Flow(
    "verify",
    start="why",
    moves=[
        # move      from     to
        ("call",    "why",   "asked"),
    ],
    calls=[("new_owner", "why")],
)  # fmt: skip


@flow.step("why")
async def explain(turn: Turn) -> Next:
    # An order's "1" led here, or the account's "5"; "8" is what asks for a call in Help too.
    call = Choice(_("Call me"), "call", key="8")
    return Screen(why(), [call, Choice(_("Not you?"), start="new_owner")], guard=True)


def why() -> str:
    """Why a call has to come first."""
    return _(
        "We must check that this number is still yours (new SIM, or long unused). "
        "We call you first."
    )


@flow.effect("asked")
def ask_for_call(turn: Turn, db: Connection) -> Screen:
    said = ticket_screen(turn, db, "verify", Choice(_("Home")))
    # Going on would lead to the same question again: the call has to come first.
    return Screen(said.text, ends=True)
