"""Prices: crop, then today's price, other markets, what is taken of it, and how it changed."""

from functools import lru_cache

from bot.conversation import Choice, Language, Screen
from bot.flow import Flow, Next, Turn
from bot.flows.price_words import (
    SHOWN_MAX,
    before,
    called,
    money,
    newest_of,
    per_unit,
    price_line,
    source,
    sourced,
    today,
    two_weeks,
    warned,
    warning,
)
from bot.flows.share import part_name
from bot.i18n import _, language_spoken
from bot.i18n.formats import day
from bot.market import products
from bot.market.prices import Price
from bot.market.weekly import compare

# What a market's buyers pay says nothing of what a farmer gets.
_PAID_TO_FARMERS = frozenset({"minimum", "fixed", "observed"})
# An announced price holds for a season.
_BY_WEEK = frozenset({"observed", "retail"})

flow = Flow(
    "prices",
    start="crops",
    moves=[
        # move      from       to
        ("price",   "crops",   "price"),
        ("markets", "price",   "markets"),
        ("crops",   "price",   "crops"),
        ("more",    "price",   "which"),
        ("back",    "price",   "crops"),
        ("net",     "which",   "net"),
        ("weeks",   "which",   "weeks"),
        ("back",    "which",   "price"),
        ("weeks",   "net",     "weeks"),
        ("back",    "net",     "price"),
        ("back",    "weeks",   "price"),
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
    return _crops(language_spoken(), tuple(codes))


@lru_cache(64)
def _crops(_language: Language, codes: tuple[str, ...]) -> Screen:
    return Screen(_("Prices"), [Choice(products.name(code), "price", code) for code in codes])


@flow.step("price")
async def show_price(turn: Turn) -> Next:
    code = turn.notes["crops"]
    found = turn.market.prices.near(code, turn.session.district)
    shown = newest_of(turn, found[:SHOWN_MAX])
    lines = [products.name(code), *sourced(turn, shown)]
    if len(found) == 1 and not warning(turn, shown):
        lines += before(turn, found[0])
    choices = []
    if len(found) > 1 and turn.market.prices.places(code):
        choices.append(Choice(_("Other market"), "markets"))
    choices.append(Choice(_("Other crop"), "crops"))
    if any(_leads_to(turn, price) for price in found):
        choices.append(Choice(_("More"), "more"))
    return warned(turn, lines, shown, choices)


@flow.step("markets")
async def show_markets(turn: Turn) -> Next:
    places = turn.market.prices.places(turn.notes["crops"])
    return Screen(_("Other market"), [Choice(place, "market", place) for place in places])


@flow.step("market")
async def show_market(turn: Turn) -> Next:
    code, place = turn.notes["crops"], turn.notes["markets"]
    found = [price for price in turn.market.prices.latest(code) if price.place == place]
    lines = [products.name(code)]
    for price in found[:SHOWN_MAX]:
        lines += [price_line(turn, price), *source(price)]
    if found:
        lines += before(turn, found[0])
    choices = [Choice(_("Other market"), "markets"), Choice(_("Other crop"), "crops")]
    return warned(turn, lines, found[:SHOWN_MAX], choices)


@flow.step("which")
async def ask_which(turn: Turn) -> Next:
    code = turn.notes["crops"]
    found = turn.market.prices.near(code, turn.session.district)
    told = [(price, move) for price in found if (move := _leads_to(turn, price))]
    if not told:
        return "back"
    if len(told) == 1:
        ((only, move),) = told
        turn.notes["which"] = [only.kind, only.place]
        return move
    choices = [Choice(called(one), move, [one.kind, one.place]) for one, move in told]
    return Screen(products.name(code), choices)


@flow.step("net")
async def show_net(turn: Turn) -> Next:
    price = _picked(turn)
    fees = turn.market.prices.fees(price.product, today(turn)) if price else None
    parts = fees.split(price.amount_rwf) if price and fees else None
    if price is None or fees is None or parts is None:
        return "back"
    lines = [
        products.name(price.product),
        price_line(turn, price),
        *source(price),
        *before(turn, price),
        *(f"{part_name(p.name)} ({p.to}): {money(turn, p.amount_rwf)}" for p in parts.lines),
        _("Fees of {day} ({source})").format(day=day(fees.valid_from), source=fees.source),
    ]
    keep = _("You get: {net}").format(net=per_unit(turn, price, parts.net_rwf))
    weeks = Choice(_("Price by week"), "weeks")
    choices = [weeks] if price.kind in _BY_WEEK else []
    return Screen(_text(*lines, warning(turn, [price])), choices, keep=keep)


@flow.step("weeks")
async def show_weeks(turn: Turn) -> Next:
    price = _picked(turn)
    if price is None:
        return "back"
    weeks = compare(turn.market.prices.recent(price), today(turn))
    lines = [products.name(price.product), f"{price.place} ({price.source})"]
    lines += two_weeks(turn, weeks)
    if weeks.this is None and weeks.last is None:
        lines.append(price_line(turn, price))
    keep, change_rwf = "", weeks.change_rwf
    if change_rwf is not None:
        sign = "+" if change_rwf > 0 else ""
        keep = _("Difference: {change}").format(change=sign + per_unit(turn, price, change_rwf))
    return Screen(_text(*lines, warning(turn, [price])), keep=keep)


def _leads_to(turn: Turn, price: Price) -> str:
    """By which move more of this price is told; "" where there is nothing more to tell."""
    fees = turn.market.prices.fees(price.product, today(turn))
    if price.kind in _PAID_TO_FARMERS and fees and fees.split(price.amount_rwf):
        return "net"
    return "weeks" if price.kind in _BY_WEEK else ""


def _picked(turn: Turn) -> Price | None:
    kind, place = turn.notes["which"]
    latest = turn.market.prices.latest(turn.notes["crops"])
    return next((one for one in latest if (one.kind, one.place) == (kind, place)), None)


def _text(*lines: str) -> str:
    return "\n".join(line for line in lines if line)
