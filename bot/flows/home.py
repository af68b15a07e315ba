"""Home: the language at the first call, the menu, and the card for who was cut off."""

from functools import cache

from bot.conversation import Choice, Language, Screen
from bot.flow import Flow, Next, Resume, Turn
from bot.flows.language import languages_screen
from bot.i18n import _, language_spoken

_HOST = "host"

flow = Flow(
    "home",
    start="language",
    moves=[
        # move      from        to
        ("chosen",  "language", "spoken"),
        ("menu",    "spoken",   "menu"),
        ("again",   "resume",   "resuming"),
        ("menu",    "resume",   "menu"),
    ],
    calls=[
        ("prices",   "menu"),
        ("orders",   "menu"),
        ("payments", "menu"),
        ("track",    "menu"),
        ("lessons",  "menu"),
        ("account",  "menu"),
        ("register", "menu"),
        ("share",    "menu"),
        ("help",     "menu"),
        ("language", "menu"),
        ("visitors", "menu"),
    ],
    open=True,
)  # fmt: skip


@flow.step("language")
async def ask_language(turn: Turn) -> Next:
    return languages_screen("chosen")


@flow.step("spoken")
async def speak_it(turn: Turn) -> Next:
    turn.session.language = turn.notes["language"]
    return "menu"


@flow.step("menu")
async def show_menu(turn: Turn) -> Next:
    return _menu(language_spoken(), bool(turn.session.contact_id), turn.session.role == _HOST)


@cache
def _menu(_language: Language, known: bool, host: bool) -> Screen:
    # The numbers are the same for everyone, so that a long code told to a neighbour works; only a
    # host has visitors, and the account where farmers have the share of a price.
    account = Choice(_("My account"), start="account")
    share = Choice(_("Your share of the price"), start="share")
    register = Choice(_("Register"), start="register")
    visitors = Choice(_("Visitors"), start="visitors")
    sixth, seventh = (visitors, account) if host else (account if known else register, share)
    return Screen(
        _("Welcome to eWTP Rwanda"),
        [
            Choice(_("Prices"), start="prices"),
            Choice(_("Orders"), start="orders"),
            Choice(_("Payments"), start="payments"),
            Choice(_("Track shipment"), start="track"),
            Choice(_("Lessons"), start="lessons"),
            sixth,
            seventh,
            Choice(_("Help"), start="help"),
            Choice(_("Language"), start="language"),
        ],
    )


@flow.step("resume")
async def offer_to_go_on(turn: Turn) -> Next:
    left = turn.notes["left"]
    text = _how_it_ended(left["why"], left["line"])
    return Screen(
        text, [Choice(_("Continue where you left off"), "again"), Choice(_("Home"), "menu")]
    )


def _how_it_ended(why: str, line: str) -> str:
    if why == "ended":
        named = _("Your call had ended. You were at: {what}.")
        return named.format(what=line) if line else _("Your call had ended.")
    if why == "lost":
        named = _("The connection was lost. You were at: {what}.")
        return named.format(what=line) if line else _("The connection was lost.")
    if why == "elsewhere":
        named = _("You were at: {what}.")
        return named.format(what=line) if line else _("There is something you have not finished.")
    named = _("Your session had expired. You were at: {what}.")
    return named.format(what=line) if line else _("Your session had expired.")


@flow.step("resuming")
async def go_on(turn: Turn) -> Next:
    return Resume()
