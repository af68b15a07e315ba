"""Price alerts: above which price of what a person wants to be told, and no more."""

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Flow, Next, Start, Turn
from bot.flows.orders import actor_of
from bot.flows.price_words import today_in_lines
from bot.flows.stock_words import francs_typed
from bot.i18n import _, language_spoken
from bot.i18n.formats import amount
from bot.market import price_alerts, products
from bot.market.price_alerts import Alert
from bot.market.products import CROPS, crop_name

flow = Flow(
    "alerts",
    start="list",
    moves=[
        # move      from       to
        ("new",     "list",    "crop"),
        ("one",     "list",    "one"),
        ("back",    "one",     "list"),
        ("drop",    "one",     "dropped"),
        ("crop",    "crop",    "product"),
        ("back",    "crop",    "list"),
        ("product", "product", "price"),
        ("only",    "product", "price"),
        ("back",    "product", "crop"),
        ("typed",   "price",   "kept"),
        ("back",    "price",   "crop"),
        ("list",    "kept",    "list"),
        ("list",    "dropped", "list"),
    ],
    calls=[("register", "list")],
    personal=True,
)  # fmt: skip


@flow.step("list")
async def show_mine(turn: Turn) -> Next:
    if not turn.session.contact_id:
        return Start("register")
    mine = await turn.read(price_alerts.mine, turn.session.contact_id)
    choices = [Choice(_line(one), "one", one.id) for one in mine]
    return Screen(_("Price alerts"), [*choices, Choice(_("New alert"), "new")])


@flow.step("one")
async def show_one(turn: Turn) -> Next:
    alert = await turn.read(price_alerts.by_id, turn.notes["list"], turn.session.contact_id)
    if alert is None:
        return "back"
    text = _("We tell you once when a new price is above it.")
    # A line of the list led here, and no line has this key.
    return Screen(f"{_line(alert)}\n{text}", [Choice(_("Do not tell me"), "drop", key="77")])


@flow.effect("dropped")
def drop(turn: Turn, db: Connection) -> Screen:
    price_alerts.drop(db, turn.notes["list"], turn.session.contact_id)
    return Screen(_("You are not told of it."), [Choice(_("Price alerts"), "list")])


@flow.step("crop")
async def ask_crop(turn: Turn) -> Next:
    return Screen(_("Prices"), [Choice(crop_name(crop), "crop", crop) for crop in CROPS])


@flow.step("product")
async def ask_product(turn: Turn) -> Next:
    codes = products.grown(turn.notes["crop"])
    if len(codes) == 1:
        turn.notes["product"] = codes[0]
        return "only"
    return Screen(_("Prices"), [Choice(products.name(code), "product", code) for code in codes])


@flow.step("price")
async def ask_price(turn: Turn) -> Next:
    code = turn.notes["product"]
    question = _("Tell me when it is above (Frw):")
    lines = [products.name(code), *today_in_lines(turn, code), question]
    return Screen("\n".join(lines), asks="number")


@flow.answer("price")
async def read_price(turn: Turn, typed: str) -> str:
    turn.notes["above_rwf"] = francs_typed(typed)
    return "typed"


@flow.effect("kept")
def keep(turn: Turn, db: Connection) -> Screen:
    code, above_rwf = turn.notes["product"], turn.notes["above_rwf"]
    price_alerts.ask(db, actor_of(turn), code, above_rwf, turn.now)
    said = _line(Alert(0, code, above_rwf))
    text = _("We tell you once when a new price is above it.")
    return Screen(f"{said}\n{text}", [Choice(_("Price alerts"), "list")])


def _line(alert: Alert) -> str:
    above = amount(alert.above_rwf, language_spoken())
    return _("{product}: above {price}").format(product=products.name(alert.product), price=above)
