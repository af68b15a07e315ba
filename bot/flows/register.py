"""Register: agree, say who you are, where and what you sell, choose a PIN."""

from sqlalchemy import Connection

from bot.conversation import Choice, Screen, Session
from bot.flow import Done, Flow, Invalid, Next, Start, Turn
from bot.flows.choosing_pin import choose_pin, let_choose
from bot.i18n import _
from bot.market import people, wallets
from bot.market.districts import PROVINCES, province
from bot.market.people import Contact
from bot.market.products import CROPS, crop_name
from bot.pins_in_texts import without_pins

_NAMES_MIN, _NAMES_MAX = 2, 60

flow = Flow(
    "register",
    start="consent",
    moves=[
        # move       from         to
        ("agree",    "consent",   "names"),
        ("anew",     "consent",   "agreed"),
        ("refuse",   "consent",   "refused"),
        ("more",     "consent",   "more"),
        ("agree",    "more",      "names"),
        ("refuse",   "more",      "refused"),
        ("back",     "more",      "consent"),
        ("named",    "names",     "province"),
        ("back",     "names",     "consent"),
        ("picked",   "province",  "district"),
        ("back",     "province",  "names"),
        ("picked",   "district",  "crop"),
        ("back",     "district",  "province"),
        ("picked",   "crop",      "age"),
        ("back",     "crop",      "district"),
        ("old",      "age",       "pin"),
        ("young",    "age",       "guardian"),
        ("back",     "age",       "crop"),
        ("chosen",   "pin",       "repeat"),
        ("back",     "pin",       "age"),
        ("same",     "repeat",    "kept"),
        ("anew",     "repeat",    "pin"),
        ("back",     "repeat",    "pin"),
        ("done",     "kept",      "done"),
        ("done",     "agreed",    "done"),
    ],
    calls=[("telegram_link", "consent"), ("my_data", "refused")],
)  # fmt: skip


def _doing() -> str:
    return _("registration")


@flow.step("consent")
async def ask_consent(turn: Turn) -> Next:
    if turn.session.contact_id:
        return await _ask_anew(turn)
    if not turn.session.number:
        # Nobody can be registered, paid or called without one.
        return Start("telegram_link")
    return Screen(
        _asked(),
        [
            Choice(_("I agree"), "agree"),
            Choice(_("I do not agree"), "refuse"),
            Choice(_("More"), "more"),
        ],
        guard=True,
    )


def _asked() -> str:
    return _(
        "Do you agree that we keep your names, number and district to link you to buyers? "
        "You can ask to delete them."
    )


async def _ask_anew(turn: Turn) -> Next:
    """What somebody agreed to has other words by now: asked again before anything of theirs."""
    if not await turn.read(people.agreed_to_older_words, turn.session.contact_id):
        return Screen(_("You are already registered."), ends=True)
    return Screen(
        _("These words have changed.") + " " + _asked(),
        # What led here may have been any line of a menu; none of them is 9.
        [Choice(_("I agree"), "anew", key="9"), Choice(_("I do not agree"), "refuse", key="2")],
        guard=True,
    )


@flow.effect("agreed")
def agree_anew(turn: Turn, db: Connection) -> Screen:
    session = turn.session
    language = session.language or "rw"
    people.agree(db, session.contact_id, language, turn.inbound.channel, turn.now)
    return Screen(_("Thank you."), [Choice(_("Continue"), "done")])


@flow.step("more")
async def explain_consent(turn: Turn) -> Next:
    return Screen(
        _(
            "{hub} keeps them only to link you to buyers and to pay you, and while you use the "
            "service. You can see, copy or delete them at any time: menu My account. Help: {tel}"
        ).format(hub=turn.market.hub.name, tel=turn.market.hub.help_msisdn),
        [Choice(_("I agree"), "agree"), Choice(_("I do not agree"), "refuse")],
        guard=True,
    )


