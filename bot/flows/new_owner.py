"""A number that was another's: its new owner says so, and is called back."""

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Flow, Next, Start, Turn
from bot.flows.call_back import ticket_screen
from bot.i18n import _
from bot.market import people, verifying

flow = Flow(
    "new_owner",
    start="sure",
    moves=[
        # move      from     to
        ("yes",     "sure",  "told"),
    ],
    calls=[("register", "sure")],
)  # fmt: skip


@flow.step("sure")
async def ask_if_sure(turn: Turn) -> Next:
    if not turn.session.contact_id:
        return Start("register")
    text = _(
        "Is this number new to you, and the account another person's? We call you first. Until "
        "then it takes no orders and moves no money."
    )
    # No list that leads here is so long: a double press says nothing.
    return Screen(text, [Choice(_("Yes, it is mine now"), "yes", key="9")], guard=True)


@flow.effect("told")
def tell(turn: Turn, db: Connection) -> Screen:
    contact = people.by_id(db, turn.session.contact_id)
    if contact is not None:
        verifying.claim(db, contact, turn.now)
    said = ticket_screen(turn, db, "new_owner", Choice(_("Home")))
    text = _("Until we have called, this number takes no orders and moves no money.")
    return Screen(said.text + "\n" + text, ends=True)
