"""Migrated stores by the hundred: a copy of a file, or a database made from another."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot.storage.opening import FILE, upgrade
from tests.real_postgres import RealPostgres


@dataclass(frozen=True, slots=True)
class Place:
    """Where one world's data lies."""

    folder: Path
    database_url: str


class Store(Protocol):
    """A kind of store."""

    name: str

    async def open(self) -> None: ...
    async def new(self, folder: Path) -> Place: ...
    async def drop(self, place: Place) -> None: ...
    async def close(self) -> None: ...


class SqliteStore:
    """Files."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._model = folder / "model"

    async def open(self) -> None:
        """Migrate once."""
        await upgrade("", self._model)

    async def new(self, folder: Path) -> Place:
        """A copy of the migrated file."""
        folder.mkdir(mode=0o700)
        shutil.copy(self._model / FILE, folder / FILE)
        return Place(folder, "")

    async def drop(self, place: Place) -> None:
        """Remove the folder."""
        shutil.rmtree(place.folder, ignore_errors=True)

    async def close(self) -> None:
        """Nothing is held."""


class PostgresStore:
    """Databases of one real PostgreSQL."""

    name = "postgres"

    def __init__(self) -> None:
        self._made = 0

    async def open(self) -> None:
        """Start the server, and migrate once."""
        self._server = await asyncio.to_thread(RealPostgres)
        self._model = self._server.new_database()
        await upgrade(self._model, Path())

    async def new(self, folder: Path) -> Place:
        """A database made from the migrated one."""
        folder.mkdir(mode=0o700)
        self._made += 1
        base, _, model = self._model.rpartition("/")
        name = f"world_{self._made}"
        await self._run(f"CREATE DATABASE {name} TEMPLATE {model}")
        return Place(folder, f"{base}/{name}")

    async def drop(self, place: Place) -> None:
        """Drop the database with all that hangs on it."""
        name = place.database_url.rpartition("/")[2]
        await self._run(f"DROP DATABASE {name} WITH (FORCE)")
        shutil.rmtree(place.folder, ignore_errors=True)

    async def close(self) -> None:
        """Stop the server."""
        await asyncio.to_thread(self._server.stop)

    async def _run(self, statement: str) -> None:
        await asyncio.to_thread(self._server.run_sql, statement)