@flow.step("refused")
async def accept_refusal(turn: Turn) -> Next:
    if turn.session.contact_id:
        return Screen(
            _("Then we do nothing new with your data. You can delete it here."),
            [Choice(_("Delete my data"), start="my_data")],
        )
    return Screen(
        _("We keep nothing about you. Prices, lessons and help need no registration."), ends=True
    )


@flow.step("names")
async def ask_names(turn: Turn) -> Next:
    return Screen(_("Enter your names:"), asks="text", resume=_doing())


@flow.answer("names")
async def read_names(turn: Turn, typed: str) -> str:
    names = without_pins(" ".join(typed.split()))
    letters = sum(sign.isalpha() for sign in names)
    if not _NAMES_MIN <= len(names) <= _NAMES_MAX or letters < _NAMES_MIN:
        raise Invalid(_("Write your names with letters."))
    if not names.isprintable():
        raise Invalid(_("Write your names with letters."))
    turn.notes["names"] = names
    return "named"


@flow.step("province")
async def ask_province(turn: Turn) -> Next:
    language = turn.session.language or "rw"
    choices = [Choice(one.name(language), "picked", one.code) for one in PROVINCES]
    return Screen("\n".join([_("District"), _("Choose your province:")]), choices, resume=_doing())


@flow.step("district")
async def ask_district(turn: Turn) -> Next:
    names = province(turn.notes["province"]).districts
    choices = [Choice(name, "picked", name) for name in names]
    return Screen(_("Choose your district:"), choices, resume=_doing())


@flow.step("crop")
async def ask_crop(turn: Turn) -> Next:
    choices = [Choice(crop_name(crop), "picked", crop) for crop in CROPS]
    return Screen(_("What do you want to sell?"), choices, resume=_doing())


@flow.step("age")
async def ask_age(turn: Turn) -> Next:
    return Screen(
        _("Are you 16 years old or over?"),
        [Choice(_("Yes"), "old"), Choice(_("No"), "young")],
        resume=_doing(),
    )


@flow.step("guardian")
async def send_for_guardian(turn: Turn) -> Next:
    tel = turn.market.hub.help_msisdn
    text = _("A parent or guardian must register with you. Call {tel} for help.")
    return Screen(text.format(tel=tel), ends=True)


@flow.step("pin")
async def ask_pin(turn: Turn) -> Next:
    return choose_pin(turn, resume=_doing())


def _what(turn: Turn) -> str:
    """What the PIN confirms. No name: what is shown stands in transcripts."""
    said = _("Register")
    return f"{said}: {turn.notes['district']}"


let_choose(flow, "pin", "repeat", _what, _doing)


@flow.effect("kept")
def keep(turn: Turn, db: Connection) -> Screen:
    session, notes = turn.session, turn.notes
    crop = notes["crop"]
    known = people.by_msisdn(db, session.number)
    if known is not None:
        # Registered meanwhile in another call, with another PIN: this one opens nothing.
        _recognise(session, known)
        return Screen(_("You are already registered."), [Choice(_("Continue"), "done")])
    contact = people.register(
        db,
        msisdn=session.number,
        names=notes["names"],
        district=notes["district"],
        language=session.language or "rw",
        role="crafts" if crop == "crafts" else "farmer",
        crop=crop,
        pin_hash=notes.pop("pin_hash"),
        channel=turn.inbound.channel,
        wallet_provider=wallets.provider_on(session.network),
        hub=turn.market.hub.id,
        now=turn.now,
    )
    _recognise(session, contact)
    session.unlocked = True
    return Screen(_("You are registered. Thank you."), [Choice(_("Continue"), "done")])


def _recognise(session: Session, contact: Contact) -> None:
    session.contact_id, session.role = contact.id, contact.role
    session.crop, session.district = contact.crop, contact.district
    session.shared = contact.shared_phone


@flow.step("done")
async def go_on(turn: Turn) -> Next:
    return Done()
