"""The line of `isoko doctor` about the marketplace's hub."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.operations.backlog import waiting
from bot.settings import Settings
from bot.storage.opening import is_newer, open_records, revision_of, revision_wanted, sqlite_path


async def hub_standing(settings: Settings) -> str:
    """Whether the hub has its door, and what of its events and receivers people must see to."""
    if not settings.marketplace.enabled:
        return "ok  not used: set ISOKO_MARKETPLACE__ENABLED=true for orders of a marketplace"
    secrets = len(settings.marketplace.secrets)
    said = "one secret" if secrets == 1 else f"{secrets} secrets, while the hub changes over"
    if not settings.database_url and not sqlite_path(settings.data_dir).exists():
        return f"ok  {said}"
    records = await open_records(settings.database_url, settings.data_dir)
    try:
        at = await records.read(revision_of)
        if at != revision_wanted() and not is_newer(at):
            return f"ok  {said}; more is known after `isoko db upgrade`"
        now = datetime.now(UTC)
        found = await records.read(lambda db: waiting(db, now))
    finally:
        await records.close()
    if found.hub_parked:
        return f"wrong  {found.hub_parked} events parked: isoko hub events"
    if found.receivers_off:
        return f"wrong  {found.receivers_off} receivers disabled: isoko hub list"
    return f"ok  {said}"
