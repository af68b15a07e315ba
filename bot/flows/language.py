"""Language: choose another one, and keep it for the next call."""

from sqlalchemy import Connection

from bot.conversation import LANGUAGE_NAMES, Choice, Screen
from bot.flow import Done, Flow, Next, Turn
from bot.i18n import _, speak
from bot.market import people

flow = Flow(
    "language",
    start="choose",
    moves=[
        # move      from       to
        ("chosen",  "choose",  "chosen"),
        ("keep",    "chosen",  "kept"),
        ("done",    "kept",    "done"),
    ],
    open=True,
)  # fmt: skip


# Said of a wrong key while no language is known, so that it is not explained in one of them only.
WRONG_KEY = "Hitamo / Choisissez / Choose: 1, 2, 3"


def languages_screen(move: str) -> Screen:
    """Each language in its own words, so that nobody has to read another one first."""
    # These three lines are one text for everyone, too.
    text = "Murakaza neza. Hitamo ururimi:\nBienvenue. Choisissez la langue:\nChoose language:"
    return Screen(text, [Choice(name, move, code) for code, name in LANGUAGE_NAMES.items()])


@flow.step("choose")
async def ask_language(turn: Turn) -> Next:
    return languages_screen("chosen")


@flow.step("chosen")
async def speak_it(turn: Turn) -> Next:
    turn.session.language = turn.notes["choose"]
    return "keep" if turn.session.contact_id else Done()


@flow.effect("kept", by_long_code=True)
def keep_it(turn: Turn, db: Connection) -> Screen:
    language = turn.notes["choose"]
    people.set_language(db, turn.session.contact_id, language)
    speak(language)
    return Screen(_("Language changed."), [Choice(_("Continue"), "done")])


@flow.step("done")
async def go_back(turn: Turn) -> Next:
    return Done()
