"""Structured logs: JSON lines for machines, short lines for people; no numbers, no secrets."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

# Of a bot on Telegram: it stands in every URL of its API.
_TOKEN = re.compile(r"\b[0-9]+:[A-Za-z0-9_-]{20,}")
_NUMBER = re.compile(r"\+?\b(?:250|0)?(7[0-9]{8})\b")
# These libraries print tokens, secret paths or a line for every move at their own levels.
_QUIET = ("transitions", "httpx", "httpcore", "aiohttp.access", "alembic", "asyncio")


def set_up_logs(level: str, style: str) -> None:
    """Send all logs to standard error; `style` is json, console, or auto: console on a terminal."""
    as_json = style == "json" or (style == "auto" and not sys.stderr.isatty())
    # Plain tracebacks: the pretty ones print local variables, and a typed PIN is one.
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    renderer: Any = structlog.processors.JSONRenderer() if as_json else plain
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Put into words before the masking, for an error may name a number too.
            structlog.processors.format_exc_info,
            mask_numbers,
            hide_tokens,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_WithoutTokens("%(levelname)s %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def mask_numbers(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Mask every full phone number in every field, whoever wrote the line."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _NUMBER.sub(_mask, value)
    return event


def hide_tokens(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Cut the token of a bot out of every field."""
    for key, value in event.items():
        if isinstance(value, str) and ":" in value:
            event[key] = _TOKEN.sub("•••", value)
    return event


class _WithoutTokens(logging.Formatter):
    """The same for what libraries log by themselves, with its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        return _TOKEN.sub("•••", super().format(record))


def _mask(match: re.Match[str]) -> str:
    return f"+2507•••••{match.group(1)[-2:]}"
