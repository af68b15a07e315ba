"""The words of offered stock, and how an amount, a price and a harvest day are read."""

from datetime import date, timedelta

from bot.conversation import Choice, Screen
from bot.flow import Invalid, Turn
from bot.flows.price_words import today_in_lines
from bot.i18n import _, language_spoken
from bot.i18n.formats import amount, day, local_day, read_nearest_day
from bot.i18n.quantities import read_quantity
from bot.market import products
from bot.market.stock_listings import PRICE_MAX_RWF, UNITS_MAX, Answered, Listing, NewListing

# A harvest may be sold before it is in, and coffee may lie for a while.
_HARVEST_AGO, _HARVEST_TO_COME = timedelta(days=730), timedelta(days=365)


def named(code: str, grade: str) -> str:
    """A product with its grade."""
    return f"{products.name(code)} {grade}".strip()


def quantity_question(code: str) -> str:
    """How the amount of a product is asked."""
    if products.PRODUCTS[code].unit == "piece":
        return _("How many pieces?")
    return _("Enter quantity in kg:")


def price_question(turn: Turn, code: str) -> str:
    """The prices of today, and how much the person wants."""
    piece = products.PRODUCTS[code].unit == "piece"
    asked = (
        _("Enter the price you want for one (Frw):")
        if piece
        else _("Enter the price you want per kg (Frw):")
    )
    return "\n".join([*(today_in_lines(turn, code) or [_("No prices available now.")]), asked])


def summary(turn: Turn, new: NewListing | Listing) -> str:
    """What is offered, for how much, beside the prices of today."""
    language = language_spoken()
    cost = _("{qty} x {price} = {total}").format(
        qty=products.quantity(new.product, new.units),
        price=amount(new.price_rwf, language),
        total=amount(new.units * new.price_rwf, language),
    )
    harvest = _("Harvest: {day}").format(day=day(new.harvested_on))
    lines = [named(new.product, new.grade), cost, harvest, *today_in_lines(turn, new.product)]
    return "\n".join(lines)


def units_typed(typed: str, code: str) -> int:
    """A whole number of kilograms or pieces. Raises `Invalid`, also for another unit."""
    measure = "piece" if products.PRODUCTS[code].unit == "piece" else "kg"
    quantity = read_quantity(typed)
    fits = quantity is not None and quantity.measure in ("", measure)
    if fits and quantity is not None and 1 <= quantity.count <= UNITS_MAX:
        return quantity.count
    if measure == "piece":
        raise Invalid(_("Type a whole number of pieces, such as 12."))
    raise Invalid(_("Type whole kilograms, such as 120."))


def francs_typed(typed: str) -> int:
    """Whole francs. Raises `Invalid`, also for another unit."""
    quantity = read_quantity(typed)
    if quantity is None or quantity.measure not in ("", "frw"):
        raise Invalid(_("Type whole francs, such as 700."))
    if not 1 <= quantity.count <= PRICE_MAX_RWF:
        raise Invalid(_("Type whole francs, such as 700."))
    return quantity.count


def price_typed(turn: Turn, typed: str, code: str) -> int:
    """A price in whole francs. Raises `Invalid`, also for less than the floor."""
    price_rwf = francs_typed(typed)
    floors = [p.amount_rwf for p in turn.market.prices.latest(code) if p.kind == "minimum"]
    if floors and price_rwf < max(floors):
        floor = amount(max(floors), language_spoken())
        raise Invalid(_("Not less than the minimum price, {price}.").format(price=floor))
    return price_rwf


def harvest_typed(turn: Turn, typed: str) -> date:
    """The day of a harvest that was or is to come. Raises `Invalid`."""
    today = local_day(turn.now, turn.market.hub.timezone)
    when = read_nearest_day(typed, today)
    if when is None or not -_HARVEST_AGO <= when - today <= _HARVEST_TO_COME:
        raise Invalid(_("Type day/month, such as 5/1."))
    return when


def said_of(answered: Answered, done: str, go_on: Choice) -> Screen:
    """What came of it: `done`, or why nothing was changed."""
    if answered.outcome in ("changed", "gone"):
        return Screen(_("This is not offered so any more. Nothing was changed."), [go_on])
    if answered.outcome == "full":
        return Screen(_("You offer very much already. Withdraw something first."), [go_on])
    if answered.outcome == "verify":
        text = _("Nothing was changed: we must first check that this is you.")
        return Screen(text, [Choice(_("Continue"), start="verify"), go_on])
    return Screen(done, [go_on])
