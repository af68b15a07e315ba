"""The scaled mode of the tests (`--stores scaled`): PostgreSQL, Redis, and two servers on them."""

from __future__ import annotations

import asyncio
from itertools import cycle
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient

from bot.storage.opening import upgrade
from tests.real_postgres import RealPostgres
from tests.real_valkey import RealValkey

# What is asked of any server; a browser's cookies stay with one.
_IN_TURN = ("/ussd/", "/payments/")


class Databases:
    """A database for each folder that a test starts a server on, copied from one migrated once."""

    def __init__(self, postgres: RealPostgres) -> None:
        self._postgres = postgres
        self._of: dict[Path, str] = {}
        self._template = ""

    async def of(self, folder: Path) -> dict[str, str]:
        """The settings that name it; a server started again on a folder finds its own."""
        if folder not in self._of:
            if not self._template:
                template = self._postgres.new_database()
                await upgrade(template, Path())
                self._template = template.rpartition("/")[2]
            new = asyncio.to_thread(self._postgres.new_database, self._template)
            self._of[folder] = await new
        return {"ISOKO_DATABASE_URL": self._of[folder]}

    async def drop_all(self) -> None:
        """Drop those of a test that is over; the one they are copied from stays."""
        for url in self._of.values():
            name = url.rpartition("/")[2]
            drop = f"DROP DATABASE {name} WITH (FORCE)"
            await asyncio.to_thread(self._postgres.run_sql, drop)
        self._of.clear()


class Stores(Databases):
    """Those, and one Valkey, emptied for each."""

    def __init__(self, postgres: RealPostgres, valkey: RealValkey) -> None:
        super().__init__(postgres)
        self._valkey = valkey

    async def of(self, folder: Path) -> dict[str, str]:
        """The settings that name both."""
        if folder not in self._of:
            self._valkey.empty()
        return {**await super().of(folder), "ISOKO_REDIS_URL": self._valkey.url}


# Set by conftest; None in the embedded mode.
stores: Stores | None = None
# What a server stands on in the embedded mode, while a test asks for PostgreSQL.
databases: Databases | None = None


class InTurn:
    """A client of two servers: each hop and callback goes to the one that had not the last."""

    def __init__(self, first: TestClient, second: TestClient) -> None:
        self._first, self._clients = first, cycle((first, second))

    def post(self, path: Any, **more: Any) -> Any:
        """As the client's own."""
        return self._for(path).post(path, **more)

    def get(self, path: Any, **more: Any) -> Any:
        """As the client's own."""
        return self._for(path).get(path, **more)

    def put(self, path: Any, **more: Any) -> Any:
        """As the client's own."""
        return self._for(path).put(path, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._first, name)

    def _for(self, path: Any) -> TestClient:
        return next(self._clients) if str(path).startswith(_IN_TURN) else self._first
