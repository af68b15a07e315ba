"""The door to Telegram, put together: the webhook, and what applies its updates."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry

from bot.engine import Engine
from bot.engine.watch import Watch
from bot.flow import Flow
from bot.storage.records import Records
from bot.storage.sessions import Sessions
from bot.telegram.applying import Applying, Linking
from bot.telegram.figures import UpdateFigures
from bot.telegram.talking import Talking
from bot.telegram.tokens import Tokens
from bot.telegram.updates import UpdateRules, Updates


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
    alone: bool = False,
    rules: UpdateRules | None = None,
) -> Updates:
    """Updates as a server applies them. `alone`: no other process is on these records.

    `said` is told when something waits to be sent.
    """
    figures = UpdateFigures()
    registry.register(figures)
    talking = Talking(engine, sessions, flows, Tokens(secret_key), watch)
    applying = Applying(talking, linking or Linking())
    return Updates(records, applying, figures, rules or UpdateRules(), alone=alone, said=said)
