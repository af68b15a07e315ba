"""Lessons: read a few screens, answer a question, go on with the next."""

from collections.abc import Mapping

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Flow, Next, Turn
from bot.i18n import _
from bot.market import lessons
from bot.market.lessons import CODES, Lesson, lesson

flow = Flow(
    "lessons",
    start="list",
    moves=[
        # move      from      to
        ("page",    "list",   "page"),
        ("next",    "page",   "turn"),
        ("page",    "turn",   "page"),
        ("quiz",    "turn",   "quiz"),
        ("quiz",    "page",   "quiz"),
        ("back",    "page",   "list"),
        ("answer",  "quiz",   "marked"),
        ("back",    "quiz",   "page"),
        ("keep",    "marked", "kept"),
        ("result",  "marked", "result"),
        ("result",  "kept",   "result"),
        ("quiz",    "result", "quiz"),
        ("next",    "result", "onward"),
        ("back",    "result", "list"),
        ("quiz",    "kept",   "quiz"),
        ("next",    "kept",   "onward"),
        ("back",    "kept",   "list"),
        ("page",    "onward", "page"),
        ("list",    "onward", "list"),
    ],
    open=True,
)  # fmt: skip


@flow.step("list")
async def show_list(turn: Turn) -> Next:
    turn.notes["number"] = 0
    choices = [Choice(title, "page", code) for code, title in lessons.titles()]
    return Screen(_("Lessons"), choices)


@flow.step("page")
async def show_page(turn: Turn) -> Next:
    one, number = _lesson(turn), turn.notes["number"]
    place = CODES.index(one.code) + 1
    head = _("Lesson {n}/{total}: {title}").format(n=place, total=len(CODES), title=one.title)
    onward = [Choice(_("Next"), "next"), Choice(_("Quiz"), "quiz")]
    return Screen(f"{head}\n{one.pages[number]}", onward, resume=one.title)


@flow.step("turn")
async def turn_page(turn: Turn) -> Next:
    if turn.notes["number"] + 1 == len(_lesson(turn).pages):
        return "quiz"
    turn.notes["number"] += 1
    return "page"


@flow.step("quiz")
async def ask_question(turn: Turn) -> Next:
    one = _lesson(turn)
    choices = [Choice(answer, "answer", place) for place, answer in enumerate(one.answers)]
    return Screen(one.question, choices, resume=one.title)


@flow.step("marked")
async def mark(turn: Turn) -> Next:
    turn.notes["marks"] = {**turn.notes.get("marks", {}), _lesson(turn).code: _is_right(turn)}
    return "keep" if turn.session.contact_id else "result"


@flow.effect("kept", by_long_code=True)
def keep(turn: Turn, db: Connection) -> Screen:
    own, code = turn.session.contact_id, _lesson(turn).code
    right = _is_right(turn)
    lessons.keep_progress(db, own, code, turn.notes["number"], int(right), turn.now)
    return _result(turn, lessons.marks(db, own))


@flow.step("result")
async def show_result(turn: Turn) -> Next:
    # Of who is not known only this call knows what they answered.
    return _result(turn, turn.notes["marks"])


@flow.step("onward")
async def go_onward(turn: Turn) -> Next:
    place = CODES.index(turn.notes["list"]) + 1
    if place == len(CODES):
        return "list"
    turn.notes["list"], turn.notes["number"] = CODES[place], 0
    return "page"


def _lesson(turn: Turn) -> Lesson:
    return lesson(turn.notes["list"])


def _is_right(turn: Turn) -> bool:
    return bool(turn.notes["quiz"] == _lesson(turn).right)


def _result(turn: Turn, marks: Mapping[str, bool]) -> Screen:
    """What came of the answer, and of the whole course once each of its questions has one."""
    one, right = _lesson(turn), _is_right(turn)
    answer = one.answers[one.right]
    text = _("Correct!") if right else _("Wrong: {answer} is the answer.").format(answer=answer)
    if len(marks) == len(CODES):
        text += "\n" + _score(sum(marks.values()))
    onward = Choice(_("Next lesson"), "next")
    return Screen(text, [onward] if right else [Choice(_("Try again"), "quiz"), onward])


def _score(right: int) -> str:
    if right == 1:
        return _("You answered 1 of {total} correctly.").format(total=len(CODES))
    return _("You answered {n} of {total} correctly.").format(n=right, total=len(CODES))
