"""A price in words: never without its day and who says so."""

import math
from datetime import date, timedelta

from bot.conversation import Choice, Screen
from bot.flow import Turn
from bot.i18n import _
from bot.i18n.formats import amount, day, local_day, short_day
from bot.market.prices import Price
from bot.market.weekly import Weeks

SHOWN_MAX = 2
# The board is compared with the records four times in this; older, they are out of reach.
_FRESH_S = 60
_WEEK = timedelta(days=7)


def today_in_lines(turn: Turn, code: str) -> list[str]:
    """The floor and the nearest market's price, each with its day, and whether it is old."""
    found = turn.market.prices.near(code, turn.session.district)[:SHOWN_MAX]
    lines = [price_line(turn, price) for price in found]
    told = warning(turn, found)
    return [*lines, told] if told and lines else lines


def price_line(turn: Turn, price: Price) -> str:
    """One price, never without its day and who says so."""
    shown = per_unit(turn, price, price.amount_rwf)
    if price.kind in ("minimum", "fixed"):
        return f"{_announced(price)} ({price.source} {day(price.valid_on)}): {shown}"
    return f"{price.place}, {day(price.valid_on)}: {shown}"


def called(price: Price) -> str:
    """What a price is called among others: its place, or what kind of price it is."""
    return price.place or _announced(price)


def source(price: Price) -> list[str]:
    """Who says so, where the line of the price has no room for it."""
    return [] if price.kind in ("minimum", "fixed") else [f"({price.source})"]


def sourced(turn: Turn, prices: list[Price]) -> list[str]:
    """These prices, each with its day and who says so, which is said once of several."""
    lines: list[str] = []
    for at, price in enumerate(prices):
        following = prices[at + 1] if at + 1 < len(prices) else None
        lines.append(price_line(turn, price))
        if following is None or source(following) != source(price):
            lines += source(price)
    return lines


def newest_of(turn: Turn, prices: list[Price]) -> list[Price]:
    """All of them when none is old, else one: the first that is not old, if there is any.

    One page has room for a warning or for a second price, which the other markets have.
    """
    if not warning(turn, prices):
        return prices
    board, day_now = turn.market.prices, today(turn)
    fresh = [price for price in prices if not board.is_stale(price, day_now)]
    return (fresh or prices)[:1]


def before(turn: Turn, price: Price) -> list[str]:
    """What it was before, so that anyone can see where it goes."""
    trend = turn.market.prices.trend(price)
    if trend is None:
        return []
    shown = money(turn, trend.before_rwf)
    return [_("Before, {day}: {price}").format(day=day(trend.before_on), price=shown)]


def two_weeks(turn: Turn, weeks: Weeks) -> list[str]:
    """This week and the last, each with the day of its price or, without one, with its days."""
    if weeks.this is None:
        days = {"first": short_day(weeks.monday), "last": short_day(weeks.sunday)}
        this = _("This week ({first}-{last}): no price").format(**days)
    else:
        shown = per_unit(turn, weeks.this, weeks.this.amount_rwf)
        this = _("This week, {day}: {price}").format(day=day(weeks.this.valid_on), price=shown)
    if weeks.last is None:
        days = {"first": short_day(weeks.monday - _WEEK), "last": short_day(weeks.sunday - _WEEK)}
        last = _("Last week ({first}-{last}): no price").format(**days)
    else:
        shown = per_unit(turn, weeks.last, weeks.last.amount_rwf)
        last = _("Last week, {day}: {price}").format(day=day(weeks.last.valid_on), price=shown)
    return [this, last]


def is_remembered(turn: Turn) -> bool:
    """Whether the records are out of reach, so that newer prices may be there."""
    return turn.session.adrift or turn.market.prices.age_s > _FRESH_S


def warned(turn: Turn, lines: list[str], found: list[Price], choices: list[Choice]) -> Screen:
    """These lines of prices with what has to be said of their age."""
    told, lines = warning(turn, found), [line for line in lines if line]
    if is_remembered(turn):
        # Longer words, which belong beside the price, on the first page.
        return Screen("\n".join([*lines, told]), choices)
    # Kept whole: after a wrong key the last lines of the text may have no room.
    return Screen("\n".join(lines), choices, keep=told)


def warning(turn: Turn, found: list[Price]) -> str:
    """Why these prices may not be today's; "" where they are."""
    board, day_now = turn.market.prices, today(turn)
    if is_remembered(turn):
        return _("Known {min} min ago; it may have changed.").format(
            min=math.ceil(board.age_s / 60)
        )
    stale = any(board.is_stale(price, day_now) for price in found)
    return _("It may have changed.") if stale else ""


def per_unit(turn: Turn, price: Price, amount_rwf: int) -> str:
    """Francs for one unit of what this price is for: `600 Frw/kg`."""
    unit = price.unit if price.unit != "piece" else _("piece")
    return f"{money(turn, amount_rwf)}/{unit}"


def money(turn: Turn, amount_rwf: int) -> str:
    """Francs in the language of the turn."""
    return amount(amount_rwf, turn.session.language or "rw")


def today(turn: Turn) -> date:
    """The hub's day."""
    return local_day(turn.now, turn.market.hub.timezone)


def _announced(price: Price) -> str:
    return _("Minimum price") if price.kind == "minimum" else _("Fixed price")
