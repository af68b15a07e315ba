"""A document asked for in a chat: made as it leaves, so that no row holds anybody's money."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

from bot.i18n import speaking
from bot.market import people
from bot.market.statement import Statement, statement_of
from bot.market.statement_csv import as_csv
from bot.market.statement_pdf import as_pdf
from bot.storage.records import Records


async def with_document(
    records: Records, args: dict[str, Any], contact_id: int
) -> dict[str, Any] | None:
    """`args` of a call with the document that they ask for; None when its person is gone.

    What asks for none comes back as it is.
    """
    asked = args.get("document")
    if not isinstance(asked, dict) or "statement" not in asked:
        return args
    form, timezone, now = str(asked["statement"]), str(asked["timezone"]), datetime.now(UTC)

    def read(db: Any) -> tuple[Any, Statement | None]:
        contact = people.by_id(db, contact_id)
        if contact is None:
            return None, None
        with speaking(contact.language):
            return contact.language, statement_of(db, contact_id, timezone, now)

    language, statement = await records.read(read)
    if statement is None:
        return None
    with speaking(language):
        made = await asyncio.to_thread(as_csv if form == "csv" else as_pdf, statement)
    name = f"isoko-{now:%Y-%m-%d}.{form}"
    return {**args, "document": {"file": b64encode(made).decode(), "name": name}}
