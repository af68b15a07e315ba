"""Prices: crop, then today's price, other markets, and how it changed."""

import math
from datetime import date

from bot.conversation import Choice, Screen
from bot.flow import Flow, Next, Turn
from bot.i18n import _
from bot.i18n.formats import amount, day, local_day
from bot.market import products
from bot.market.prices import Price

_SHOWN_MAX = 2
# The board is compared with the records four times in this; older, they are out of reach.
_FRESH_S = 60

flow = Flow(
    "prices",
    start="crops",
    moves=[
        # move      from       to
        ("price",   "crops",   "price"),
        ("markets", "price",   "markets"),
        ("crops",   "price",   "crops"),
        ("back",    "price",   "crops"),
        ("market",  "markets", "market"),
        ("back",    "markets", "price"),
        ("markets", "market",  "markets"),
        ("crops",   "market",  "crops"),
        ("back",    "market",  "markets"),
    ],
    open=True,
)  # fmt: skip


@flow.step("crops")
async def show_crops(turn: Turn) -> Next:
    codes = turn.market.prices.products(turn.session.crop or "coffee")
    if not codes:
        return Screen(_("No prices available now."), ends=True)
    return Screen(_("Prices"), [Choice(products.name(code), "price", code) for code in codes])


@flow.step("price")
async def show_price(turn: Turn) -> Next:
    code = turn.notes["crops"]
    found = turn.market.prices.near(code, turn.session.district)
    lines = [products.name(code), *(price_line(turn, price) for price in found[:_SHOWN_MAX])]
    if len(found) == 1:
        lines += [*_source(found[0]), *_before(turn, found[0])]
    choices = []
    if len(found) > 1 and turn.market.prices.places(code):
        choices.append(Choice(_("Other market"), "markets"))
    warning = _warning(turn, found[:_SHOWN_MAX])
    if not warning:
        # With the warning one page has no room for it, and `0` leads there too.
        choices.append(Choice(_("Other crop"), "crops"))
    return Screen("\n".join(lines) + warning, choices)


@flow.step("markets")
async def show_markets(turn: Turn) -> Next:
    places = turn.market.prices.places(turn.notes["crops"])
    return Screen(_("Other market"), [Choice(place, "market", place) for place in places])


@flow.step("market")
async def show_market(turn: Turn) -> Next:
    code, place = turn.notes["crops"], turn.notes["markets"]
    found = [price for price in turn.market.prices.latest(code) if price.place == place]
    lines = [products.name(code)]
    for price in found[:_SHOWN_MAX]:
        lines += [price_line(turn, price), *_source(price)]
    if found:
        lines += _before(turn, found[0])
    text = "\n".join(lines) + _warning(turn, found[:_SHOWN_MAX])
    return Screen(text, [Choice(_("Other market"), "markets"), Choice(_("Other crop"), "crops")])


def price_line(turn: Turn, price: Price) -> str:
    """One price, never without its day and who says so."""
    unit = price.unit if price.unit != "piece" else _("piece")
    shown = f"{amount(price.amount_rwf, turn.session.language or 'rw')}/{unit}"
    if price.kind in ("minimum", "fixed"):
        label = _("Minimum price") if price.kind == "minimum" else _("Fixed price")
        return f"{label} ({price.source} {day(price.valid_on)}): {shown}"
    return f"{price.place}, {day(price.valid_on)}: {shown}"


def _source(price: Price) -> list[str]:
    """Who says so, where the line of the price has no room for it."""
    return [] if price.kind in ("minimum", "fixed") else [f"({price.source})"]


def today_in_lines(turn: Turn, code: str) -> list[str]:
    """The floor and the nearest market's price, each with its day, and whether it is old."""
    found = turn.market.prices.near(code, turn.session.district)[:_SHOWN_MAX]
    lines = [price_line(turn, price) for price in found]
    warning = _warning(turn, found).strip()
    return [*lines, warning] if warning and lines else lines


def _before(turn: Turn, price: Price) -> list[str]:
    """What it was before, so that anyone can see where it goes."""
    trend = turn.market.prices.trend(price)
    if trend is None:
        return []
    shown = amount(trend.before_rwf, turn.session.language or "rw")
    return [_("Before, {day}: {price}").format(day=day(trend.before_on), price=shown)]


def _warning(turn: Turn, found: list[Price]) -> str:
    board, today = turn.market.prices, _today(turn)
    if turn.session.adrift or board.age_s > _FRESH_S:
        return "\n" + _("Known {min} min ago; it may have changed.").format(
            min=math.ceil(board.age_s / 60)
        )
    stale = any(board.is_stale(price, today) for price in found)
    return "\n" + _("It may have changed.") if stale else ""


def _today(turn: Turn) -> date:
    return local_day(turn.now, turn.market.hub.timezone)
