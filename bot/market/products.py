"""What is traded: products, their units, and the way from a pack back to the cherries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.i18n import _

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


def name(code: str) -> str:
    """The product's name in the language being spoken. Raises KeyError for an unknown code."""
    return _names()[code]


def crop_name(crop: str) -> str:
    """The name of a crop as a person says what they sell."""
    return {
        "coffee": _("Coffee"),
        "tea": _("Tea"),
        "crafts": _("Crafts (agaseke)"),
        "chili": _("Chili"),
    }.get(crop, _("Other"))


def _names() -> dict[str, str]:
    return {
        "COF-CHERRY": _("Coffee cherries"),
        "COF-PARCH": _("Parchment coffee"),
        "COF-GREEN": _("Green coffee"),
        "COF-ROAST": _("Roasted coffee"),
        "TEA-LEAF": _("Green tea leaves"),
        "TEA-MADE": _("Made tea"),
        "CRAFT-AGASEKE": _("Peace basket (agaseke)"),
        "CHILI-DRY": _("Chili"),
        "AVOCADO": _("Avocado"),
        "HONEY": _("Honey"),
        "MAIZE": _("Maize"),
        "MAIZE-FLOUR": _("Maize flour"),
        "BEANS": _("Beans"),
        "RICE-LOCAL": _("Rice, local"),
        "RICE-LONG": _("Rice, local, long grain"),
        "RICE-IMP": _("Rice, imported"),
        "RICE-TZ": _("Rice, Tanzanian"),
        "POTATO": _("Irish potatoes"),
        "CASSAVA": _("Cassava"),
        "SORGHUM": _("Sorghum"),
        "BANANA": _("Cooking bananas"),
        "SALT": _("Salt"),
        "OIL": _("Cooking oil"),
    }


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
