"""Choosing another PIN, after two members of staff have reset the one that was forgotten."""

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Done, Flow, Next, Turn
from bot.flows.register import choose_pin, new_pin_hash, repeated
from bot.i18n import _
from bot.market import pin_reset

flow = Flow(
    "new_pin",
    start="choose",
    moves=[
        # move      from      to
        ("chosen",  "choose", "repeat"),
        ("back",    "repeat", "choose"),
        ("same",    "repeat", "kept"),
        ("anew",    "repeat", "choose"),
        ("done",    "kept",   "done"),
    ],
)  # fmt: skip


@flow.step("choose")
async def ask_new(turn: Turn) -> Next:
    contact_id, now = turn.session.contact_id, turn.now
    if not await turn.read(pin_reset.may_choose, contact_id, now):
        return _not_now(turn)
    return choose_pin(turn)


@flow.answer("choose", slow=True)
async def read_new(turn: Turn, typed: str) -> str:
    turn.notes["pin_hash"] = await new_pin_hash(turn, typed)
    return "chosen"


@flow.step("repeat")
async def ask_again(turn: Turn) -> Next:
    return Screen(_("Enter the same PIN again:"), asks="pin")


@flow.answer("repeat", slow=True)
async def compare(turn: Turn, typed: str) -> str:
    return await repeated(turn, typed)


@flow.effect("kept")
def keep(turn: Turn, db: Connection) -> Screen:
    session = turn.session
    chosen, by = turn.notes.pop("pin_hash"), f"contact {session.contact_id}"
    if not pin_reset.choose(db, session.contact_id, chosen, by, turn.now):
        return _not_now(turn)
    session.wrong_pins, session.unlocked = 0, True
    return Screen(_("Your PIN is changed."), [Choice(_("Continue"), "done")])


@flow.step("done")
async def go_on(turn: Turn) -> Next:
    return Done()


def _not_now(turn: Turn) -> Screen:
    tel = turn.market.hub.help_msisdn
    text = _("A new PIN cannot be chosen now. Call {tel} for help.").format(tel=tel)
    return Screen(text, ends=True)
