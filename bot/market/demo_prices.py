"""The demo's prices: real figures, each with its day, place and source; no figure is invented."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Connection, insert, select

from bot.storage.schema import prices

# product, place, district, kind, francs, unit, day, source
_FIGURES = (
    ("COF-CHERRY", "", "", "minimum", 600, "kg", date(2025, 1, 25), "NAEB"),
    ("COF-CHERRY", "", "", "minimum", 480, "kg", date(2024, 2, 12), "NAEB"),
    ("MAIZE", "Gasarenda", "Nyamagabe", "retail", 480, "kg", date(2026, 3, 15), "WFP"),
    ("MAIZE", "Rubengera", "Karongi", "retail", 633, "kg", date(2026, 7, 15), "WFP"),
    ("MAIZE", "Rubengera", "Karongi", "retail", 600, "kg", date(2026, 6, 15), "WFP"),
    ("MAIZE", "Kivuruga", "Karongi", "retail", 800, "kg", date(2026, 8, 15), "WFP"),
    ("MAIZE", "Kivuruga", "Karongi", "retail", 750, "kg", date(2026, 6, 15), "WFP"),
    ("BEANS", "Gasarenda", "Nyamagabe", "retail", 800, "kg", date(2026, 3, 15), "WFP"),
    ("BEANS", "Rubengera", "Karongi", "retail", 1100, "kg", date(2026, 7, 15), "WFP"),
    ("BEANS", "Kivuruga", "Karongi", "retail", 1200, "kg", date(2026, 8, 15), "WFP"),
    ("BEANS", "Kivuruga", "Karongi", "retail", 1000, "kg", date(2026, 6, 15), "WFP"),
    ("MAIZE-FLOUR", "Gasarenda", "Nyamagabe", "retail", 850, "kg", date(2026, 3, 15), "WFP"),
    ("RICE-IMP", "Gasarenda", "Nyamagabe", "retail", 1200, "kg", date(2026, 3, 15), "WFP"),
    ("RICE-TZ", "Gasarenda", "Nyamagabe", "retail", 1600, "kg", date(2026, 3, 15), "WFP"),
)
_NAMES = ("product", "place", "district", "kind", "amount_rwf", "unit", "valid_on", "source")


def load_demo_prices(db: Connection, hub: str, now: datetime) -> int:
    """Put the figures into empty price records; returns how many."""
    if db.execute(select(prices.c.id).limit(1)).first() is not None:
        return 0
    rows = [
        {**dict(zip(_NAMES, figure, strict=True)), "hub": hub, "entered_at": now}
        for figure in _FIGURES
    ]
    db.execute(insert(prices), rows)
    return len(rows)
