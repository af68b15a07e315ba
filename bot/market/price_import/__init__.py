"""Reading the World Food Programme's price file into the records."""

from bot.market.price_import.importing import import_prices
from bot.market.price_import.reading import FileProblem, Row, read_rows
from bot.market.price_import.summary import Summary

__all__ = ["FileProblem", "Row", "Summary", "import_prices", "read_rows"]
