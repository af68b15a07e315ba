"""Choosing another PIN, after two members of staff have reset the one that was forgotten."""

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Done, Flow, Next, Turn
from bot.flows.choosing_pin import choose_pin, let_choose
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


def _what(_turn: Turn) -> str:
    return _("Change PIN")


let_choose(flow, "choose", "repeat", _what)


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
