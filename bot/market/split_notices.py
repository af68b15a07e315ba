"""The words of news about an order that members share, in the language that is spoken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.i18n import _
from bot.i18n.formats import at
from bot.market import products

if TYPE_CHECKING:
    from bot.market.split_state import Split


def asked(split: Split, service_code: str, timezone: str) -> str:
    """A member is asked how much they can give."""
    return _(
        "Isoko: {cooperative} asks: how much can you give for order {code}? {product}, needed: "
        "{qty}. Answer by {moment}: dial {dial}, Orders."
    ).format(
        cooperative=split.cooperative,
        code=split.code,
        product=products.name(split.product),
        qty=products.quantity(split.product, split.left),
        moment=at(split.answer_by, timezone),
        dial=service_code,
    )


def filled(split: Split) -> str:
    """The co-operative has found all that it needs."""
    qty = products.quantity(split.product, split.needed)
    said = _("Isoko: your members give all {qty} for order {code}.")
    return said.format(qty=qty, code=split.code)


def lapsed(split: Split, units: int) -> str:
    """What a member held was not brought in time."""
    qty = products.quantity(split.product, units)
    said = _("Isoko: {qty} for order {code} were not brought in time and are free for others.")
    return said.format(qty=qty, code=split.code)
