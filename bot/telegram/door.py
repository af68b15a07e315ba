"""The door to Telegram, put together: the webhook, and what applies its updates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry
from sqlalchemy import Connection

from bot.conversation import Language
from bot.engine import Engine
from bot.engine.watch import Watch
from bot.flow import Flow
from bot.market import Market, telegram_invites
from bot.storage.records import Records
from bot.storage.sessions import Sessions
from bot.telegram.applying import Applying, Linking
from bot.telegram.figures import UpdateFigures
from bot.telegram.files import Files
from bot.telegram.listing import Listing
from bot.telegram.photographing import Photographing
from bot.telegram.sharing import contact_in, receive
from bot.telegram.talking import Talking
from bot.telegram.tokens import Tokens
from bot.telegram.updates import UpdateRules, Updates


def linking_of(market: Market) -> Linking:
    """How accounts come to speak for numbers in this market."""

    def share(
        db: Connection, message: Mapping[str, Any], language: Language, key: str, now: datetime
    ) -> None:
        shared = contact_in(message)
        if shared is not None:
            receive(db, market.link_codes, market.hub, shared, language, key, now)

    return Linking(share, telegram_invites.use)


def open_updates(
    records: Records,
    sessions: Sessions,
    engine: Engine,
    flows: Mapping[str, Flow],
    watch: Watch,
    registry: CollectorRegistry,
    secret_key: str,
    said: Callable[[], None],
    *,
    linking: Linking | None = None,
    files: Files | None = None,
    alone: bool = False,
    rules: UpdateRules | None = None,
) -> Updates:
    """Updates as a server applies them. `alone`: no other process is on these records.

    `said` is told when something waits to be sent. Without `files` photos are not taken.
    """
    figures = UpdateFigures()
    registry.register(figures)
    talking = Talking(engine, sessions, flows, Tokens(secret_key), watch)
    photographing = Photographing(files) if files is not None else None
    listing = Listing(files) if files is not None else None
    applying = Applying(talking, linking or Linking(), photographing, listing)
    return Updates(records, applying, figures, rules or UpdateRules(), alone=alone, said=said)
