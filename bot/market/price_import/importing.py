"""Taking a price file in, in two passes over the stream; running it twice changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from functools import partial
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, insert, select, tuple_

from bot.market.price_import.outliers import Usual
from bot.market.price_import.reading import SOURCE, Row, Unusable, read_rows
from bot.market.price_import.summary import Summary
from bot.storage.records import Records
from bot.storage.schema import prices

_BATCH = 500
Progress = Callable[[int], None]


async def import_prices(
    path: Path,
    records: Records,
    *,
    hub: str,
    now: datetime,
    outlier_factor: float,
    dry_run: bool = False,
    progress: Progress = lambda _rows: None,
) -> Summary:
    """Read `path` into the records and say what became of each row. Raises `FileProblem`.

    The first pass learns what each product usually costs; the second stores, in batches. A row
    far from the usual is stored as flagged, with its reason, and is never shown. `progress` is
    called with the number of rows just read.
    """
    today = now.date()
    usual, summary = Usual(outlier_factor), Summary()
    usual.learn(row for row in read_rows(path, today) if isinstance(row, Row))
    for batch in _batches(read_rows(path, today)):
        rows = _usable(batch, summary)
        if dry_run:
            _note(rows, set(), usual, summary)
        else:
            store = partial(_store, rows=rows, usual=usual, summary=summary, hub=hub, now=now)
            await records.write(store)
        progress(len(batch))
    return summary


def _batches(rows: Iterable[Row | Unusable]) -> Iterator[list[Row | Unusable]]:
    stream = iter(rows)
    while batch := list(islice(stream, _BATCH)):
        yield batch


def _usable(batch: list[Row | Unusable], summary: Summary) -> list[Row]:
    for row in batch:
        if isinstance(row, Unusable):
            summary.skipped[row.reason].append(row.number)
    return [row for row in batch if isinstance(row, Row)]


def _store(
    db: Connection, rows: list[Row], usual: Usual, summary: Summary, hub: str, now: datetime
) -> None:
    fresh = _note(rows, _known(db, rows, hub), usual, summary)
    if fresh:
        db.execute(insert(prices), [_values(row, reason, hub, now) for row, reason in fresh])


def _note(
    rows: list[Row], known: set[tuple[str, str, str, date]], usual: Usual, summary: Summary
) -> list[tuple[Row, str]]:
    """Sort rows into the summary; give back those that are new, each with its doubt."""
    fresh: list[tuple[Row, str]] = []
    for row in rows:
        spot = (row.product, row.place, row.kind, row.day)
        if spot in known:
            summary.skipped["already known"].append(row.number)
            continue
        known.add(spot)
        reason = usual.doubt(row)
        if reason:
            summary.flagged[reason].append(row.number)
        else:
            summary.taken += 1
            summary.rounded += row.rounded
        fresh.append((row, reason))
    return fresh


def _known(db: Connection, rows: list[Row], hub: str) -> set[tuple[str, str, str, date]]:
    spot = tuple_(prices.c.product, prices.c.place, prices.c.kind, prices.c.valid_on)
    wanted = [(row.product, row.place, row.kind, row.day) for row in rows]
    query = select(prices.c.product, prices.c.place, prices.c.kind, prices.c.valid_on).where(
        prices.c.hub == hub, prices.c.source == SOURCE, spot.in_(wanted)
    )
    return {(row[0], row[1], row[2], row[3]) for row in db.execute(query)}


def _values(row: Row, reason: str, hub: str, now: datetime) -> dict[str, object]:
    return {
        "hub": hub,
        "product": row.product,
        "place": row.place,
        "district": row.district,
        "kind": row.kind,
        "amount_rwf": row.amount_rwf,
        "unit": row.unit,
        "valid_on": row.day,
        "source": SOURCE,
        "state": "flagged" if reason else "shown",
        "reason": reason[:160],
        "entered_at": now,
    }
