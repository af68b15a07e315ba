"""Desks for the tests: nobody signed in, and one for each role."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.dashboard.desk import Desk, demo_link, joins
from tests.server import Running


@pytest.fixture
async def stranger(server: Running) -> AsyncIterator[Desk]:
    """A browser in which nobody is signed in."""
    async with Desk(server) as desk:
        yield desk


@pytest.fixture
async def supervisor(server: Running) -> AsyncIterator[Desk]:
    """The demo's supervisor, in by the printed link."""
    async with Desk(server) as desk:
        await desk.gets(await demo_link(server))
        await desk.gets("/dashboard/")
        assert desk.status == 200
        yield desk


@pytest.fixture
async def viewer(server: Running) -> AsyncIterator[Desk]:
    """One who may only look."""
    async with Desk(server) as desk:
        await joins(desk, server, "vera", "viewer")
        yield desk
