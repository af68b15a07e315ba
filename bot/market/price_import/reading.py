"""One row of the WFP form at a time: what it says, or why it cannot be used.

Source: WFP food prices on the Humanitarian Data Exchange, one CSV file a country.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path

from bot.market.products import PRODUCTS

COLUMNS = ("date", "admin2", "market", "commodity", "unit", "pricetype", "currency", "price")
SOURCE = "WFP"

# The file's own words for what we trade.
COMMODITIES = {
    "Maize": "MAIZE",
    "Maize flour": "MAIZE-FLOUR",
    "Beans (dry)": "BEANS",
    "Beans": "BEANS",
    "Rice (local)": "RICE-LOCAL",
    "Rice (long grain, high quality, local)": "RICE-LONG",
    "Rice (imported)": "RICE-IMP",
    "Rice (imported, Tanzanian)": "RICE-TZ",
    "Potatoes (Irish)": "POTATO",
    "Cassava": "CASSAVA",
    "Sorghum": "SORGHUM",
    "Bananas": "BANANA",
    "Salt": "SALT",
    "Oil": "OIL",
}
_UNITS = {"KG": "kg", "L": "L"}
_KINDS = {"Retail": "retail", "Farm Gate": "observed"}


class FileProblem(Exception):
    """The file as a whole cannot be read; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One usable row: whole francs, with a note when they had to be rounded."""

    number: int
    product: str
    place: str
    district: str
    kind: str
    amount_rwf: int
    unit: str
    day: date
    rounded: bool


@dataclass(frozen=True, slots=True)
class Unusable:
    """A row that is left out, and why."""

    number: int
    reason: str


def read_rows(path: Path, today: date) -> Iterator[Row | Unusable]:
    """Every row of the file, one at a time. Raises `FileProblem`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
            if missing:
                raise FileProblem(
                    f"{path.name} has no column {missing[0]!r}: this reads the WFP form with the "
                    f"columns {', '.join(COLUMNS)}"
                )
            for row in reader:
                yield _read(reader.line_num, row, today)
    except UnicodeDecodeError as error:
        raise FileProblem(f"{path.name} is not UTF-8 text: save it as CSV UTF-8") from error
    except csv.Error as error:
        raise FileProblem(f"{path.name} is broken near line {reader.line_num}: {error}") from error
    except OSError as error:
        raise FileProblem(f"cannot open {path.name}: {error.strerror}") from error


def _read(number: int, row: dict[str, str | None], today: date) -> Row | Unusable:
    cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
    product = COMMODITIES.get(cells["commodity"])
    if product is None or product not in PRODUCTS:
        return Unusable(number, "a commodity we do not list")
    if cells["unit"] not in _UNITS or _UNITS[cells["unit"]] != PRODUCTS[product].unit:
        return Unusable(number, "a unit other than the product's")
    if cells["currency"] != "RWF":
        return Unusable(number, "a currency other than RWF")
    if cells["pricetype"] not in _KINDS:
        return Unusable(number, "a kind of price we do not show")
    try:
        day = date.fromisoformat(cells["date"])
    except ValueError:
        return Unusable(number, "a date that is not one")
    if day > today:
        return Unusable(number, "a date in the future")
    amount = _francs(cells["price"])
    if amount is None:
        return Unusable(number, "a price that is not a number")
    if amount <= 0:
        return Unusable(number, "a price of nothing or less")
    whole = int(amount.quantize(Decimal(1), ROUND_HALF_UP))
    kind, unit = _KINDS[cells["pricetype"]], _UNITS[cells["unit"]]
    place, district = cells["market"][:60], cells["admin2"][:40]
    return Row(number, product, place, district, kind, whole, unit, day, amount != whole)


def _francs(text: str) -> Decimal | None:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) < 10**9 else None
