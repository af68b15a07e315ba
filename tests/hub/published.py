"""The published description of the hub door, and what really leaves held against it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from sqlalchemy import select

from bot.market import hub_news, subscriptions
from bot.storage.records import Records
from bot.storage.schema import outbox
from tests.server import Running

_FORMATS = FormatChecker(("date",))


@_FORMATS.checks("date-time", raises=ValueError)
def is_moment(said: object) -> bool:
    """Whether it is a moment that says its zone."""
    return not isinstance(said, str) or datetime.fromisoformat(said).tzinfo is not None


class Published:
    """The schemas of /hub/openapi.json, which here allow nothing that they do not name."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._schemas = deepcopy(document["components"]["schemas"])
        for schema in self._schemas.values():
            schema["additionalProperties"] = False
            # Of an envelope the data is a schema of its own already.

    @classmethod
    async def of(cls, server: Running) -> Published:
        """What this server publishes."""
        async with server.client.get("/hub/openapi.json") as response:
            return cls(await response.json())

    def wrong(self, said: Any, schema: dict[str, Any]) -> list[str]:
        """What of `said` is not as `schema` says, a line each."""
        whole = {**schema, "components": {"schemas": self._schemas}}
        validator = Draft202012Validator(whole, format_checker=_FORMATS)
        return [f"{one.json_path}: {one.message}" for one in validator.iter_errors(said)]

    def wrong_with_news(self, said: dict[str, Any]) -> list[str]:
        """The same of a piece of news, by the schema of its type."""
        asked = self.document["webhooks"][said["type"]]["post"]["requestBody"]
        return self.wrong(said, asked["content"]["application/json"]["schema"])

    def wrong_with_answer(self, path: str, said: Any, status: str = "200") -> list[str]:
        """The same of the answer to a GET of `path`, as the description names it."""
        answer = self.document["paths"][path]["get"]["responses"][status]
        return self.wrong(said, answer["content"]["application/json"]["schema"])


async def everybody_is_told(records: Records, types: Sequence[str] = ()) -> None:
    """A receiver that never answers: what is told stays in the outbox, to be read."""
    now, url = datetime.now(UTC), "https://hub.invalid/hook"
    await records.write(lambda db: subscriptions.subscribe(db, url, tuple(types), now))


async def told(records: Records) -> list[dict[str, Any]]:
    """The very bodies that leave, in the order in which they were written."""
    query = select(outbox.c.payload).where(outbox.c.kind == hub_news.KIND).order_by(outbox.c.id)
    found = await records.read(lambda db: list(db.execute(query).scalars()))
    return [json.loads(one["body"]) for one in found]
