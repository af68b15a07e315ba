"""An operator that calls back, and again until it hears 2xx; what it heard must have been kept."""

from __future__ import annotations

import asyncio

import aiohttp
from sqlalchemy import select

from bot.storage.schema import inbox
from tests.sweep.world import World

_TRIES = 20


async def call_back(world: World, path: str, body: bytes) -> None:
    """POST `body` to `path` until it is acknowledged; then it must be in the records, at once."""
    for _try in range(_TRIES):
        await world.up()
        try:
            async with world.http.post(world.url + path, data=body) as answer:
                acknowledged = answer.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            await asyncio.sleep(0.02)
            continue
        await world.outlive_answer()
        if acknowledged:
            break
    kept = await world.records.read(
        lambda db: db.execute(select(inbox.c.id).where(inbox.c.body == body)).all()
    )
    if len(kept) != 1:
        world.wrong.append(f"I9 acknowledged, but kept {len(kept)} times: {body!r}")
