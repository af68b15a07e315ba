"""Background work goes round after round; a round that fails is not the last one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from bot.storage.records import RecordsDown

log = structlog.get_logger(__name__)


async def one_round(what: str, work: Callable[[], Awaitable[object]]) -> None:
    """Do one round of `what`. Only being cancelled comes out of it; all else is logged."""
    try:
        await work()
    except RecordsDown as error:
        log.warning(f"{what} waits", why=str(error))
    except Exception:  # whatever broke this round, the next one must come
        log.exception(f"{what}: a round failed")
