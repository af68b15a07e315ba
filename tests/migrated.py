"""Data folders that servers begin in: copies of a file with up-to-date tables, or with the cast too.

To make one takes a fifth of a second, and so does the cast; a copy takes a hundredth.
"""

import atexit
import shutil
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import time_machine

from bot import demo
from bot.settings import load_settings
from bot.storage.opening import open_records, sqlite_path, upgrade
from bot.wiring import market_of

# Demo days are counted from when the cast is loaded: an old copy would be yesterday's.
_FRESH_S = 300.0
# When each cast was loaded, by the variables it was loaded with; 0.0 where they came but once.
_casts: dict[str, float] = {}


async def begin_in(folder: Path, variables: Mapping[str, str] | None = None) -> None:
    """Put up-to-date tables into `folder`, where there is no file of records yet.

    With `variables`, those of its settings, the demo's cast is in them where a server with the same
    has begun before.
    """
    path = sqlite_path(folder)
    if path.exists():
        return
    original = None
    # A test that has put the clock elsewhere wants a cast of that day.
    if variables and not time_machine.escape_hatch.is_travelling():
        original = await _with_cast(variables)
    if original is None:
        original = sqlite_path(_made("empty"))
        if not original.exists():
            await upgrade("", original.parent)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copy(original, path)


async def _with_cast(variables: Mapping[str, str]) -> Path | None:
    same = {name: value for name, value in variables.items() if name != "ISOKO_DATA_DIR"}
    key = str(sorted(same.items()))
    if variables.get("ISOKO_ENV", "demo") != "demo":
        return None
    if key not in _casts:
        _casts[key] = 0.0
        return None
    path = sqlite_path(_made(f"cast {list(_casts).index(key)}"))
    if time.monotonic() - _casts[key] > _FRESH_S or not path.exists():
        shutil.rmtree(path.parent)
        await begin_in(path.parent)
        records = await open_records("", path.parent)
        market = market_of(load_settings(variables), records)
        await demo.load_demo(market, datetime.now(UTC))
        await market.pins.close()
        await records.close()
        _casts[key] = time.monotonic()
    return path


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="isoko-migrated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _made(name: str) -> Path:
    folder = _folder() / name
    folder.mkdir(exist_ok=True)
    return folder
