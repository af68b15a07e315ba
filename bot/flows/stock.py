"""Stock: what a person offers to buyers, and offering more."""

from datetime import date

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Flow, Next, Start, Turn
from bot.flows.orders import actor_of
from bot.flows.stock_words import (
    harvest_typed,
    named,
    price_question,
    price_typed,
    quantity_question,
    said_of,
    summary,
    units_typed,
)
from bot.i18n import _
from bot.market import photo_words, products, stock_listings
from bot.market.products import CROPS, GRADES, PRODUCTS, crop_name
from bot.market.stock_listings import NewListing

flow = Flow(
    "stock",
    start="list",
    moves=[
        # move      from        to
        ("offer",   "list",     "crop"),
        ("back",    "crop",     "list"),
        ("crop",    "crop",     "product"),
        ("product", "product",  "grade"),
        ("only",    "product",  "grade"),
        ("back",    "product",  "crop"),
        ("grade",   "grade",    "quantity"),
        ("none",    "grade",    "quantity"),
        ("back",    "grade",    "crop"),
        ("typed",   "quantity", "price"),
        ("back",    "quantity", "crop"),
        ("typed",   "price",    "harvest"),
        ("back",    "price",    "quantity"),
        ("typed",   "harvest",  "sure"),
        ("back",    "harvest",  "price"),
        ("yes",     "sure",     "offered"),
        ("back",    "sure",     "harvest"),
        ("list",    "offered",  "list"),
    ],
    calls=[
        ("register",     "list"),
        ("stock_change", "list"),
        ("alerts",       "list"),
        ("verify",       "offered"),
    ],
    personal=True,
)  # fmt: skip


@flow.step("list")
async def show_mine(turn: Turn) -> Next:
    if not turn.session.contact_id:
        return Start("register")
    mine = await turn.read(stock_listings.mine, turn.session.contact_id)
    choices = [
        Choice(
            f"{named(one.product, one.grade)}, {products.quantity(one.product, one.units)}",
            start="stock_change",
            value=one.id,
        )
        for one in mine
    ]
    text = _("My stock") if mine else _("You offer nothing yet.")
    alerts = Choice(_("Price alerts"), start="alerts")
    return Screen(text, [*choices, Choice(_("Offer stock"), "offer"), alerts])


@flow.step("crop")
async def ask_crop(turn: Turn) -> Next:
    choices = [Choice(crop_name(crop), "crop", crop) for crop in CROPS]
    return Screen(_("What do you want to sell?"), choices)


@flow.step("product")
async def ask_product(turn: Turn) -> Next:
    codes = products.grown(turn.notes["crop"])
    if len(codes) == 1:
        turn.notes["product"] = codes[0]
        return "only"
    choices = [Choice(products.name(code), "product", code) for code in codes]
    return Screen(_("What do you want to sell?"), choices)


@flow.step("grade")
async def ask_grade(turn: Turn) -> Next:
    grades = GRADES.get(PRODUCTS[turn.notes["product"]].crop, ())
    if not grades:
        turn.notes["grade"] = ""
        return "none"
    choices = [Choice(grade, "grade", grade) for grade in grades]
    title = f"{products.name(turn.notes['product'])}\n" + _("Grade")
    return Screen(title, [*choices, Choice(_("Not known"), "grade", "")], resume=_("your stock"))


@flow.step("quantity")
async def ask_quantity(turn: Turn) -> Next:
    text = quantity_question(turn.notes["product"])
    return Screen(text, asks="number", resume=_("your stock"))


@flow.answer("quantity")
async def read_quantity(turn: Turn, typed: str) -> str:
    turn.notes["units"] = units_typed(typed, turn.notes["product"])
    return "typed"


@flow.step("price")
async def ask_price(turn: Turn) -> Next:
    text = price_question(turn, turn.notes["product"])
    return Screen(text, asks="number", resume=_("your stock"))


@flow.answer("price")
async def read_price(turn: Turn, typed: str) -> str:
    turn.notes["price_rwf"] = price_typed(turn, typed, turn.notes["product"])
    return "typed"


@flow.step("harvest")
async def ask_harvest(turn: Turn) -> Next:
    text = _("Day of the harvest? Type day/month, such as 5/1:")
    return Screen(text, asks="number", resume=_("your stock"))


@flow.answer("harvest")
async def read_harvest(turn: Turn, typed: str) -> str:
    turn.notes["day"] = harvest_typed(turn, typed).isoformat()
    return "typed"


@flow.step("sure")
async def ask_if_sure(turn: Turn) -> Next:
    # A typed day led here, and nothing that is typed on the way ends in this key alone.
    yes = Choice(_("Yes, offer"), "yes", key="5")
    return Screen(summary(turn, _new(turn)), [yes], resume=_("your stock"), guard=True)


@flow.effect("offered")
def offer(turn: Turn, db: Connection) -> Screen:
    answered = stock_listings.offer(db, actor_of(turn), _new(turn), turn.now)
    said = said_of(answered, _("Your offer is noted."), Choice(_("My stock"), "list"))
    if answered.listing is not None:
        said.more, said.photo_of = photo_words.invited(), answered.listing.id
    return said


def _new(turn: Turn) -> NewListing:
    notes = turn.notes
    day = date.fromisoformat(notes["day"])
    return NewListing(notes["product"], notes["grade"], notes["units"], notes["price_rwf"], day)
