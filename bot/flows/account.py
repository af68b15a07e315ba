"""My account: PIN, shared phone, my data, language, my money's number, my chat, my news."""

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Flow, Next, Start, Turn
from bot.flows.choosing_pin import choose_pin, let_choose
from bot.flows.pin import ask_pin, locked_screen, pin_is_right
from bot.i18n import _
from bot.market import people, pin_reset

flow = Flow(
    "account",
    start="menu",
    moves=[
        # move      from       to
        ("pin",     "menu",    "old_pin"),
        ("shared",  "menu",    "shared"),
        ("right",   "old_pin", "new_pin"),
        ("locked",  "old_pin", "locked"),
        ("back",    "old_pin", "menu"),
        ("chosen",  "new_pin", "repeat"),
        ("back",    "new_pin", "menu"),
        ("same",    "repeat",  "changed"),
        ("anew",    "repeat",  "new_pin"),
        ("back",    "repeat",  "new_pin"),
        ("menu",    "changed", "menu"),
        ("on",      "shared",  "set"),
        ("off",     "shared",  "set"),
        ("back",    "shared",  "menu"),
        ("menu",    "set",     "menu"),
    ],
    calls=[
        ("my_data",  "menu"),
        ("language", "menu"),
        ("register", "menu"),
        ("new_pin",  "menu"),
        ("wallet",   "menu"),
        ("telegram_link", "menu"),
        ("new_owner", "menu"),
        ("news", "menu"),
    ],
    personal=True,
)  # fmt: skip


@flow.step("menu")
async def show_menu(turn: Turn) -> Next:
    if not turn.session.contact_id:
        return Start("register")
    deleted = await turn.read(pin_reset.is_reset, turn.session.contact_id)
    pin = Choice(_("Change PIN"), start="new_pin") if deleted else Choice(_("Change PIN"), "pin")
    # One word, so that all is one page: whoever has somebody else's number finds the last keys.
    return Screen(
        _("Account"),
        [
            pin,
            Choice(_("My data"), start="my_data"),
            Choice(_("Shared phone"), "shared"),
            Choice(_("Language"), start="language"),
            Choice(_("Number for money"), start="wallet"),
            Choice(_("Telegram"), start="telegram_link"),
            Choice(_("Not you?"), start="new_owner"),
            Choice(_("News"), start="news"),
        ],
    )


@flow.step("old_pin")
async def ask_old(turn: Turn) -> Next:
    return await ask_pin(turn, _("Change PIN: your PIN of today first."), resume=_("a new PIN"))


@flow.answer("old_pin", slow=True)
async def read_old(turn: Turn, typed: str) -> str:
    return await pin_is_right(turn, typed)


@flow.step("locked")
async def locked(turn: Turn) -> Next:
    return await locked_screen(turn)


@flow.step("new_pin")
async def ask_new(turn: Turn) -> Next:
    if not turn.session.unlocked:
        return "back"
    return choose_pin(turn)


def _what(_turn: Turn) -> str:
    return _("Change PIN")


let_choose(flow, "new_pin", "repeat", _what)


@flow.effect("changed")
def change(turn: Turn, db: Connection) -> Screen:
    people.set_pin(db, turn.session.contact_id, turn.notes.pop("pin_hash"), turn.now)
    return Screen(_("Your PIN is changed."), [Choice(_("My account"), "menu")])


@flow.step("shared")
async def ask_shared(turn: Turn) -> Next:
    text = _("Do others use this phone too? Then nothing of yours is named before the PIN.")
    # "3" led here; neither key is 3.
    return Screen(
        text, [Choice(_("Yes, shared"), "on", True), Choice(_("No, only me"), "off", False)]
    )


@flow.effect("set")
def set_shared(turn: Turn, db: Connection) -> Screen:
    shared = bool(turn.notes["shared"])
    people.set_shared(db, turn.session.contact_id, shared)
    turn.session.shared = shared
    said = _("Noted: this phone is shared.") if shared else _("Noted: only you use this phone.")
    return Screen(said, [Choice(_("My account"), "menu")])
