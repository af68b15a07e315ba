"""Visitors: a host sees who wants to come, accepts with the PIN, declines, or asks another date."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Done, Flow, Invalid, Next, Start, Turn
from bot.flows.orders import actor_of
from bot.flows.pin import ask_pin, check_pin
from bot.flows.visit_words import closed_screen, others, visit_named, who
from bot.i18n import _, language_spoken
from bot.i18n.formats import amount, at, local_day, read_day
from bot.market import bookings, people
from bot.market.bookings import Booking

flow = Flow(
    "visitors",
    start="list",
    moves=[
        # move       from       to
        ("one",      "list",    "one"),
        ("only",     "list",    "one"),
        ("back",     "one",     "left"),
        ("list",     "left",    "list"),
        ("accept",   "one",     "pin"),
        ("refuse",   "one",     "refuse"),
        ("date",     "one",     "date"),
        ("late",     "one",     "late"),
        ("right",    "pin",     "taken"),
        ("locked",   "pin",     "locked"),
        ("back",     "pin",     "one"),
        ("yes",      "refuse",  "refused"),
        ("back",     "refuse",  "one"),
        ("typed",    "date",    "sure"),
        ("back",     "date",    "one"),
        ("yes",      "sure",    "asked"),
        ("back",     "sure",    "date"),
        ("list",     "taken",   "list"),
        ("list",     "refused", "list"),
        ("list",     "asked",   "list"),
        ("list",     "late",    "list"),
    ],
    calls=[("register", "list"), ("verify", "pin"), ("verify", "taken")],
    personal=True,
)  # fmt: skip


@flow.step("list")
async def show_requests(turn: Turn) -> Next:
    if not turn.session.contact_id:
        return Start("register")
    contact_id, zone = turn.session.contact_id, turn.market.hub.timezone
    waiting = await turn.read(bookings.open_for, contact_id, turn.now)
    if len(waiting) == 1:
        turn.notes["list"] = waiting[0].id
        return "only"
    if waiting:
        choices = [
            Choice(_("{moment}: {n} guests").format(moment=at(b.starts_at, zone), n=b.guests),
                   "one", b.id)
            for b in waiting
        ]  # fmt: skip
        return Screen(_("Visitors"), choices)
    come = await turn.read(bookings.coming, contact_id, turn.now)
    lines = [
        _("{moment}: {n} guests").format(moment=at(b.starts_at, zone), n=b.guests) for b in come
    ]
    return Screen("\n".join([_("No new visitors ask to come."), *lines]))


@flow.step("one")
async def show_request(turn: Turn) -> Next:
    booking = await _picked(turn)
    if booking is None or booking.state != "requested" or booking.answer_by <= turn.now:
        return "late"
    turn.notes["seen"] = {"id": booking.id, "version": booking.version}
    lines = [
        who(booking),
        _("Date: {moment}").format(moment=at(booking.starts_at, turn.market.hub.timezone)),
        _("You will get: {amount}").format(amount=amount(booking.amount_rwf, language_spoken())),
    ]
    return Screen(
        "\n".join(lines),
        [
            Choice(_("Accept"), "accept"),
            Choice(_("Decline"), "refuse"),
            Choice(_("Other date"), "date"),
        ],
        resume=visit_named(booking),
    )


@flow.step("left")
async def go_back(turn: Turn) -> Next:
    # Of one alone there was no list to go back to: it would lead here again.
    waiting = await turn.read(bookings.open_for, turn.session.contact_id, turn.now)
    return "list" if len(waiting) > 1 else Done()


@flow.step("late")
async def show_too_late(turn: Turn) -> Next:
    return closed_screen(await _picked(turn), turn)


@flow.step("pin")
async def ask_first(turn: Turn) -> Next:
    booking = await _picked(turn)
    if booking is None:
        return "back"
    contact = await turn.read(people.by_id, turn.session.contact_id)
    if contact is not None and contact.verifying:
        return Start("verify")
    text = _("Accept {n} guests, {moment}, for {amount}.").format(
        n=booking.guests,
        moment=at(booking.starts_at, turn.market.hub.timezone),
        amount=amount(booking.amount_rwf, language_spoken()),
    )
    return await ask_pin(turn, text, resume=visit_named(booking))


check_pin(flow)


@flow.effect("taken")
def take(turn: Turn, db: Connection) -> Screen:
    seen = turn.notes["seen"]
    answered = bookings.accept(db, actor_of(turn), seen["id"], seen["version"], turn.now)
    if answered.outcome == "accepted":
        return Screen(_("You accepted the visit. Thank you."), [others()])
    if answered.outcome == "taken":
        return Screen(_("You have accepted other guests at this time."), [others()])
    if answered.outcome == "verify":
        text = _("Nothing was accepted: we must first check that this is you.")
        return Screen(text, [Choice(_("Continue"), start="verify"), others()])
    return closed_screen(answered.booking, turn)


@flow.step("refuse")
async def ask_if_sure(turn: Turn) -> Next:
    booking = await _picked(turn)
    if booking is None:
        return "back"
    # "2" led here, so "2" must not be what declines.
    yes = Choice(_("Yes, decline"), "yes", key="1")
    return Screen(_("Decline this visit?"), [yes], resume=visit_named(booking), guard=True)


@flow.effect("refused")
def refuse(turn: Turn, db: Connection) -> Screen:
    seen = turn.notes["seen"]
    answered = bookings.decline(db, actor_of(turn), seen["id"], seen["version"], turn.now)
    if answered.outcome == "declined":
        return Screen(_("You declined the visit."), [others()])
    return closed_screen(answered.booking, turn)


@flow.step("date")
async def ask_date(turn: Turn) -> Next:
    booking = await _picked(turn)
    if booking is None:
        return "back"
    text = _("Which date is better? Type day/month, such as 5/1:")
    return Screen(text, asks="number", resume=visit_named(booking))


@flow.answer("date")
async def read_date(turn: Turn, typed: str) -> str:
    today = local_day(turn.now, turn.market.hub.timezone)
    when = read_day(typed, today)
    if when is None or when <= today:
        raise Invalid(_("Type a coming day, such as 5/1."))
    turn.notes["day"] = when.isoformat()
    return "typed"


@flow.step("sure")
async def ask_if_date(turn: Turn) -> Next:
    booking = await _picked(turn)
    if booking is None:
        return "back"
    when = at(_other_date(turn, booking), turn.market.hub.timezone)
    yes = Choice(_("Yes, ask"), "yes", key="5")
    text = _("Ask the guests to come on {moment}?").format(moment=when)
    return Screen(text, [yes], resume=visit_named(booking), guard=True)


@flow.effect("asked")
def ask(turn: Turn, db: Connection) -> Screen:
    seen = turn.notes["seen"]
    booking = bookings.by_id(db, seen["id"], turn.session.contact_id)
    if booking is None:
        return closed_screen(None, turn)
    when = _other_date(turn, booking)
    answered = bookings.ask_date(db, actor_of(turn), booking.id, seen["version"], when, turn.now)
    if answered.outcome == "date_asked":
        return Screen(_("We ask the guests and tell you. Nothing is accepted yet."), [others()])
    return closed_screen(answered.booking, turn)


async def _picked(turn: Turn) -> Booking | None:
    return await turn.read(bookings.by_id, turn.notes["list"], turn.session.contact_id)


def _other_date(turn: Turn, booking: Booking) -> datetime:
    """The typed day at the hour at which the guests wanted to come."""
    zone = ZoneInfo(turn.market.hub.timezone)
    hour = booking.starts_at.astimezone(zone).timetz()
    return datetime.combine(datetime.fromisoformat(turn.notes["day"]).date(), hour)
