"""Lessons: read a few screens, answer a question, go on with the next."""

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
    return Screen(
        f"{head}\n{one.pages[number]}", [Choice(_("Next"), "next"), Choice(_("Quiz"), "quiz")]
    )


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
    return Screen(one.question, choices)


@flow.step("marked")
async def mark(turn: Turn) -> Next:
    return "keep" if turn.session.contact_id else "result"


@flow.effect("kept", by_long_code=True)
def keep(turn: Turn, db: Connection) -> Screen:
    one = _lesson(turn)
    right = turn.notes["quiz"] == one.right
    lessons.keep_progress(
        db, turn.session.contact_id, one.code, turn.notes["number"], int(right), turn.now
    )
    return _result(turn)


@flow.step("result")
async def show_result(turn: Turn) -> Next:
    return _result(turn)


@flow.step("onward")
async def go_onward(turn: Turn) -> Next:
    place = CODES.index(turn.notes["list"]) + 1
    if place == len(CODES):
        return "list"
    turn.notes["list"], turn.notes["number"] = CODES[place], 0
    return "page"


def _lesson(turn: Turn) -> Lesson:
    return lesson(turn.notes["list"])


def _result(turn: Turn) -> Screen:
    one = _lesson(turn)
    right = turn.notes["quiz"] == one.right
    answer = one.answers[one.right]
    text = _("Correct!") if right else _("Wrong: {answer} is the answer.").format(answer=answer)
    onward = Choice(_("Next lesson"), "next")
    return Screen(text, [onward] if right else [Choice(_("Try again"), "quiz"), onward])
