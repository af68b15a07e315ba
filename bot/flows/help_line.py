"""Help: say what it is about, and be called back; no registration needed."""

from functools import cache

from sqlalchemy import Connection

from bot.conversation import Choice, Language, Screen
from bot.flow import Flow, Invalid, Next, Turn
from bot.flows.call_back import ticket_screen
from bot.i18n import _, language_spoken
from bot.pins_in_texts import without_pins

_TEXT_MAX = 160

flow = Flow(
    "help",
    start="menu",
    moves=[
        # move      from      to
        ("none",    "menu",   "no_number"),
        ("ask",     "menu",   "sure"),
        ("write",   "menu",   "write"),
        ("back",    "sure",   "menu"),
        ("yes",     "sure",   "opened"),
        ("back",    "write",  "menu"),
        ("send",    "write",  "opened"),
        ("menu",    "opened", "menu"),
    ],
    calls=[
        ("my_data", "menu"),
        ("new_owner", "menu"),
        ("telegram_link", "menu"),
        ("telegram_link", "no_number"),
    ],
    open=True,
)  # fmt: skip


@flow.step("menu")
async def show_menu(turn: Turn) -> Next:
    turn.notes.pop("write", None)
    session = turn.session
    if not session.number:
        return "none"
    return _menu(language_spoken(), bool(session.contact_id), session.shared)


@cache
def _menu(_language: Language, known: bool, shared: bool) -> Screen:
    choices = [
        Choice(_("Payment not received"), "ask", "payment_missing"),
        Choice(_("Order"), "ask", "order"),
        Choice(_("Shipment"), "ask", "shipment"),
        Choice(_("Forgot PIN"), "ask", "pin_forgotten"),
    ]
    if known:
        # On a shared phone the account, which offers both, opens only by a PIN that a new owner of
        # the number does not have.
        if shared:
            choices.append(Choice(_("Not you?"), start="new_owner"))
        else:
            choices.append(Choice(_("Delete my data"), start="my_data"))
    choices.append(Choice(_("Talk to an agent"), "ask", "call_back"))
    choices.append(Choice(_("Write a message"), "write", "other"))
    if not known:
        # Who is registered finds it in the account.
        choices.append(Choice(_("Telegram"), start="telegram_link"))
    return Screen(_("Help"), choices)


@flow.step("no_number")
async def say_whom_to_call(turn: Turn) -> Next:
    text = _("If you need help call {tel}. To be called back, link your number first.")
    said = text.format(tel=turn.market.hub.help_msisdn)
    return Screen(said, [Choice(_("Link my number"), start="telegram_link")])


@flow.step("sure")
async def ask_if_sure(turn: Turn) -> Next:
    # The key is none of the menu's, so that a double press asks for nothing.
    text = _("We call you back on this number. Never give your PIN to anyone.")
    return Screen(text, [Choice(_("Yes, call me"), "yes", key="8")])


@flow.step("write")
async def ask_text(turn: Turn) -> Next:
    text = _("Write your problem in a few words. Never write a PIN.")
    return Screen(text, asks="text", resume=_("a message to us"))


@flow.answer("write")
async def read_text(turn: Turn, typed: str) -> str:
    words = without_pins(" ".join(typed.split()))[:_TEXT_MAX]
    if sum(sign.isalpha() for sign in words) < 3:
        raise Invalid(_("Write your problem with letters."))
    turn.notes["write"] = words
    return "send"


@flow.effect("opened")
def open_it(turn: Turn, db: Connection) -> Screen:
    text = turn.notes.get("write", "")
    return ticket_screen(turn, db, turn.notes["menu"], Choice(_("Help"), "menu"), text=text)
