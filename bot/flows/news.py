"""News: where it goes and in which hours it waits, as the person wishes."""

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Flow, Next, Start, Turn
from bot.i18n import _
from bot.market import news, news_wishes
from bot.market.news_wishes import Hours

flow = Flow(
    "news",
    start="menu",
    moves=[
        # move      from       to
        ("where",   "menu",    "where"),
        ("hours",   "menu",    "hours"),
        ("way",     "where",   "kept"),
        ("back",    "where",   "menu"),
        ("chosen",  "hours",   "set"),
        ("back",    "hours",   "menu"),
        ("menu",    "kept",    "menu"),
        ("menu",    "set",     "menu"),
    ],
    calls=[("register", "menu"), ("telegram_link", "where")],
    personal=True,
)  # fmt: skip

# "1" and "2" lead to the choices: pressed twice, neither is one.
_FIRST_KEY = 3
_NEVER = (0, 0)
_NIGHTS = ((19, 6), (20, 6), (21, 7), (22, 5))


@flow.step("menu")
async def show_wish(turn: Turn) -> Next:
    if not turn.session.contact_id:
        return Start("register")
    wish = await turn.read(news_wishes.of, turn.session.contact_id)
    lines = [_("News"), _ways()[wish.way], _of_hours(wish.hours or _hubs(turn))]
    choices = [Choice(_("Where news goes"), "where"), Choice(_("Quiet hours"), "hours")]
    return Screen("\n".join(lines), choices)


@flow.step("where")
async def ask_where(turn: Turn) -> Next:
    each = enumerate(_ways().items(), _FIRST_KEY)
    ways = [Choice(words, "way", way, key=str(key)) for key, (way, words) in each]
    if await turn.read(news.open_link, turn.session.contact_id) is None:
        # Nothing can go to a chat that is not theirs yet: it leads to where it becomes that.
        ways[-1] = Choice(ways[-1].label, start="telegram_link", key=ways[-1].key)
    return Screen(_("Where news goes"), ways)


@flow.effect("kept")
def keep_way(turn: Turn, db: Connection) -> Screen:
    news_wishes.set_way(db, turn.session.contact_id, turn.notes["where"])
    said = _("Noted. What must reach this number comes by SMS all the same.")
    return Screen(said, [Choice(_("News"), "menu")])


@flow.step("hours")
async def ask_hours(turn: Turn) -> Next:
    text = _("In which hours is news to wait?")
    hubs = _hubs(turn)
    # The hub's own are kept as nobody's wish, so that they follow the hub.
    wishes = [(hubs, ()), *((hours, hours) for hours in (*_NIGHTS, _NEVER) if hours != hubs)]
    nights = [
        Choice(_of_hours(hours), "chosen", kept, key=str(key))
        for key, (hours, kept) in enumerate(wishes, _FIRST_KEY)
    ]
    return Screen(text, nights)


@flow.effect("set")
def keep_hours(turn: Turn, db: Connection) -> Screen:
    chosen = turn.notes["hours"]
    news_wishes.set_hours(db, turn.session.contact_id, tuple(chosen) or None)
    said = _("Noted. What is about your money or your PIN never waits.")
    return Screen(said, [Choice(_("News"), "menu")])


def _hubs(turn: Turn) -> Hours:
    quiet = turn.market.quiet
    return quiet.from_hour, quiet.until_hour


def _ways() -> dict[str, str]:
    return {"last": _("Where I was last"), "sms": _("SMS only"), "chat": _("Telegram")}


def _of_hours(hours: Hours) -> str:
    from_hour, until_hour = hours
    return _("At any hour") if from_hour == until_hour else f"{from_hour}:00 - {until_hour}:00"
