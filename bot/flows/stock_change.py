"""One thing that a person offers: see it, change how much or for how much, or withdraw it."""

from dataclasses import replace

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Flow, Next, Turn
from bot.flows.orders import actor_of
from bot.flows.stock_words import (
    named,
    price_question,
    price_typed,
    quantity_question,
    said_of,
    summary,
    units_typed,
)
from bot.i18n import _
from bot.market import photo_words, products, stock_listings, stock_photos
from bot.market.stock_listings import Listing

flow = Flow(
    "stock_change",
    start="one",
    moves=[
        # move       from         to
        ("quantity", "one",       "quantity"),
        ("price",    "one",       "price"),
        ("withdraw", "one",       "withdraw"),
        ("gone",     "one",       "gone"),
        ("typed",    "quantity",  "sure"),
        ("back",     "quantity",  "one"),
        ("typed",    "price",     "sure"),
        ("back",     "price",     "one"),
        ("yes",      "sure",      "edited"),
        ("back",     "sure",      "one"),
        ("yes",      "withdraw",  "withdrawn"),
        ("back",     "withdraw",  "one"),
        ("one",      "edited",    "one"),
        ("one",      "withdrawn", "one"),
    ],
    calls=[("verify", "edited"), ("verify", "withdrawn")],
    personal=True,
)  # fmt: skip


@flow.step("one")
async def show_one(turn: Turn) -> Next:
    one = await _picked(turn)
    if one is None or one.state != "open":
        return "gone"
    turn.notes["seen"] = {"version": one.version, "units": one.units, "price_rwf": one.price_rwf}
    lines = [summary(turn, one)]
    args = (turn.session.contact_id, one.product)
    promised_kg = await turn.read(stock_listings.promised_kg, *args)
    if promised_kg:
        promised = products.quantity(one.product, promised_kg)
        lines.append(_("Promised to orders: {qty}").format(qty=promised))
    shown, waiting = await turn.read(stock_photos.of_listing, one.id)
    if shown or waiting:
        lines.append(photo_words.counted(shown, waiting))
    return Screen(
        "\n".join(lines),
        [
            Choice(_("Other quantity"), "quantity"),
            Choice(_("Other price"), "price"),
            Choice(_("Withdraw"), "withdraw"),
        ],
        resume=_("your stock"),
        more=photo_words.invited(),
        photo_of=one.id,
    )


@flow.step("gone")
async def say_gone(turn: Turn) -> Next:
    return Screen(_("You do not offer this any more."))


@flow.step("quantity")
async def ask_quantity(turn: Turn) -> Next:
    one = await _picked(turn)
    if one is None:
        return "back"
    return Screen(quantity_question(one.product), asks="number", resume=_("your stock"))


@flow.answer("quantity")
async def read_quantity(turn: Turn, typed: str) -> str:
    one = await _picked(turn)
    if one is not None:
        turn.notes["seen"]["units"] = units_typed(typed, one.product)
    return "typed"


@flow.step("price")
async def ask_price(turn: Turn) -> Next:
    one = await _picked(turn)
    if one is None:
        return "back"
    return Screen(price_question(turn, one.product), asks="number", resume=_("your stock"))


@flow.answer("price")
async def read_price(turn: Turn, typed: str) -> str:
    one = await _picked(turn)
    if one is not None:
        turn.notes["seen"]["price_rwf"] = price_typed(turn, typed, one.product)
    return "typed"


@flow.step("sure")
async def ask_if_sure(turn: Turn) -> Next:
    one = await _picked(turn)
    if one is None:
        return "back"
    seen = turn.notes["seen"]
    wanted = replace(one, units=seen["units"], price_rwf=seen["price_rwf"])
    yes = Choice(_("Yes, change"), "yes", key="5")
    return Screen(summary(turn, wanted), [yes], resume=_("your stock"), guard=True)


@flow.effect("edited")
def edit(turn: Turn, db: Connection) -> Screen:
    seen, actor = turn.notes["seen"], actor_of(turn)
    wanted = (seen["version"], seen["units"], seen["price_rwf"])
    answered = stock_listings.edit(db, actor, turn.notes["picked"], *wanted, turn.now)
    return said_of(answered, _("Your offer is changed."), Choice(_("See"), "one"))


@flow.step("withdraw")
async def ask_if_withdraw(turn: Turn) -> Next:
    one = await _picked(turn)
    if one is None:
        return "back"
    goods = f"{named(one.product, one.grade)}, {products.quantity(one.product, one.units)}"
    text = _("Offer this no more?") + f"\n{goods}"
    # "3" led here, so "3" must not be what withdraws.
    yes = Choice(_("Yes, withdraw"), "yes", key="1")
    return Screen(text, [yes], resume=_("your stock"), guard=True)


@flow.effect("withdrawn")
def withdraw(turn: Turn, db: Connection) -> Screen:
    version, actor = turn.notes["seen"]["version"], actor_of(turn)
    answered = stock_listings.withdraw(db, actor, turn.notes["picked"], version, turn.now)
    return said_of(answered, _("It is offered no more."), Choice(_("See"), "one"))


async def _picked(turn: Turn) -> Listing | None:
    return await turn.read(stock_listings.by_id, turn.notes["picked"], turn.session.contact_id)
