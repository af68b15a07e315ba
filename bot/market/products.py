"""What is traded: products, their units, and the way from a pack back to the cherries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.i18n import N_, _, language_spoken
from bot.i18n.formats import NO_BREAK, number

Unit = Literal["kg", "L", "piece"]


@dataclass(frozen=True, slots=True)
class Product:
    """One product: its code, the unit its price is for, and the crop it belongs to."""

    code: str
    unit: Unit
    crop: str


_ALL = (
    Product("COF-CHERRY", "kg", "coffee"),
    Product("COF-PARCH", "kg", "coffee"),
    Product("COF-GREEN", "kg", "coffee"),
    Product("COF-ROAST", "kg", "coffee"),
    Product("TEA-LEAF", "kg", "tea"),
    Product("TEA-MADE", "kg", "tea"),
    Product("CRAFT-AGASEKE", "piece", "crafts"),
    Product("CHILI-DRY", "kg", "chili"),
    Product("AVOCADO", "kg", "avocado"),
    Product("HONEY", "kg", "honey"),
    Product("MAIZE", "kg", "staples"),
    Product("MAIZE-FLOUR", "kg", "staples"),
    Product("BEANS", "kg", "staples"),
    Product("RICE-LOCAL", "kg", "staples"),
    Product("RICE-LONG", "kg", "staples"),
    Product("RICE-IMP", "kg", "staples"),
    Product("RICE-TZ", "kg", "staples"),
    Product("POTATO", "kg", "staples"),
    Product("CASSAVA", "kg", "staples"),
    Product("SORGHUM", "kg", "staples"),
    Product("BANANA", "kg", "staples"),
    Product("SALT", "kg", "staples"),
    Product("OIL", "L", "staples"),
)
PRODUCTS: dict[str, Product] = {product.code: product for product in _ALL}

CROPS = ("coffee", "tea", "crafts", "chili", "other")
# Codes as the trade writes them, in every language; what has none here is sold without a grade.
GRADES: dict[str, tuple[str, ...]] = {"coffee": ("A1", "A2", "15+")}
_NOT_GROWN = frozenset({"RICE-IMP", "RICE-TZ", "SALT", "OIL"})


_NAMES = {
    "COF-CHERRY": N_("Coffee cherries"),
    "COF-PARCH": N_("Parchment coffee"),
    "COF-GREEN": N_("Green coffee"),
    "COF-ROAST": N_("Roasted coffee"),
    "TEA-LEAF": N_("Green tea leaves"),
    "TEA-MADE": N_("Made tea"),
    "CRAFT-AGASEKE": N_("Peace basket (agaseke)"),
    "CHILI-DRY": N_("Chili"),
    "AVOCADO": N_("Avocado"),
    "HONEY": N_("Honey"),
    "MAIZE": N_("Maize"),
    "MAIZE-FLOUR": N_("Maize flour"),
    "BEANS": N_("Beans"),
    "RICE-LOCAL": N_("Rice, local"),
    "RICE-LONG": N_("Rice, local, long grain"),
    "RICE-IMP": N_("Rice, imported"),
    "RICE-TZ": N_("Rice, Tanzanian"),
    "POTATO": N_("Irish potatoes"),
    "CASSAVA": N_("Cassava"),
    "SORGHUM": N_("Sorghum"),
    "BANANA": N_("Cooking bananas"),
    "SALT": N_("Salt"),
    "OIL": N_("Cooking oil"),
}
_CROPS = {
    "coffee": N_("Coffee"),
    "tea": N_("Tea"),
    "crafts": N_("Crafts (agaseke)"),
    "chili": N_("Chili"),
    "other": N_("Other"),
}


def name(code: str) -> str:
    """The product's name in the language being spoken. Raises KeyError for an unknown code."""
    return _(_NAMES[code])


def crop_name(crop: str) -> str:
    """The name of a crop as a person says what they sell."""
    return _(_CROPS[crop])


def quantity(code: str, units: int) -> str:
    """So many of a product, with the unit: `120 kg`, `12 pieces`."""
    counted = number(units, language_spoken())
    if PRODUCTS[code].unit == "piece":
        return _("{n} pieces").format(n=counted)
    return f"{counted}{NO_BREAK}kg"


def units_in(code: str, packs: int, pack_g: int) -> int:
    """How many whole kilograms, rounded up, or pieces so many packs are."""
    return packs if PRODUCTS[code].unit == "piece" else _up(packs * pack_g, 1000)


def grown(crop: str) -> list[str]:
    """The products that people who sell `crop` may have; "other" is all without a line there."""
    return [
        product.code
        for product in _ALL
        if product.code not in _NOT_GROWN
        and (product.crop == crop or (crop == "other" and product.crop not in CROPS))
    ]


@dataclass(frozen=True, slots=True)
class Chain:
    """What an amount of roasted coffee is made of, in grams, each rounded up to a whole gram."""

    roasted_g: int
    green_g: int
    cherry_g: int


# Usual guidance among roasters and washing stations, to be confirmed with NAEB before a season:
# green coffee loses about 16 % of its weight in roasting, and 6.5 kg of cherries give 1 kg green.
ROAST_KEEPS_PERCENT = 84
CHERRY_TO_GREEN_TENTHS = 65
CHAIN_SOURCE = "usual guidance, to be confirmed with NAEB (2026)"


def chain_of(product: str, weight_g: int) -> Chain | None:
    """What `weight_g` grams of roasted or green coffee are made of; None for other products."""
    if product == "COF-ROAST":
        green_g = _up(weight_g * 100, ROAST_KEEPS_PERCENT)
        return Chain(weight_g, green_g, _up(green_g * CHERRY_TO_GREEN_TENTHS, 10))
    if product == "COF-GREEN":
        return Chain(0, weight_g, _up(weight_g * CHERRY_TO_GREEN_TENTHS, 10))
    return None


def _up(amount: int, by: int) -> int:
    return -(-amount // by)
