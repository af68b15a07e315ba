"""My data: see what is kept, have a copy, or be forgotten; each as easy as agreeing was."""

from typing import Any

from sqlalchemy import Connection

from bot.conversation import LANGUAGE_NAMES, Choice, Screen
from bot.flow import Flow, Next, Turn
from bot.flows.pin import ask_pin, locked_screen, pin_is_right
from bot.i18n import _
from bot.i18n.formats import day, local_day
from bot.market import leaving, news, people
from bot.market.leaving_words import due_lines

flow = Flow(
    "my_data",
    start="unlock",
    moves=[
        # move      from       to
        ("right",   "unlock",  "menu"),
        ("locked",  "unlock",  "locked"),
        ("see",     "menu",    "see"),
        ("back",    "see",     "menu"),
        ("copy",    "menu",    "copied"),
        ("menu",    "copied",  "menu"),
        ("erase",   "menu",    "erase"),
        ("back",    "erase",   "menu"),
        ("yes",     "erase",   "erased"),
    ],
)  # fmt: skip


@flow.step("unlock")
async def ask_first(turn: Turn) -> Next:
    return await ask_pin(turn, _("My data: see it, copy it or delete it."))


@flow.answer("unlock", slow=True)
async def read_pin(turn: Turn, typed: str) -> str:
    return await pin_is_right(turn, typed)


@flow.step("locked")
async def locked(turn: Turn) -> Next:
    return await locked_screen(turn)


@flow.step("menu")
async def show_menu(turn: Turn) -> Next:
    return Screen(
        _("My data"),
        [
            Choice(_("See"), "see"),
            Choice(_("Copy by SMS"), "copy"),
            Choice(_("Delete my data"), "erase"),
        ],
    )


@flow.step("see")
async def show_all(turn: Turn) -> Next:
    held = await turn.read(people.copy_of, turn.session.contact_id)
    return Screen("\n".join(copy_lines(held, turn.market.hub.timezone)))


@flow.effect("copied")
def send_copy(turn: Turn, db: Connection) -> Screen:
    held = people.copy_of(db, turn.session.contact_id)
    text = "\n".join(copy_lines(held, turn.market.hub.timezone))
    key = f"copy:{turn.hop_key.hex()}"
    news.tell(db, turn.session.contact_id, key, lambda: text, turn.now, by_phone=True)
    return Screen(_("An SMS follows."), [Choice(_("My data"), "menu")])


@flow.step("erase")
async def ask_if_sure(turn: Turn) -> Next:
    text = _(
        "Delete your names, number, district and PIN? Orders and payments stay without your name. "
        "This cannot be undone."
    )
    due = await turn.read(leaving.due, turn.session.contact_id, turn.now)
    text = "\n".join([*due_lines(due, turn.session.language or "rw"), text])
    # "3" led here, and "1" and "2" are near: the deleting key is far from all.
    return Screen(text, [Choice(_("Yes, delete"), "yes", key="7")])


@flow.effect("erased")
def erase(turn: Turn, db: Connection) -> Screen:
    session = turn.session
    by, key = f"contact:{session.contact_id}", turn.hop_key.hex()
    leaving.leave(db, session.contact_id, by, key, turn.now)
    session.forget_person()
    # The screens before this one showed the data; this hop's own reply is added after this.
    session.replies, session.screen = b"", None
    return Screen(_("Your data is deleted. You can register again at any time."), ends=True)


def copy_lines(held: dict[str, Any], timezone: str) -> list[str]:
    """What is held about a person, in short lines."""
    contact = held["contacts"][0]
    consent = held["consents"][-1] if held["consents"] else None
    lines = [
        _("Names: {names}").format(names=contact["names"]),
        _("Number: {number}").format(number=contact["msisdn"]),
        _("District: {district}").format(district=contact["district"]),
        _("Language: {language}").format(language=LANGUAGE_NAMES[contact["language"]]),
    ]
    if consent is not None:
        agreed = local_day(consent["given_at"], timezone)
        lines.append(_("Agreed on: {day}").format(day=day(agreed)))
    counts = _("Orders: {orders}. Payments: {payments}. Calls kept: {calls}.")
    lines.append(
        counts.format(
            orders=len(held["offers"]), payments=len(held["payments"]), calls=len(held["calls"])
        )
    )
    return lines
