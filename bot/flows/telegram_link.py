"""Telegram: confirm on the phone that a chat speaks for this number, or end that from either side.

The chat shows a code, the phone types it: only what comes from the phone itself can confirm.
"""

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Done, Flow, Invalid, Next, Start, Turn
from bot.flows.pin import ask_pin, check_pin
from bot.i18n import _
from bot.market import people, telegram_linking, telegram_links
from bot.market.link_codes import looks_like_code

flow = Flow(
    "telegram_link",
    start="start",
    moves=[
        # move      from         to
        ("share",   "start",     "share"),
        ("linked",  "start",     "linked"),
        ("code",    "start",     "code"),
        ("other",   "linked",    "code"),
        ("unlink",  "linked",    "sure"),
        ("back",    "sure",      "start"),
        ("yes",     "sure",      "unlinked"),
        ("ask",     "code",      "pin"),
        ("confirm", "code",      "confirmed"),
        ("right",   "pin",       "confirmed"),
        ("locked",  "pin",       "locked"),
        ("back",    "pin",       "code"),
        ("done",    "confirmed", "done"),
        ("done",    "unlinked",  "done"),
    ],
    calls=[("verify", "code"), ("verify", "confirmed")],
    personal=True,
)  # fmt: skip


@flow.step("start")
async def see_how_it_stands(turn: Turn) -> Next:
    number = turn.session.number
    if not number:
        return "share"
    if await turn.read(telegram_links.of_number, number) is not None:
        return "linked"
    # A chat that speaks for a number is linked: this one was unlinked at this very moment.
    return "code" if turn.inbound.from_phone else "share"


@flow.step("share")
async def ask_for_number(turn: Turn) -> Next:
    text = _(
        "Orders, money and being called need your number. Share it with the button below: only "
        "your own number counts. You then get a code to type on your phone."
    )
    return Screen(text, asks="contact")


@flow.answer("share")
async def refuse_typed(turn: Turn, typed: str) -> str:
    # A number that is typed may be anybody's; what the button shares does not come by here.
    raise Invalid(_("A typed number does not count. Press the button that shares your number."))


@flow.step("linked")
async def show_link(turn: Turn) -> Next:
    choices = [Choice(_("Unlink"), "unlink")]
    if turn.inbound.from_phone:
        choices.append(Choice(_("Link another account"), "other"))
    return Screen(_("A Telegram account is linked with this number."), choices)


@flow.step("sure")
async def ask_if_sure(turn: Turn) -> Next:
    text = _("Unlink it? The chat then shows nothing of yours and answers nothing for you.")
    # "1" led here, so the key that unlinks is another one.
    return Screen(text, [Choice(_("Yes, unlink"), "yes", key="4")])


@flow.effect("unlinked")
def unlink(turn: Turn, db: Connection) -> Screen:
    gone = telegram_links.unlink_number(db, turn.session.number, turn.now)
    said = _("Unlinked.") if gone else _("No Telegram account is linked with this number.")
    return Screen(said, [Choice(_("Continue"), "done")])


@flow.step("code")
async def ask_code(turn: Turn) -> Next:
    contact = await turn.read(people.by_id, turn.session.contact_id)
    if contact is not None and contact.verifying:
        return Start("verify")
    text = _("Share your number in our Telegram chat: it shows a code of 6 digits. Type it here:")
    # A long code that somebody was told to dial must not link somebody else's account.
    return Screen(text, asks="number", guard=True)


@flow.answer("code", slow=True)
async def read_code(turn: Turn, typed: str) -> str:
    if not turn.inbound.from_phone:
        raise Invalid(_("Type the code on your phone."))
    if not looks_like_code(typed):
        raise Invalid(_("The code has 6 digits."))
    number, codes, now = turn.session.number, turn.market.link_codes, turn.now
    tried = await turn.market.records.write(
        lambda db: telegram_linking.try_code(db, codes, number, typed, now)
    )
    if tried.outcome == "wrong":
        raise Invalid(_("Wrong code. Tries left: {n}.").format(n=tried.left))
    if tried.outcome == "none":
        raise Invalid(_("No code is good for this number now. Ask for a new one in the chat."))
    turn.notes["link"] = tried.link_id
    return "ask" if turn.session.contact_id else "confirm"


@flow.step("pin")
async def ask_first(turn: Turn) -> Next:
    text = _("Let this Telegram account see your orders and money and answer for you.")
    return await ask_pin(turn, text)


check_pin(flow)


@flow.effect("confirmed")
def confirm(turn: Turn, db: Connection) -> Screen:
    session = turn.session
    # Nothing leads here in a chat; were it otherwise, it would still confirm nothing.
    link = turn.notes["link"] if turn.inbound.from_phone else 0
    outcome = telegram_linking.confirm(db, link, session.number, session.contact_id, turn.now)
    if outcome == "verify":
        text = _("Nothing was changed: we must first check that this is you.")
        return Screen(text, [Choice(_("Continue"), start="verify")])
    if outcome == "gone":
        text = _("No code is good for this number now. Ask for a new one in the chat.")
        return Screen(text, [Choice(_("Continue"), "done")])
    return Screen(_("Linked. The chat says so, too."), [Choice(_("Continue"), "done")])


@flow.step("done")
async def go_on(turn: Turn) -> Next:
    return Done()
