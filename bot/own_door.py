"""Where this server answers on its own machine, as its settings have it."""

from __future__ import annotations

from bot.settings import Settings


def own_door(settings: Settings) -> tuple[str, dict[str, str]]:
    """Where the server answers on this machine, and the headers by which it is meant."""
    scheme = "https" if settings.tls.certificate else "http"
    named = {"Host": settings.allowed_hosts[0]} if settings.allowed_hosts else {}
    return f"{scheme}://{settings.host}:{settings.port}", named
