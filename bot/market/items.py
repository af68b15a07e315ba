"""What is sold under which number, and how its price is shared: the hub's own list of items."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from bot.market.share import Line
from bot.storage.schema import hub_items


@dataclass(frozen=True, slots=True)
class Cut:
    """What somebody gets of the sale price, in thousandths of it."""

    name: str
    to: str
    permille: int


@dataclass(frozen=True, slots=True)
class Item:
    """One thing on sale: a pack of a product."""

    sku: str
    product: str
    grade: str
    pack_g: int
    cuts: tuple[Cut, ...]
    collection_point: str
    deliver_days: int

    def lines_of(self, sale_price_rwf: int) -> tuple[Line, ...]:
        """The deductions from a pack's price, each rounded down: the farmer has what is left."""
        return tuple(
            Line(cut.name, cut.to, sale_price_rwf * cut.permille // 1000) for cut in self.cuts
        )


def by_sku(db: Connection, sku: str) -> Item | None:
    """The item with this number, or None."""
    row = db.execute(select(hub_items).where(hub_items.c.sku == sku)).mappings().first()
    if row is None:
        return None
    cuts = tuple(Cut(one["name"], one["to"], one["permille"]) for one in row["deductions"])
    return Item(
        row["sku"],
        row["product"],
        row["grade"],
        row["pack_g"],
        cuts,
        row["collection_point"],
        row["deliver_days"],
    )


def all_of_them(db: Connection) -> list[Item]:
    """Every item, by number."""
    skus = db.execute(select(hub_items.c.sku).order_by(hub_items.c.sku)).scalars()
    return [item for sku in list(skus) if (item := by_sku(db, sku)) is not None]


def put(db: Connection, item: Item) -> None:
    """Keep an item, in place of the one with its number. Raises ValueError.

    Orders that were taken before stay as they are.
    """
    if not 0 <= sum(cut.permille for cut in item.cuts) < 1000 or any(
        cut.permille < 0 for cut in item.cuts
    ):
        raise ValueError("the deductions leave nothing for the farmer")
    values = {
        "product": item.product,
        "grade": item.grade,
        "pack_g": item.pack_g,
        "deductions": [
            {"name": cut.name, "to": cut.to, "permille": cut.permille} for cut in item.cuts
        ],
        "collection_point": item.collection_point,
        "deliver_days": item.deliver_days,
    }
    same = hub_items.c.sku == item.sku
    if db.execute(update(hub_items).where(same).values(values)).rowcount == 0:
        db.execute(insert(hub_items).values(sku=item.sku, **values))


_COFFEE = (Cut("transport", "RwandAir", 56), Cut("roasting", "Kigali", 100),
           Cut("marketplace", "Tmall", 94))  # fmt: skip
# On sale in the demo; POTATO is the item of the examples that other shops send.
DEMO_ITEMS = (
    Item("RW-COFFEE-500G", "COF-ROAST", "", 500, _COFFEE, "Ruli, Gakenke", 11),
    Item("RW-COFFEE-1KG", "COF-ROAST", "", 1000, _COFFEE, "Ruli, Gakenke", 11),
    Item("RW-TEA-250G", "TEA-MADE", "", 250, (Cut("marketplace", "Tmall", 167),),
         "Kitabi, Nyamagabe", 11),
    Item("IBIRAYI-50KG", "POTATO", "", 50_000, (Cut("transport", "Kigali", 80),),
         "Nyabugogo, Kigali", 5),
)  # fmt: skip
